//! A scripted Google Cloud Storage (XML API) and Azure (blobs), reached as a proxy, so that stores
//! see the services' own names. It keeps objects in memory, checks conditions as the services do,
//! and fails on demand.

use std::collections::BTreeMap;
use std::io::Result;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use zarr_store::Store;

use crate::http::{Head, percent_decode, read_body, read_head};

/// What a service does wrong, at one kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Responds with this status, this many times, without doing anything.
    Status(&'static str, u32),
    /// Does what is asked, and responds with this status, once.
    After(&'static str),
    /// Breaks the connection off instead of responding, once, after doing what is asked.
    Lost,
    /// Another writer replaces the object just before, once.
    Changes,
}

#[derive(Debug, Default)]
struct State {
    /// Content and generation by path.
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    /// Uncommitted blocks by path and name.
    blocks: BTreeMap<(String, String), Vec<u8>>,
    changes: u64,
    log: Vec<Asked>,
    /// The kind of request that fails, and how.
    fault: Option<(&'static str, Fault)>,
}

impl State {
    fn put(&mut self, path: &str, content: Vec<u8>) -> u64 {
        self.changes += 1;
        let generation = 7000 + self.changes;
        self.objects.insert(path.to_owned(), (content, generation));
        generation
    }
}

/// A received request.
#[derive(Clone, Debug)]
pub struct Asked {
    head: Head,
    body: Vec<u8>,
}

impl Asked {
    /// The target: an absolute URL.
    #[must_use]
    pub fn target(&self) -> &str {
        self.head.target()
    }

    /// The value of a header field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.get(name)
    }
}

/// A running service. It stops with the runtime that started it.
#[derive(Debug)]
pub struct Service {
    address: String,
    state: Arc<Mutex<State>>,
}

/// Returns the kind of a request.
#[must_use]
pub fn kind(asked: &Asked) -> &'static str {
    let target = percent_decode(asked.target());
    let has = |text| target.contains(text);
    match asked.head.method() {
        "PUT" if has("?compose") || has("comp=blocklist") => "complete",
        "PUT" if asked.field("x-ms-copy-source").is_some() => "copy",
        "PUT" if has("comp=block") => "put block",
        "PUT" if has(".zarr-store-patch-") => "put temporary",
        "PUT" => "put",
        "DELETE" => "delete",
        "HEAD" => "head",
        _ if has("list-type") => "list",
        _ => "get",
    }
}

impl Service {
    /// Starts a service without objects.
    ///
    /// # Panics
    /// Panics if no port is available.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let shared = shared.clone();
                tokio::spawn(async move { drop(serve(client, &shared).await) });
            }
        });
        Self { address, state }
    }

    /// Opens a bucket of Google Cloud Storage.
    #[must_use]
    pub fn gcs(&self) -> Store {
        let options = [
            ("base_url", "http://storage.googleapis.com"),
            ("bearer_token", "hush"),
        ];
        self.open("gs://b/x", &options)
    }

    /// Opens a container of Azure, with an option that authorises requests.
    #[must_use]
    pub fn azure(&self, login: (&str, &str)) -> Store {
        let options = [
            ("endpoint", "http://acc.blob.core.windows.net"),
            ("account_name", "acc"),
            login,
        ];
        self.open("az://b/x", &options)
    }

    fn open(&self, url: &str, options: &[(&str, &str)]) -> Store {
        // A bucket of its own, so that no finding of another test holds.
        let url = url.replace("//b", &format!("//b{:016x}", rand::random::<u64>()));
        let proxy = [
            ("proxy_url", self.address.as_str()),
            ("allow_http", "true"),
            ("max_retries", "0"),
        ];
        Store::open_with(&url, options.iter().copied().chain(proxy)).unwrap()
    }

    /// Sets the fault of one kind of request.
    ///
    /// # Panics
    /// Panics if the service did.
    pub fn fail(&self, kind: &'static str, fault: Fault) {
        self.state.lock().unwrap().fault = Some((kind, fault));
    }

    /// Takes the requests since the last call.
    ///
    /// # Panics
    /// Panics if the service did.
    #[must_use]
    pub fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }

    /// Takes the kinds of the requests since the last call.
    #[must_use]
    pub fn kinds(&self) -> Vec<&'static str> {
        self.take().iter().map(kind).collect()
    }

    /// The names of all objects.
    ///
    /// # Panics
    /// Panics if the service did.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let names = state.objects.keys();
        names
            .map(|path| path.rsplit_once("/x/").unwrap().1.to_owned())
            .collect()
    }
}

