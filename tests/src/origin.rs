//! A small in-process server with enough of S3 for a store: ranges, versions, conditions, paginated
//! listings. It lets the fault tests run anywhere; `servers` runs real servers.

use std::collections::BTreeMap;
use std::io::Result;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use zarr_store::Store;

use crate::http::{Head, percent_decode, read_body, read_head};

/// Keys per page of a listing: few, so that tests span several pages.
const PAGE: usize = 20;

/// A running server. It stops with the runtime that started it.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The address of the server, `127.0.0.1:port`.
    pub address: String,
    objects: Arc<Mutex<Objects>>,
}

#[derive(Debug, Default)]
struct Objects {
    ignores_conditions: bool,
    by_key: BTreeMap<String, Object>,
    puts: u64,
}

#[derive(Clone, Debug)]
struct Object {
    bytes: Vec<u8>,
    tag: String,
}

impl Origin {
    /// Starts a server without objects.
    ///
    /// # Panics
    /// Panics if no port is available.
    pub async fn start() -> Self {
        Self::serving(Objects::default()).await
    }

    /// Starts a server that ignores conditions on puts, like some servers that speak S3.
    pub async fn without_conditions() -> Self {
        let objects = Objects {
            ignores_conditions: true,
            ..Objects::default()
        };
        Self::serving(objects).await
    }

    async fn serving(objects: Objects) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let objects = Arc::new(Mutex::new(objects));
        let accepting = Arc::clone(&objects);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let objects = Arc::clone(&accepting);
                tokio::spawn(async move { drop(serve(client, &objects).await) });
            }
        });
        Self { address, objects }
    }

    /// Opens the bucket as a store, at this address or at that of a proxy.
    ///
    /// # Panics
    /// Panics on an unknown option.
    #[must_use]
    pub fn s3(address: &str, options: &[(&str, &str)]) -> Store {
        let endpoint = format!("http://{address}");
        let own = [
            ("endpoint", endpoint.as_str()),
            ("allow_http", "true"),
            ("region", "us-east-1"),
            ("skip_signature", "true"),
        ];
        Store::open_with(
            "s3://bucket",
            own.into_iter().chain(options.iter().copied()),
        )
        .unwrap()
    }

    /// Opens the objects as a plain web server exposes them.
    ///
    /// # Panics
    /// Panics on an unknown option.
    #[must_use]
    pub fn http(address: &str, options: &[(&str, &str)]) -> Store {
        let url = format!("http://{address}/bucket");
        Store::open_with(&url, options.iter().copied()).unwrap()
    }

    /// Returns the bytes of an object, bypassing every proxy.
    #[must_use]
    pub fn object(&self, key: &str) -> Option<Vec<u8>> {
        let objects = self.objects.lock().unwrap();
        Some(objects.by_key.get(key)?.bytes.clone())
    }

    /// Returns the keys of all objects.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.objects
            .lock()
            .unwrap()
            .by_key
            .keys()
            .cloned()
            .collect()
    }

    /// The number of puts so far.
    #[must_use]
    pub fn puts(&self) -> u64 {
        self.objects.lock().unwrap().puts
    }
}

async fn serve(mut client: TcpStream, objects: &Mutex<Objects>) -> Result<()> {
    client.set_nodelay(true)?;
    let (reader, mut writer) = client.split();
    let mut reader = BufReader::new(reader);
    while let Some(head) = read_head(&mut reader).await? {
        let body = read_body(&mut reader, head.request_framing()).await?;
        let (mut response, mut body) = objects.lock().unwrap().answer(&head, body);
        response.set("content-length", body.len());
        if head.method() == "HEAD" {
            body.clear();
        }
        writer
            .write_all(&[response.to_bytes(), body].concat())
            .await?;
    }
    Ok(())
}

impl Objects {
    fn answer(&mut self, head: &Head, body: Vec<u8>) -> (Head, Vec<u8>) {
        let (path, query) = head.target().split_once('?').unwrap_or((head.target(), ""));
        let path = path.trim_start_matches('/');
        let (_bucket, key) = path.split_once('/').unwrap_or((path, ""));
        let key = percent_decode(key);
        match head.method() {
            "GET" | "HEAD" if key.is_empty() => self.list(query),
            "GET" | "HEAD" => self.get(&key, head),
            "PUT" => self.put(key, head, body),
            "DELETE" => {
                self.by_key.remove(&key);
                (Head::response(204), vec![])
            }
            "POST" => self.delete_many(&String::from_utf8_lossy(&body)),
            _ => (Head::response(405), vec![]),
        }
    }

