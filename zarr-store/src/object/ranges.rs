//! Reads many ranges of one object: plans them, requests them concurrently, and yields each as soon
//! as its bytes have arrived, also while the rest of a request is still arriving.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "positions in lists of one plan, and ranges that the plan covers"
)]

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures::channel::mpsc::UnboundedReceiver;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, SelectAll};
use futures::{FutureExt, Stream, StreamExt};

use super::ObjectBackend;
use super::parts::{Part, Parts};
use super::read::Read;
use crate::RangeBody;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::planner::{pieces, plan_pieces, run};
use crate::version::Version;

/// The most bytes of one call that are in flight or wait for the caller; one request is always
/// allowed.
const WINDOW: u64 = 128 << 20;

impl ObjectBackend {
    pub(crate) fn get_ranges(
        &self,
        context: &Arc<Context>,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: Option<&Version>,
    ) -> BoxStream<'static, Result<RangeBody>> {
        let read = match self.read(context, key, version) {
            Ok(read) => read,
            Err(error) => return stream::once(async { Err(error) }).boxed(),
        };
        let read = Arc::new(read);
        // Without a version, calls must not depend on what others find.
        let is_pinned = version.is_some_and(Version::is_known);
        if self.quirks.remote && !self.quirks.bare && is_pinned {
            self.gathering.read(read, ranges)
        } else {
            RangeReads::new(read, ranges, 0).stream()
        }
    }
}

/// Returns one request for the whole span, for a backend that sends whole objects anyway.
fn whole_span(pieces: &[Range<u64>]) -> Vec<Range<u64>> {
    let ends = pieces.first().zip(pieces.last());
    ends.map(|(first, last)| first.start..last.end)
        .into_iter()
        .collect()
}

/// The state of a stream of ranges.
pub(super) struct RangeReads {
    read: Arc<Read>,
    requests: Vec<Range<u64>>,
    next_request: usize,
    max_in_flight: usize,
    arriving: SelectAll<Running>,
    /// The number of requests in flight.
    in_flight: usize,
    /// The bytes of the requests in flight.
    outstanding: u64,
    assembly: Assembly,
    ready: VecDeque<RangeBody>,
}

/// What arrives from a request.
enum Arrived {
    Part(Part),
    /// The end of the request for this range, after its parts.
    End(Range<u64>, Result<()>),
}

/// A request that failed.
pub(super) struct Failed {
    pub(super) range: Range<u64>,
    pub(super) error: Error,
}

/// A request that runs, and its parts that wait for the caller: both count as in flight.
struct Running {
    range: Range<u64>,
    arriving: UnboundedReceiver<Part>,
    running: Option<BoxFuture<'static, Result<()>>>,
    ended: Option<Result<()>>,
}

impl Stream for Running {
    type Item = Arrived;

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut task::Context<'_>,
    ) -> Poll<Option<Arrived>> {
        if let Some(running) = &mut self.running
            && let Poll::Ready(result) = running.poll_unpin(context)
        {
            // Drops the sender of the parts.
            self.running = None;
            self.ended = Some(result);
        }
        match ready!(self.arriving.poll_next_unpin(context)) {
            Some(part) => Poll::Ready(Some(Arrived::Part(part))),
            None if self.running.is_some() => Poll::Pending,
            None => {
                let ended = self.ended.take();
                Poll::Ready(ended.map(|result| Arrived::End(self.range.clone(), result)))
            }
        }
    }
}

impl RangeReads {
    /// Plans the requests: as few as the cost model demands, or at most `allowed`.
    pub(super) fn new(read: Arc<Read>, wanted: Vec<Range<u64>>, allowed: usize) -> Self {
        let pieces = pieces(&wanted);
        let requests = if read.backend.ignores_ranges() {
            whole_span(&pieces)
        } else {
            plan_pieces(&pieces, &read.context.cost, allowed)
        };
        let max_in_flight = read.context.cost.max_in_flight.max(1);
        let empty = wanted
            .iter()
            .enumerate()
            .filter(|(_, range)| range.is_empty());
        let ready = empty
            .map(|(index, _)| RangeBody {
                index,
                bytes: Bytes::new(),
            })
            .collect();
        Self {
            read,
            next_request: 0,
            max_in_flight,
            arriving: SelectAll::new(),
            in_flight: 0,
            outstanding: 0,
            assembly: Assembly::new(pieces, &requests, wanted),
            requests,
            ready,
        }
    }