async fn serve(mut client: TcpStream, state: &Mutex<State>) -> Result<()> {
    client.set_nodelay(true)?;
    let (reader, mut writer) = client.split();
    let mut reader = BufReader::new(reader);
    while let Some(head) = read_head(&mut reader).await? {
        let body = read_body(&mut reader, head.request_framing()).await?;
        let asked = Asked { head, body };
        let answer = {
            let mut state = state.lock().unwrap();
            state.log.push(asked.clone());
            respond(&mut state, &asked)
        };
        match answer {
            Some(bytes) => writer.write_all(&bytes).await?,
            None => break,
        }
    }
    Ok(())
}

/// Makes a response with a body and its length.
fn sized(status: &str, fields: &str, body: &[u8]) -> Vec<u8> {
    let size = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{fields}\r\n");
    [head.as_bytes(), body].concat()
}

/// Makes the response to HEAD for a body of this size.
fn without_body(status: &str, fields: &str, size: usize) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {size}\r\n{fields}\r\n").into_bytes()
}

/// Returns the requested range of an object; `None` if all of it is requested.
fn range(asked: &Asked, size: usize) -> Option<std::ops::Range<usize>> {
    let range = asked.field("range")?.strip_prefix("bytes=")?;
    let (first, last) = range.split_once('-')?;
    Some(match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => first..size.min(last + 1),
        (Ok(first), Err(_)) => first..size,
        (Err(_), Ok(suffix)) => size.saturating_sub(suffix)..size,
        _ => return None,
    })
}

/// Returns the response; `None` if the connection breaks.
fn respond(state: &mut State, asked: &Asked) -> Option<Vec<u8>> {
    let url = asked
        .target()
        .split_once("://")
        .map_or(asked.target(), |(_, rest)| rest);
    let path = url.split_once('/').map_or("", |(_, path)| path);
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let path = percent_decode(path);
    let fault = state.fault.filter(|(of, _)| *of == kind(asked));
    match fault.map(|(_, fault)| fault) {
        Some(Fault::Status(status, times)) => {
            state.fault =
                (times > 1).then(|| (kind(asked), Fault::Status(status, times.saturating_sub(1))));
            return Some(refusal(status));
        }
        Some(Fault::Changes) => {
            state.fault = None;
            state.put(&path, b"of another".to_vec());
        }
        Some(Fault::After(_) | Fault::Lost) => state.fault = None,
        None => {}
    }
    let done = execute(state, asked, &path, query);
    match fault {
        Some((_, Fault::After(status))) => Some(refusal(status)),
        Some((_, Fault::Lost)) => None,
        _ => Some(done),
    }
}

/// Refuses with a status and a code, such as `412 ConditionNotMet`.
fn refusal(status: &str) -> Vec<u8> {
    let code = status.split(' ').next_back().unwrap();
    let body = format!("<Error><Code>{code}</Code></Error>");
    sized(status, "Retry-After: 0\r\n", body.as_bytes())
}

fn tags(generation: u64) -> String {
    format!(
        "ETag: \"{generation}\"\r\nx-goog-generation: {generation}\r\nLast-Modified: Fri, 27 Nov 2026 10:00:00 GMT\r\n"
    )
}

