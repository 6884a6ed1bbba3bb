//! A fault-injecting proxy in front of any HTTP server. It logs and counts requests, and rules
//! apply faults of networks and servers: latency, errors, lost acknowledgements, resets, stalls,
//! short and damaged bodies.
//!
//! Requests are forwarded unchanged, including the signed `Host`. Each request is tracked until it
//! is answered or its client disconnects: [`Proxy::open`] counts the open ones.

mod rules;

use std::io::Result;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

pub use self::rules::{Fault, Rule};
use crate::http::{Framing, Head, read_body, read_head};

/// A received request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query; empty if absent.
    pub query: String,
    /// The `Range` field.
    pub range: Option<String>,
    /// The `If-Match` and `If-None-Match` fields, in this order.
    pub conditions: Vec<String>,
}

/// A running proxy. It stops with the runtime that started it.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// The address of the proxy, `127.0.0.1:port`.
    pub address: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    server: String,
    rules: Mutex<Vec<Rule>>,
    log: Mutex<Vec<Request>>,
    latency: Mutex<Duration>,
    open: AtomicUsize,
    moved: AtomicU64,
}

impl Proxy {
    /// Starts a proxy in front of a server.
    ///
    /// # Panics
    /// Panics if no port is available.
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State {
            server: server.to_owned(),
            rules: Mutex::default(),
            log: Mutex::default(),
            latency: Mutex::default(),
            open: AtomicUsize::new(0),
            moved: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let state = Arc::clone(&accepting);
                // The client detects a failed connection.
                tokio::spawn(async move { drop(serve(client, &state).await) });
            }
        });
        Self { address, state }
    }

    /// Adds a rule. The first rule that matches a request and is due for it applies.
    pub fn add(&self, rule: Rule) {
        self.state.rules.lock().unwrap().push(rule);
    }

    /// Delays the first byte of every response.
    pub fn set_latency(&self, latency: Duration) {
        *self.state.latency.lock().unwrap() = latency;
    }

    /// Clears rules, log and counts.
    pub fn clear(&self) {
        self.state.moved.store(0, Ordering::SeqCst);
        self.state.rules.lock().unwrap().clear();
        self.state.log.lock().unwrap().clear();
    }

    /// Returns the requests since the last [`Self::clear`], in order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.state.log.lock().unwrap().clone()
    }

    /// The bytes of bodies since the last [`Self::clear`], in both directions.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.state.moved.load(Ordering::SeqCst)
    }

    /// The number of requests with a waiting client.
    #[must_use]
    pub fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }
}

impl State {
    fn moved(&self, bytes: u64) {
        self.moved.fetch_add(bytes, Ordering::SeqCst);
    }

    /// Logs a request, and returns its fault.
    fn receive(&self, head: &Head) -> Option<Fault> {
        let (path, query) = head.target().split_once('?').unwrap_or((head.target(), ""));
        let field = |name| head.get(name).map(str::to_owned);
        self.log.lock().unwrap().push(Request {
            method: head.method().to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            range: field("range"),
            conditions: ["if-match", "if-none-match"]
                .into_iter()
                .filter_map(field)
                .collect(),
        });
        let mut rules = self.rules.lock().unwrap();
        let due = rules
            .iter_mut()
            .filter_map(|rule| rule.see(head.method(), path));
        // All rules count the request.
        due.fold(None, |first, fault| first.or(Some(fault)))
    }
}

/// Counts a request as open while it lives.
struct Open<'a>(&'a AtomicUsize);

impl<'a> Open<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The fate of the client's connection after a response.
#[derive(PartialEq, Eq)]
enum Then {
    Keep,
    Close,
    Reset,
}

async fn serve(mut client: TcpStream, state: &State) -> Result<()> {
    client.set_nodelay(true)?;
    let (reader, mut writer) = client.split();
    let mut reader = BufReader::new(reader);
    let mut upstream = None;
    let mut then = Then::Keep;
    while then == Then::Keep {
        let Some(head) = read_head(&mut reader).await? else {
            break;
        };
        let _open = Open::new(&state.open);
        if head.get("expect").is_some() {
            writer.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let body = read_body(&mut reader, head.request_framing()).await?;
        state.moved(body.len() as u64);
        let fault = state.receive(&head);
        let latency = *state.latency.lock().unwrap();
        let exchange = Exchange {
            state,
            upstream: &mut upstream,
            head,
            body,
        };
        then = tokio::select! {
            then = exchange.run(fault, latency, &mut writer) => then?,
            () = gone(&mut reader) => Then::Close,
        };
    }
    if then == Then::Reset {
        client.set_zero_linger()?;
    }
    Ok(())
}

/// Waits until the client disconnects.
async fn gone(reader: &mut (impl AsyncBufRead + Unpin)) {
    if reader.fill_buf().await.is_ok_and(|bytes| !bytes.is_empty()) {
        std::future::pending::<()>().await;
    }
}

/// One request to the server, over a connection that is kept for the next request.
struct Exchange<'a> {
    state: &'a State,
    upstream: &'a mut Option<BufReader<TcpStream>>,
    head: Head,
    body: Vec<u8>,
}

