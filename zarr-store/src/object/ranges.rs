//! Reads many ranges of one object: plans them, requests them concurrently, assembles them, and
//! yields them as they complete.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "positions in lists of one plan, and bytes whose number was checked"
)]

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::future::BoxFuture;
use futures::stream::{BoxStream, FuturesUnordered};
use futures::{FutureExt, StreamExt};

use super::ObjectBackend;
use super::read::Read;
use crate::RangeBody;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::planner::{RangePlan, plan_ranges};
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
            Err(error) => return futures::stream::once(async { Err(error) }).boxed(),
        };
        let plan = if self.ignores_ranges() {
            whole_span(&ranges)
        } else {
            plan_ranges(&ranges, &context.cost)
        };
        let reads = RangeReads::new(Arc::new(read), plan, ranges);
        futures::stream::unfold(reads, |mut reads| async move {
            let next = reads.next().await?;
            Some((next, reads))
        })
        .boxed()
    }
}

/// Plans one request for the whole span, for a backend that sends whole objects anyway.
fn whole_span(ranges: &[Range<u64>]) -> RangePlan {
    let wanted = || ranges.iter().filter(|range| !range.is_empty());
    let start = wanted().map(|range| range.start).min();
    let end = wanted().map(|range| range.end).max();
    RangePlan {
        requests: start
            .zip(end)
            .map(|(start, end)| start..end)
            .into_iter()
            .collect(),
        served_by: ranges
            .iter()
            .map(|range| 0..usize::from(!range.is_empty()))
            .collect(),
    }
}

/// The state of a stream of ranges.
struct RangeReads {
    read: Arc<Read>,
    requests: Vec<Range<u64>>,
    next_request: usize,
    max_in_flight: usize,
    in_flight: FuturesUnordered<BoxFuture<'static, (usize, Result<Bytes>)>>,
    /// The bytes of the requests in flight.
    outstanding: u64,
    assembly: Assembly,
    ready: VecDeque<RangeBody>,
}

impl RangeReads {
    fn new(read: Arc<Read>, plan: RangePlan, wanted: Vec<Range<u64>>) -> Self {
        let max_in_flight = read.context.cost.max_in_flight.max(1);
        let ready = plan
            .served_by
            .iter()
            .enumerate()
            .filter(|(_, run)| run.is_empty())
            .map(|(index, _)| RangeBody {
                index,
                bytes: Bytes::new(),
            })
            .collect();
        Self {
            read,
            next_request: 0,
            max_in_flight,
            in_flight: FuturesUnordered::new(),
            outstanding: 0,
            assembly: Assembly::new(&plan, wanted),
            requests: plan.requests,
            ready,
        }
    }

    async fn next(&mut self) -> Option<Result<RangeBody>> {
        loop {
            self.top_up();
            if let Some(body) = self.ready.pop_front() {
                return Some(Ok(body));
            }
            let (request, result) = self.in_flight.next().await?;
            let range = &self.requests[request];
            self.outstanding -= range.end - range.start;
            match result {
                Ok(bytes) => self
                    .assembly
                    .accept(request, range.start, bytes, &mut self.ready),
                Err(error) => {
                    self.in_flight.clear();
                    self.next_request = self.requests.len();
                    return Some(Err(error));
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
            if self.in_flight.len() >= self.max_in_flight || !(fits || self.in_flight.is_empty()) {
                return;
            }
            let (request, read, range) = (self.next_request, Arc::clone(&self.read), range.clone());
            self.outstanding += size;
            self.next_request += 1;
            let running = fetch(read, range);
            self.in_flight
                .push(running.map(move |result| (request, result)).boxed());
        }
    }
}

/// Starts one request, which returns all of its bytes or an error. The request continues while the
/// caller processes the bytes of others.
fn fetch(read: Arc<Read>, range: Range<u64>) -> BoxFuture<'static, Result<Bytes>> {
    let (context, backend, key) = (read.context.clone(), read.backend.clone(), read.key.clone());
    backend.request(&context, &key, async move {
        let bytes = read.run_exact(&range).await?;
        bytes.ok_or_else(|| Error::NotFound {
            place: read.context.place(&read.key),
        })
    })
}

/// Received requests, each kept until every wanted range that needs it has been yielded.
struct Assembly {
    wanted: Vec<Range<u64>>,
    served_by: Vec<Range<usize>>,
    /// For each wanted range, the number of its requests that have not arrived.
    missing: Vec<usize>,
    /// For each request, the indices of the wanted ranges that need it.
    serves: Vec<Vec<usize>>,
    /// For each request, the number of wanted ranges that have not been yielded.
    users: Vec<usize>,
    /// For each request, its start and its bytes.
    parts: Vec<Option<(u64, Bytes)>>,
}

impl Assembly {
    fn new(plan: &RangePlan, wanted: Vec<Range<u64>>) -> Self {
        let mut serves = vec![Vec::new(); plan.requests.len()];
        for (index, run) in plan.served_by.iter().enumerate() {
            for request in run.clone() {
                serves[request].push(index);
            }
        }
        Self {
            wanted,
            served_by: plan.served_by.clone(),
            missing: plan.served_by.iter().map(ExactSizeIterator::len).collect(),
            users: serves.iter().map(Vec::len).collect(),
            parts: vec![None; plan.requests.len()],
            serves,
        }
    }

    fn accept(
        &mut self,
        request: usize,
        start: u64,
        bytes: Bytes,
        ready: &mut VecDeque<RangeBody>,
    ) {
        self.parts[request] = Some((start, bytes));
        for index in std::mem::take(&mut self.serves[request]) {
            self.missing[index] -= 1;
            if self.missing[index] == 0 {
                let bytes = self.assemble(index);
                ready.push_back(RangeBody { index, bytes });
                self.release(index);
            }
        }
    }

    /// Drops the parts that only this range still needed.
    fn release(&mut self, index: usize) {
        for request in self.served_by[index].clone() {
            self.users[request] -= 1;
            if self.users[request] == 0 {
                self.parts[request] = None;
            }
        }
    }

    fn assemble(&self, index: usize) -> Bytes {
        let wanted = &self.wanted[index];
        let parts = &self.parts[self.served_by[index].clone()];
        if let [Some((start, bytes))] = parts {
            return bytes.slice(offset(wanted.start, *start)..offset(wanted.end, *start));
        }
        let mut joined = BytesMut::new();
        for (start, bytes) in parts.iter().flatten() {
            let from = offset(wanted.start.max(*start), *start);
            let to = offset(wanted.end.min(start + bytes.len() as u64), *start);
            joined.extend_from_slice(&bytes[from..to]);
        }
        joined.freeze()
    }
}

/// Converts an absolute offset to one within a part in memory.
fn offset(position: u64, start: u64) -> usize {
    usize::try_from(position - start).expect("a part in memory is no larger than memory")
}