    pub(super) fn stream(self) -> BoxStream<'static, Result<RangeBody>> {
        let next = |mut reads: Self| async move {
            let next = reads.next().await?;
            Some((next.map_err(|failed| failed.error), reads))
        };
        stream::unfold(self, next).boxed()
    }

    pub(super) async fn next(&mut self) -> Option<Result<RangeBody, Failed>> {
        loop {
            self.top_up();
            if let Some(body) = self.ready.pop_front() {
                return Some(Ok(body));
            }
            match self.arriving.next().await? {
                Arrived::Part((part, bytes)) => {
                    self.assembly.accept(part, bytes, &mut self.ready);
                }
                Arrived::End(range, Ok(())) => {
                    self.in_flight -= 1;
                    self.outstanding -= range.end - range.start;
                }
                Arrived::End(range, Err(error)) => {
                    self.arriving.clear();
                    self.next_request = self.requests.len();
                    return Some(Err(Failed { range, error }));
                }
            }
        }
    }

    /// Starts requests up to the limits of this call; the store's limit applies inside the
    /// requests.
    fn top_up(&mut self) {
        while let Some(range) = self.requests.get(self.next_request) {
            let size = range.end - range.start;
            let fits = self.outstanding.saturating_add(size) <= WINDOW;
            if self.in_flight >= self.max_in_flight || !(fits || self.in_flight == 0) {
                return;
            }
            let parts = run(&self.assembly.parts, range);
            let ranges = self.assembly.parts[parts.clone()].to_vec();
            let (parts, arriving) = Parts::new(ranges, parts.start);
            let running = fetch(Arc::clone(&self.read), range.clone(), parts);
            self.arriving.push(Running {
                range: range.clone(),
                arriving,
                running: Some(running),
                ended: None,
            });
            self.in_flight += 1;
            self.outstanding += size;
            self.next_request += 1;
        }
    }
}

/// Starts one request, which hands all of its parts on or returns an error. The request continues
/// while the caller processes the bytes of others.
fn fetch(read: Arc<Read>, range: Range<u64>, mut parts: Parts) -> BoxFuture<'static, Result<()>> {
    let (context, backend, key) = (read.context.clone(), read.backend.clone(), read.key.clone());
    backend.request(&context, &key, async move {
        match read.run_parts(&range, &mut parts).await? {
            true => Ok(()),
            false => Err(Error::NotFound {
                place: read.context.place(&read.key),
            }),
        }
    })
}

/// The parts of the requests, each kept from its arrival until every wanted range that needs it has
/// been yielded.
struct Assembly {
    wanted: Vec<Range<u64>>,
    /// The wanted bytes of all requests: ascending, each inside one request.
    parts: Vec<Range<u64>>,
    arrived: Vec<Option<Bytes>>,
    /// For each part, the place in `users` of the first wanted range that needs the part.
    first_user: Vec<usize>,
    /// The indices of wanted ranges, by part.
    users: Vec<usize>,
    /// For each part, the number of wanted ranges that have not been yielded.
    unserved: Vec<usize>,
    /// For each wanted range, the number of its parts that have not arrived.
    missing: Vec<usize>,
}

impl Assembly {
    /// `pieces` are what the wanted ranges cover.
    fn new(pieces: Vec<Range<u64>>, requests: &[Range<u64>], wanted: Vec<Range<u64>>) -> Self {
        let parts = cut(pieces, requests);
        let served_by: Vec<_> = wanted.iter().map(|range| run(&parts, range)).collect();
        let mut unserved = vec![0; parts.len()];
        for part in served_by.iter().cloned().flatten() {
            unserved[part] += 1;
        }
        let mut first_user = Vec::with_capacity(parts.len());
        let mut count = 0;
        for unserved in &unserved {
            first_user.push(count);
            count += unserved;
        }
        let mut users = vec![0; count];
        let mut free = first_user.clone();
        for (index, parts) in served_by.iter().enumerate() {
            for part in parts.clone() {
                users[free[part]] = index;
                free[part] += 1;
            }
        }
        Self {
            missing: served_by.iter().map(ExactSizeIterator::len).collect(),
            arrived: vec![None; parts.len()],
            wanted,
            parts,
            first_user,
            users,
            unserved,
        }
    }

    fn accept(&mut self, part: usize, bytes: Bytes, ready: &mut VecDeque<RangeBody>) {
        self.arrived[part] = Some(bytes);
        let first = self.first_user[part];
        for user in first..first + self.unserved[part] {
            let index = self.users[user];
            self.missing[index] -= 1;
            if self.missing[index] == 0 {
                let parts = run(&self.parts, &self.wanted[index]);
                let bytes = self.assemble(index, parts.clone());
                ready.push_back(RangeBody { index, bytes });
                self.release(parts);
            }
        }
    }

    /// Drops those of the parts of a yielded range that no other range needs.
    fn release(&mut self, parts: Range<usize>) {
        for part in parts {
            self.unserved[part] -= 1;
            if self.unserved[part] == 0 {
                self.arrived[part] = None;
            }
        }
    }

    fn assemble(&self, index: usize, parts: Range<usize>) -> Bytes {
        let wanted = &self.wanted[index];
        let arrived = &self.arrived[parts.clone()];
        let ranges = &self.parts[parts];
        if let ([Some(bytes)], [range]) = (arrived, ranges) {
            return bytes.slice(offset(wanted.start, range)..offset(wanted.end, range));
        }
        let mut joined = BytesMut::new();
        for (bytes, range) in arrived.iter().flatten().zip(ranges) {
            let from = offset(wanted.start.max(range.start), range);
            let to = offset(wanted.end.min(range.end), range);
            joined.extend_from_slice(&bytes[from..to]);
        }
        joined.freeze()
    }
}

/// Cuts ascending pieces at the ends of the requests that cover them.
fn cut(pieces: Vec<Range<u64>>, requests: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut parts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        for request in &requests[run(requests, &piece)] {
            parts.push(piece.start.max(request.start)..piece.end.min(request.end));
        }
    }
    parts
}

/// Converts an absolute offset to one within a part in memory.
fn offset(position: u64, part: &Range<u64>) -> usize {
    usize::try_from(position - part.start).expect("a part in memory is no larger than memory")
}