impl Exchange<'_> {
    async fn run(
        mut self,
        fault: Option<Fault>,
        latency: Duration,
        client: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Then> {
        sleep(latency).await;
        match fault {
            None => return self.pass(client).await,
            Some(Fault::Status(status)) => return answer(client, status).await,
            Some(Fault::Reset) => return Ok(Then::Reset),
            Some(Fault::Stall) => std::future::pending::<()>().await,
            Some(Fault::Delay(delay)) => {
                sleep(delay).await;
                return self.pass(client).await;
            }
            Some(Fault::IgnoreRange) => {
                self.head.remove("range");
                return self.pass(client).await;
            }
            Some(_) => {}
        }
        let (mut head, mut body) = self.fetch().await?;
        match fault {
            Some(Fault::StatusAfter(status)) => return answer(client, status).await,
            Some(Fault::ResetAfter) => return Ok(Then::Reset),
            Some(Fault::StallAfter) => std::future::pending::<()>().await,
            Some(Fault::FlipByte(at)) if !body.is_empty() => {
                let at = at.min(body.len() - 1);
                body[at] ^= 0x10;
            }
            Some(Fault::ShiftRange(by)) => shift_range(&mut head, by),
            _ => {}
        }
        client.write_all(&head.to_bytes()).await?;
        match fault {
            Some(Fault::ShortBody(size)) => {
                client.write_all(&body[..size.min(body.len())]).await?;
                return Ok(Then::Close);
            }
            Some(Fault::StallWithin(size)) => {
                client.write_all(&body[..size.min(body.len())]).await?;
                client.flush().await?;
                std::future::pending::<()>().await;
            }
            Some(Fault::Drip(pause)) => pace(client, &body, 1, pause).await?,
            Some(Fault::Bandwidth(rate)) => {
                let part = usize::try_from(rate.div_ceil(100)).unwrap_or(usize::MAX);
                pace(client, &body, part, Duration::from_millis(10)).await?;
            }
            _ => client.write_all(&body).await?,
        }
        Ok(Then::Keep)
    }

    /// Streams a response to the client.
    async fn pass(mut self, client: &mut (impl AsyncWrite + Unpin)) -> Result<Then> {
        let head = self.exchange().await?;
        let framing = head.response_framing(self.head.method());
        let Framing::Length(size) = framing else {
            let (head, body) = self.rest(head, framing).await?;
            client.write_all(&[head.to_bytes(), body].concat()).await?;
            return Ok(Then::Keep);
        };
        client.write_all(&head.to_bytes()).await?;
        let mut upstream = self.upstream.take().unwrap();
        let copied = tokio::io::copy_buf(&mut (&mut upstream).take(size), client).await?;
        self.state.moved(copied);
        if copied < size {
            return Ok(Then::Close);
        }
        *self.upstream = Some(upstream);
        Ok(Then::Keep)
    }

    /// Reads the whole response, and replaces chunks by a length.
    async fn fetch(&mut self) -> Result<(Head, Vec<u8>)> {
        let head = self.exchange().await?;
        let framing = head.response_framing(self.head.method());
        self.rest(head, framing).await
    }

    async fn rest(&mut self, mut head: Head, framing: Framing) -> Result<(Head, Vec<u8>)> {
        let mut upstream = self.upstream.take().unwrap();
        let body = read_body(&mut upstream, framing).await?;
        self.state.moved(body.len() as u64);
        match framing {
            Framing::Length(_) => *self.upstream = Some(upstream),
            Framing::Chunked => {
                head.remove("transfer-encoding");
                head.set("content-length", body.len());
                *self.upstream = Some(upstream);
            }
            Framing::Close => head.set("content-length", body.len()),
        }
        Ok((head, body))
    }

    /// Sends the request and reads the head of the response; retries once if a kept connection was
    /// closed meanwhile.
    async fn exchange(&mut self) -> Result<Head> {
        let request = [self.head.to_bytes(), std::mem::take(&mut self.body)].concat();
        if let Some(kept) = self.upstream.take()
            && let Ok((head, kept)) = ask(kept, &request).await
        {
            *self.upstream = Some(kept);
            return Ok(head);
        }
        let stream = TcpStream::connect(&self.state.server).await?;
        stream.set_nodelay(true)?;
        let (head, stream) = ask(BufReader::with_capacity(1 << 18, stream), &request).await?;
        *self.upstream = Some(stream);
        Ok(head)
    }
}

async fn ask(
    mut stream: BufReader<TcpStream>,
    request: &[u8],
) -> Result<(Head, BufReader<TcpStream>)> {
    stream.write_all(request).await?;
    loop {
        let head = read_head(&mut stream).await?;
        let head = head.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        if head.status() >= 200 {
            return Ok((head, stream));
        }
    }
}

async fn answer(client: &mut (impl AsyncWrite + Unpin), status: u16) -> Result<Then> {
    let mut head = Head::response(status);
    if status != 204 {
        head.set("content-length", 0);
    }
    if matches!(status, 429 | 503) {
        head.set("retry-after", 0);
    }
    client.write_all(&head.to_bytes()).await?;
    Ok(Then::Keep)
}

async fn pace(
    client: &mut (impl AsyncWrite + Unpin),
    body: &[u8],
    part: usize,
    pause: Duration,
) -> Result<()> {
    for part in body.chunks(part.max(1)) {
        client.write_all(part).await?;
        client.flush().await?;
        sleep(pause).await;
    }
    Ok(())
}

/// Shifts `bytes 5-9/20` to `bytes 6-10/20`, for example.
fn shift_range(head: &mut Head, by: u64) {
    let shifted = head.get("content-range").and_then(|value| {
        let (range, size) = value.strip_prefix("bytes ")?.split_once('/')?;
        let (start, end) = range.split_once('-')?;
        let (start, end) = (start.parse::<u64>().ok()?, end.parse::<u64>().ok()?);
        Some(format!("bytes {}-{}/{size}", start + by, end + by))
    });
    if let Some(shifted) = shifted {
        head.set("content-range", shifted);
    }
}