fn execute(state: &mut State, asked: &Asked, path: &str, query: &str) -> Vec<u8> {
    let old = state.objects.get(path).cloned();
    let generation = old.as_ref().map_or(0, |(_, generation)| *generation);
    let of_tag = |tag: &str| tag.trim_matches('"').parse::<u64>().ok();
    let fails = |name| {
        asked
            .field(name)
            .is_some_and(|tag| of_tag(tag) != Some(generation))
    };
    if fails("if-match") || fails("x-goog-if-generation-match") {
        return refusal("412 ConditionNotMet");
    }
    match kind(asked) {
        "copy" => {
            let Some((content, generation)) = old else {
                return refusal("404 CannotVerifyCopySource");
            };
            let source = asked.field("x-ms-copy-source").unwrap();
            let bearer = asked.field("x-ms-copy-source-authorization");
            assert!(source.contains("/x/a/"), "{source}");
            if !source.contains("sig=") && bearer != Some("Bearer hush") {
                return refusal("403 CannotVerifyCopySource");
            }
            if asked.field("x-ms-source-if-match").and_then(of_tag) != Some(generation) {
                return refusal("412 SourceConditionNotMet");
            }
            let range = asked.field("x-ms-source-range").unwrap();
            let (first, last) = range
                .strip_prefix("bytes=")
                .unwrap()
                .split_once('-')
                .unwrap();
            let range = first.parse().unwrap()..=last.parse::<usize>().unwrap();
            let name = (path.to_owned(), block(query));
            state.blocks.insert(name, content[range].to_vec());
            sized("201 Created", "", b"")
        }
        "put block" => {
            let name = (path.to_owned(), block(query));
            state.blocks.insert(name, asked.body.clone());
            sized("201 Created", "", b"")
        }
        "complete" if query == "compose" => compose(state, asked, path),
        "complete" => {
            let body = String::from_utf8(asked.body.clone()).unwrap();
            let mut content = Vec::new();
            for name in elements(&body, "Uncommitted") {
                match state.blocks.get(&(path.to_owned(), name)) {
                    Some(block) => content.extend(block),
                    None => return refusal("400 InvalidBlockList"),
                }
            }
            state.blocks.retain(|(of, _), _| of != path);
            sized("201 Created", &tags(state.put(path, content)), b"")
        }
        "put" | "put temporary" => sized("200 OK", &tags(state.put(path, asked.body.clone())), b""),
        "delete" => match state.objects.remove(path) {
            Some(_) => b"HTTP/1.1 204 OK\r\n\r\n".to_vec(),
            None => refusal("404 NoSuchKey"),
        },
        "list" => {
            let bucket = format!("{}/", path.trim_end_matches('/'));
            let names = state
                .objects
                .iter()
                .filter_map(|(path, (content, generation))| {
                    Some((path.strip_prefix(&bucket)?, content.len(), generation))
                });
            let listed = names.map(|(name, size, tag)| {
                format!(
                    "<Contents><Key>{name}</Key><Size>{size}</Size><ETag>\"{tag}\"</ETag>\
                     <LastModified>2026-11-27T10:00:00.000Z</LastModified></Contents>"
                )
            });
            let listed = listed.collect::<String>();
            let body = format!("<ListBucketResult>{listed}</ListBucketResult>");
            sized("200 OK", "", body.as_bytes())
        }
        "head" => match old {
            Some((content, tag)) => without_body("200 OK", &tags(tag), content.len()),
            None => without_body("404 no", "", 0),
        },
        _ => match (old, asked.field("range")) {
            (None, _) => refusal("404 NoSuchKey"),
            (Some((content, tag)), None) => sized("200 OK", &tags(tag), &content),
            (Some((content, tag)), Some(_)) => {
                let range = range(asked, content.len()).unwrap_or_default();
                if range.is_empty() {
                    return refusal("416 InvalidRange");
                }
                let (last, size) = (range.end - 1, content.len());
                let place = format!("Content-Range: bytes {}-{last}/{size}\r\n", range.start);
                sized("206 Partial", &(place + &tags(tag)), &content[range])
            }
        },
    }
}

fn compose(state: &mut State, asked: &Asked, path: &str) -> Vec<u8> {
    assert_eq!(asked.field("authorization"), Some("Bearer hush"));
    let body = String::from_utf8(asked.body.clone()).unwrap();
    let bucket = path.split_once('/').unwrap().0;
    let mut content = Vec::new();
    let (names, generations) = (elements(&body, "Name"), elements(&body, "Generation"));
    for (name, generation) in names.iter().zip(generations) {
        match state.objects.get(&format!("{bucket}/{name}")) {
            Some((part, found)) if found.to_string() == generation => content.extend(part),
            _ => return refusal("404 NoSuchKey"),
        }
    }
    sized("200 OK", &tags(state.put(path, content)), b"")
}

fn elements(body: &str, name: &str) -> Vec<String> {
    let start = format!("<{name}>");
    let parts = body.split(&start).skip(1);
    parts
        .map(|part| part.split_once('<').unwrap().0.to_owned())
        .collect()
}

/// Returns the name of a block, which has to be as long as every other.
fn block(query: &str) -> String {
    let name = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("blockid="));
    let name = percent_decode(name.unwrap());
    assert_eq!(name.len(), 44, "32 characters in base 64");
    name
}
