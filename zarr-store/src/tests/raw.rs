//! A server that answers each request with the bytes a function returns, well formed or not.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::pattern;

/// A received request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    /// Header names in lower case.
    pub(crate) fields: Vec<(String, String)>,
}

impl Asked {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let (_, value) = fields.find(|(found, _)| found == name)?;
        Some(value)
    }

    /// Returns the requested bytes of an object of this size; `None` without a range.
    pub(crate) fn range(&self, size: usize) -> Option<std::ops::Range<usize>> {
        let (start, end) = self
            .field("range")?
            .strip_prefix("bytes=")?
            .split_once('-')?;
        Some(match (start.parse::<usize>(), end.parse::<usize>()) {
            (Ok(start), Ok(last)) => start..size.min(last.saturating_add(1)),
            (Ok(start), Err(_)) => start..size,
            (Err(_), Ok(suffix)) => size.saturating_sub(suffix)..size,
            _ => return None,
        })
    }
}

pub(crate) struct Raw {
    /// `http://127.0.0.1:port`.
    pub(crate) address: String,
    log: Arc<Mutex<Vec<Asked>>>,
}

impl Raw {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let log = Arc::new(Mutex::new(Vec::new()));
        let (asked, answer) = (Arc::clone(&log), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                std::thread::spawn(move || serve(&stream, &asked, &*answer).ok());
            }
        });
        Self { address, log }
    }

    /// Takes the requests since the last call.
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    pub(crate) fn methods(&self) -> Vec<String> {
        self.take().into_iter().map(|asked| asked.method).collect()
    }
}

fn serve(
    mut stream: &TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked) -> Vec<u8>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let mut words = line.split(' ').map(str::to_owned);
        let mut asked = Asked {
            method: words.next().unwrap_or_default(),
            target: words.next().unwrap_or_default(),
            fields: Vec::new(),
        };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            let field = (name.to_ascii_lowercase(), value.trim().to_owned());
            asked.fields.push(field);
        }
        let size = asked
            .field("content-length")
            .map_or(0, |size| size.parse().unwrap());
        reader.by_ref().take(size).read_to_end(&mut Vec::new())?;
        log.lock().unwrap().push(asked.clone());
        let bytes = answer(&asked);
        stream.write_all(&bytes)?;
        let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]).to_ascii_lowercase();
        if head.contains("connection: close") {
            return stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

/// Makes a response with a body and its length.
pub(crate) fn sized(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{fields}\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Makes a response with a body in chunks of seven bytes.
pub(crate) fn chunked(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes =
        format!("HTTP/1.1 {status}\r\nTransfer-Encoding: chunked\r\n{fields}\r\n").into_bytes();
    for chunk in body.chunks(7) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

/// Makes the response of an orderly server for a 100-byte object, without a body to HEAD.
pub(crate) fn orderly(asked: &Asked, fields: &str) -> Vec<u8> {
    let body = pattern(100);
    let answer = match asked.range(100) {
        None => sized("200 OK", fields, &body),
        Some(range) if range.is_empty() => sized("416 no", "Content-Range: bytes */100\r\n", b""),
        Some(range) => {
            let place = format!(
                "Content-Range: bytes {}-{}/100\r\n{fields}",
                range.start,
                range.end - 1
            );
            sized("206 Partial", &place, &body[range])
        }
    };
    match asked.method.as_str() {
        "HEAD" => without_body(answer),
        _ => answer,
    }
}

/// Returns the head of a response.
pub(crate) fn without_body(mut answer: Vec<u8>) -> Vec<u8> {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap();
    answer.truncate(end + 4);
    answer
}
