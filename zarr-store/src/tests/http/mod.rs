//! The results of actual web server responses, from a small server in this process.

mod absence;
mod reads;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::{pattern, read_ranges};
#[cfg(feature = "s3")]
use crate::CostModel;
use crate::{ByteRange, ErrorKind, Revalidated, Store, Version};

const HEADERS: &str = "ETag: \"v1\"\r\nLast-Modified: Mon, 01 Jan 2024 00:00:00 GMT\r\n";

/// The method, path and range of every request so far.
type Log = Arc<Mutex<Vec<(String, String, Option<String>)>>>;

struct Server {
    store: Store,
    address: String,
    log: Log,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let url = format!("{address}/data?key=k");
        let log = Log::default();
        let requests = Arc::clone(&log);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let requests = Arc::clone(&requests);
                // A client that disconnects ends its thread.
                std::thread::spawn(move || serve(&stream, &requests).ok());
            }
        });
        let options = [("max_retries", "0"), ("timeout", "500ms")];
        Self {
            store: Store::open_with(&url, options).unwrap(),
            address,
            log,
        }
    }

    /// Opens the objects over S3, without an account.
    #[cfg(feature = "s3")]
    fn s3(&self, more: Option<(&str, &str)>) -> Store {
        let options = [
            ("endpoint", &*self.address),
            ("skip_signature", "true"),
            ("region", "somewhere"),
            ("max_retries", "0"),
        ];
        Store::open_with("s3://data", options.into_iter().chain(more)).unwrap()
    }

    fn methods(&self) -> Vec<String> {
        let log = std::mem::take(&mut *self.log.lock().unwrap());
        log.into_iter().map(|(method, ..)| method).collect()
    }
}

fn serve(stream: &TcpStream, log: &Log) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream).lines();
    while let Some(request) = lines.next().transpose()? {
        let mut words = request.split(' ').map(str::to_owned);
        let (method, path) = (
            words.next().unwrap_or_default(),
            words.next().unwrap_or_default(),
        );
        let (mut range, mut if_match, mut if_none_match) = (None, None, None);
        for line in lines.by_ref() {
            let line = line?;
            let Some((name, value)) = line.split_once(": ") else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "range" => range = Some(value.trim_start_matches("bytes=").to_owned()),
                "if-match" => if_match = Some(value.to_owned()),
                "if-none-match" => if_none_match = Some(value.to_owned()),
                "authorization" => panic!("signed"),
                _ => {}
            }
        }
        log.lock()
            .unwrap()
            .push((method.clone(), path.clone(), range.clone()));
        answer(
            stream,
            &method,
            &path,
            range.as_deref(),
            if_match.as_deref(),
            if_none_match.as_deref(),
        )?;
    }
    Ok(())
}

fn answer(
    mut stream: &TcpStream,
    method: &str,
    path: &str,
    range: Option<&str>,
    if_match: Option<&str>,
    if_none_match: Option<&str>,
) -> std::io::Result<()> {
    let name = path
        .trim_start_matches("/data/")
        .split('?')
        .next()
        .unwrap_or_default();
    let size = match name {
        "k" | "whole" | "cut" => 100,
        "empty" => 0,
        "stall" => {
            std::thread::sleep(Duration::from_secs(5));
            return Ok(());
        }
        // Without a size, as RFC 9110 (8.6) requires.
        "204" => return write!(stream, "HTTP/1.1 204 No Content\r\n\r\n"),
        "no-head-whole" if method != "HEAD" => 100,
        no_head if no_head.starts_with("no-head-") => {
            let status = match method {
                "HEAD" => "404",
                _ => &no_head[8..],
            };
            return write!(stream, "HTTP/1.1 {status} no\r\nContent-Length: 0\r\n\r\n");
        }
        status => {
            return write!(stream, "HTTP/1.1 {status} no\r\nContent-Length: 0\r\n\r\n");
        }
    };
    if if_match.is_some_and(|tag| tag != "\"v1\"") {
        return write!(stream, "HTTP/1.1 412 no\r\nContent-Length: 0\r\n\r\n");
    }
    if if_none_match == Some("\"v1\"") {
        return write!(stream, "HTTP/1.1 304 no\r\n{HEADERS}\r\n");
    }
    let body = pattern(size);
    let wanted = match range
        .filter(|_| !name.ends_with("whole"))
        .and_then(|range| range.split_once('-'))
    {
        None => 0..size,
        Some(("", suffix)) => size.saturating_sub(suffix.parse().unwrap())..size,
        Some((start, "")) => start.parse().unwrap()..size,
        Some((start, last)) => start.parse().unwrap()..size.min(last.parse::<usize>().unwrap() + 1),
    };
    let partial = range.is_some() && !name.ends_with("whole");
    if partial && wanted.is_empty() {
        return write!(
            stream,
            "HTTP/1.1 416 no\r\nContent-Range: bytes */{size}\r\nContent-Length: 0\r\n\r\n"
        );
    }
    let status = if partial {
        format!(
            "206 Partial\r\nContent-Range: bytes {}-{}/{size}",
            wanted.start,
            wanted.end - 1
        )
    } else {
        "200 OK".to_owned()
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{HEADERS}\r\n",
        wanted.len()
    )?;
    if method == "HEAD" {
        return Ok(());
    }
    if name == "cut" {
        stream.write_all(&body[..wanted.len() / 2])?;
        return stream.shutdown(std::net::Shutdown::Both);
    }
    stream.write_all(&body[wanted])
}
