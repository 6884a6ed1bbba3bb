//! As much of HTTP/1.1 (RFC 9112) as the proxy and the server in process need: heads, and bodies with a length or in chunks.

use std::io::{Error, ErrorKind, Result};

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The first line and the header fields of a message.
#[derive(Clone, Debug)]
pub struct Head {
    /// `GET /a HTTP/1.1`, or `HTTP/1.1 200 OK`.
    pub start: String,
    /// The fields, with their names as they were sent.
    pub fields: Vec<(String, String)>,
}

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// After this many bytes.
    Length(u64),
    /// After the chunk of size zero.
    Chunked,
    /// With the connection.
    Close,
}

impl Head {
    /// The head of a response.
    #[must_use]
    pub fn response(status: u16) -> Self {
        Self {
            start: format!("HTTP/1.1 {status} {status}"),
            fields: Vec::new(),
        }
    }

    /// This head with a field more, or with another value of it.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.set(name, value);
        self
    }

    /// The value of a field.
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

    /// The target of a request as it was sent: path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.word(1)
    }

    /// The status of a response; 0 where it is none.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.word(1).parse().unwrap_or(0)
    }

    fn word(&self, number: usize) -> &str {
        self.start.split(' ').nth(number).unwrap_or("")
    }

    /// How the body of this request ends.
    #[must_use]
    pub fn request_framing(&self) -> Framing {
        match self.framing() {
            Framing::Close => Framing::Length(0),
            framing => framing,
        }
    }

    /// How the body of this response to such a request ends.
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

    /// The bytes of this head, with the empty line after it.
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

/// Reads a head; `None` where the connection ends before it.
///
/// # Errors
/// Where the connection fails, or what comes is not a head.
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
    // Servers put names of objects into fields, in whatever encoding.
    let line = String::from_utf8_lossy(&line);
    Ok(Some(line.trim_end_matches(['\r', '\n']).to_owned()))
}

/// Reads a body to its end.
///
/// # Errors
/// Where the connection fails or ends before the body.
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
            // The end of the chunk, or of the message where nobody sends trailers.
            read_line(reader).await?;
            if size == 0 {
                break;
            }
        },
    }
    Ok(body)
}

/// Sends one request on a connection of its own, and returns status and body.
///
/// # Errors
/// Where the server cannot be reached or ends the connection too soon.
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

/// A part of a URL without its percent encoding.
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

/// A part of a path with everything encoded that is not plain.
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