    fn get(&self, key: &str, head: &Head) -> (Head, Vec<u8>) {
        let Some(object) = self.by_key.get(key) else {
            return (Head::response(404), vec![]);
        };
        if head.get("if-match").is_some_and(|tag| tag != object.tag) {
            return (Head::response(412), vec![]);
        }
        if head
            .get("if-none-match")
            .is_some_and(|tag| tag == object.tag)
        {
            return (Head::response(304).with("etag", &object.tag), vec![]);
        }
        let size = object.bytes.len();
        let described = |status| {
            Head::response(status)
                .with("etag", &object.tag)
                .with("last-modified", "Wed, 01 Jan 2025 00:00:00 GMT")
                .with("accept-ranges", "bytes")
        };
        match head.get("range").map(|range| resolve(range, size)) {
            None => (described(200), object.bytes.clone()),
            Some(None) => (
                Head::response(416).with("content-range", format!("bytes */{size}")),
                vec![],
            ),
            Some(Some(range)) => {
                let content = format!("bytes {}-{}/{size}", range.start, range.end - 1);
                let head = described(206).with("content-range", content);
                (head, object.bytes[range].to_vec())
            }
        }
    }

    fn put(&mut self, key: String, head: &Head, bytes: Vec<u8>) -> (Head, Vec<u8>) {
        let old = self.by_key.get(&key).map(|object| object.tag.as_str());
        let condition = |name| head.get(name).filter(|_| !self.ignores_conditions);
        if condition("if-none-match").is_some() && old.is_some() {
            return (Head::response(412), vec![]);
        }
        if let Some(tag) = condition("if-match")
            && old != Some(tag)
        {
            let status = if old.is_some() { 412 } else { 404 };
            return (Head::response(status), vec![]);
        }
        self.puts += 1;
        let tag = format!("\"{}\"", self.puts);
        let response = Head::response(200).with("etag", &tag);
        self.by_key.insert(key, Object { bytes, tag });
        (response, vec![])
    }

    fn delete_many(&mut self, body: &str) -> (Head, Vec<u8>) {
        let mut deleted = String::new();
        for part in body.split("<Key>").skip(1) {
            let name = part.split("</Key>").next().unwrap_or("");
            self.by_key.remove(&unescape(name));
            deleted.push_str(&format!("<Deleted><Key>{name}</Key></Deleted>"));
        }
        xml(&format!("<DeleteResult>{deleted}</DeleteResult>"))
    }

    fn list(&self, query: &str) -> (Head, Vec<u8>) {
        let parameter = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            let (_, value) = pairs.find(|(found, _)| *found == name)?;
            Some(percent_decode(&value.replace('+', " ")))
        };
        let prefix = parameter("prefix").unwrap_or_default();
        let delimiter = parameter("delimiter").filter(|text| !text.is_empty());
        let after = parameter("continuation-token").or_else(|| parameter("start-after"));
        let mut contents = String::new();
        let mut prefixes = Vec::<String>::new();
        let (mut count, mut last, mut more) = (0, None, false);
        for (key, object) in &self.by_key {
            let Some(rest) = key.strip_prefix(&prefix) else {
                continue;
            };
            if after.as_ref().is_some_and(|after| key <= after) {
                continue;
            }
            if count == PAGE {
                more = true;
                break;
            }
            let common = delimiter
                .as_ref()
                .and_then(|delimiter| rest.find(delimiter));
            if let Some(at) = common {
                let common = key[..=prefix.len() + at].to_owned();
                if prefixes.last() != Some(&common) {
                    prefixes.push(common);
                    count += 1;
                }
            } else {
                contents.push_str(&format!(
                    "<Contents><Key>{}</Key><LastModified>2025-01-01T00:00:00.000Z</LastModified><ETag>{}</ETag>\
                     <Size>{}</Size></Contents>",
                    escape(key),
                    escape(&object.tag),
                    object.bytes.len()
                ));
                count += 1;
            }
            last = Some(key);
        }
        for common in prefixes {
            let common = escape(&common);
            contents.push_str(&format!(
                "<CommonPrefixes><Prefix>{common}</Prefix></CommonPrefixes>"
            ));
        }
        if let Some(last) = last.filter(|_| more) {
            let token = escape(last);
            contents.push_str(&format!(
                "<NextContinuationToken>{token}</NextContinuationToken>"
            ));
        }
        xml(&format!(
            "<ListBucketResult><IsTruncated>{more}</IsTruncated>{contents}</ListBucketResult>"
        ))
    }
}

/// Returns the bytes that a `Range` field selects; `None` if it selects none.
fn resolve(range: &str, size: usize) -> Option<Range<usize>> {
    let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
    let range = match (start.parse::<usize>(), end.parse::<usize>()) {
        (Ok(start), Ok(end)) => start..end.saturating_add(1).min(size),
        (Ok(start), Err(_)) => start..size,
        (Err(_), Ok(last)) => size.saturating_sub(last)..size,
        (Err(_), Err(_)) => return None,
    };
    (range.start < range.end).then_some(range)
}

fn xml(text: &str) -> (Head, Vec<u8>) {
    let head = Head::response(200).with("content-type", "application/xml");
    (head, text.as_bytes().to_vec())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&amp;", "&")
}
