//! The subset of HTTP/1.1 (RFC 9112) that the proxy and the in-process server use: heads, and
//! bodies with a length or in chunks.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The start line and the header fields of a message.
#[derive(Clone, Debug)]
pub struct Head {
    /// The start line: `GET /a HTTP/1.1`, or `HTTP/1.1 200 OK`.
    pub start: String,
    /// The header fields, with their names as sent.
    pub fields: Vec<(String, String)>,
}

/// The framing of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// The body ends after this many bytes.
    Length(u64),
    /// The body ends after the chunk of size zero.
    Chunked,
    /// The body ends with the connection.
    Close,
}

impl Head {
    /// Builds the head of a response.
    #[must_use]
    pub fn response(status: u16) -> Self {
        Self {
            start: format!("HTTP/1.1 {status} {status}"),
            fields: Vec::new(),
        }
    }

    /// Returns this head with a field added or replaced.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.set(name, value);
        self
    }

    /// Returns the value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, value) = fields.find(|(found, _)| found.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    /// Sets a field.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.remove(name);
        self.fields.push((name.to_owned(), value.to_string()));
    }

    /// Removes a field.
    pub fn remove(&mut self, name: &str) {
        self.fields
            .retain(|(found, _)| !found.eq_ignore_ascii_case(name));
    }

    /// The method of a request.
    #[must_use]
    pub fn method(&self) -> &str {
        self.word(0)
    }

    /// The target of a request as sent: path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.word(1)
    }

    /// The status of a response; 0 if the start line has none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or(0)
    }

    fn word(&self, number: usize) -> &str {
        self.start.split(' ').nth(number).unwrap_or("")
    }

    /// The framing of the body of this request.
    #[must_use]
    pub fn request_framing(&self) -> Framing {
        match self.framing() {
            Framing::Close => Framing::Length(0),
            framing => framing,
        }
    }

    /// The framing of the body of this response to a request with this method.
    #[must_use]
    pub fn response_framing(&self, method: &str) -> Framing {
        match self.status() {
            100..200 | 204 | 304 => Framing::Length(0),
            _ if method == "HEAD" => Framing::Length(0),
            _ => self.framing(),
        }
    }

    fn framing(&self) -> Framing {
        let encoding = self.get("transfer-encoding").unwrap_or("");
        if encoding.eq_ignore_ascii_case("chunked") {
            return Framing::Chunked;
        }
        let length = self.get("content-length").map(str::parse);
        length.map_or(Framing::Close, |length| {
            length.map_or(Framing::Close, Framing::Length)
        })
    }

    /// Serialises this head, including the empty line after it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = format!("{}\r\n", self.start);
        for (name, value) in &self.fields {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.into_bytes()
    }
}

/// Reads a head; `None` if the connection ends before it.
///
/// # Errors
/// Fails if the connection fails or the bytes are not a head.
pub async fn read_head(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<Head>> {
    let Some(start) = read_line(reader).await? else {
        return Ok(None);
    };
    let mut fields = Vec::new();
    loop {
        let line = read_line(reader).await?.ok_or(ErrorKind::UnexpectedEof)?;
        if line.is_empty() {
            return Ok(Some(Head { start, fields }));
        }
        let (name, value) = line.split_once(':').ok_or(ErrorKind::InvalidData)?;
        fields.push((name.to_owned(), value.trim().to_owned()));
    }
}

async fn read_line(reader: &mut (impl AsyncBufRead + Unpin)) -> Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    // Servers put object names into fields, in any encoding.
    let line = String::from_utf8_lossy(&line);
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Reads a body to its end.
///
/// # Errors
/// Fails if the connection fails or ends before the body does.
pub async fn read_body(
    reader: &mut (impl AsyncBufRead + Unpin),
    framing: Framing,
) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    match framing {
        Framing::Length(size) => {
            reader.take(size).read_to_end(&mut body).await?;
            if (body.len() as u64) < size {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Framing::Close => drop(reader.read_to_end(&mut body).await?),
        Framing::Chunked => loop {
            let line = read_line(reader).await?.ok_or(ErrorKind::UnexpectedEof)?;
            let size = line.split(';').next().unwrap_or("").trim();
            let size = u64::from_str_radix(size, 16).map_err(Error::other)?;
            reader.take(size).read_to_end(&mut body).await?;
            // The CRLF after the chunk, or the end of the message, since no peer sends trailers.
            read_line(reader).await?;
            if size == 0 {
                break;
            }
        },
    }
    Ok(body)
}

/// Sends one request on its own connection, and returns status and body.
///
/// # Errors
/// Fails if the server is unreachable or closes the connection too early.
pub async fn send(
    address: &str,
    method: &str,
    target: &str,
    body: &[u8],
) -> Result<(u16, Vec<u8>)> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    let head = Head {
        start: format!("{method} {target} HTTP/1.1"),
        fields: Vec::new(),
    };
    let head = head.with("host", address).with("connection", "close");
    let head = head.with("content-length", body.len());
    stream
        .write_all(&[head.to_bytes(), body.to_vec()].concat())
        .await?;
    let head = read_head(&mut stream)
        .await?
        .ok_or(ErrorKind::UnexpectedEof)?;
    let body = read_body(&mut stream, head.response_framing(method)).await?;
    Ok((head.status(), body))
}

/// Decodes the percent encoding of a part of a URL.
#[must_use]
pub fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let escaped = text.get(at + 1..at + 3).filter(|_| bytes[at] == b'%');
        match escaped.map(|digits| u8::from_str_radix(digits, 16)) {
            Some(Ok(byte)) => {
                decoded.push(byte);
                at += 3;
            }
            _ => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Percent-encodes all special characters of a path segment.
#[must_use]
pub fn percent_encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
