//! Many ranges of one local file, read hop by hop off the runtime.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "positions in lists of one plan, and bytes whose number was checked"
)]

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};

use super::calls::run;
use super::{LocalFile, LocalStore};
use crate::byte_range::ByteRange;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::planner::{RangePlan, plan_ranges};
use crate::version::Version;
use crate::{CostModel, RangeBody};

/// The bytes that one hop reads before it yields them.
const HOP: u64 = 16 << 20;

pub(crate) fn get_ranges(
    context: &Arc<Context>,
    local: &LocalStore,
    key: &str,
    ranges: Vec<Range<u64>>,
    version: Option<&Version>,
) -> BoxStream<'static, Result<RangeBody>> {
    let cost = CostModel {
        split: false,
        ..context.cost.clone()
    };
    let plan = plan_ranges(&ranges, &cost);
    let reads = RangeReads {
        local: local.clone(),
        key: key.to_owned(),
        version: version.cloned(),
        file: None,
        order: order(&plan),
        next: 0,
        plan,
        ranges,
    };
    let permits = context.permits.clone();
    stream::try_unfold(reads, move |mut reads| {
        let permits = Arc::clone(&permits);
        async move {
            if reads.next == reads.order.len() {
                return Ok::<_, Error>(None);
            }
            let (local, key) = (reads.local.clone(), reads.key.clone());
            let (bodies, reads) = run(permits, &local, ("get", &key), move |_| {
                let bodies = reads.hop()?;
                Ok((bodies, reads))
            })
            .await?;
            Ok(Some((stream::iter(bodies.into_iter().map(Ok)), reads)))
        }
    })
    .try_flatten()
    .boxed()
}

/// Returns the indices of the wanted ranges, sorted by the request that serves each; empty ranges
/// come first.
fn order(plan: &RangePlan) -> Vec<usize> {
    let mut order: Vec<usize> = (0..plan.served_by.len()).collect();
    order.sort_by_key(|&index| plan.served_by[index].end);
    order
}

/// Reads of one open file, hop by hop.
struct RangeReads {
    local: LocalStore,
    key: String,
    version: Option<Version>,
    /// Opened by the first hop.
    file: Option<LocalFile>,
    plan: RangePlan,
    ranges: Vec<Range<u64>>,
    order: Vec<usize>,
    /// The next position in `order`.
    next: usize,
}

impl RangeReads {
    fn hop(&mut self) -> Result<Vec<RangeBody>> {
        if self.file.is_none() && !self.plan.requests.is_empty() {
            self.file = Some(self.open()?);
        }
        let mut bodies = Vec::new();
        let mut read = 0;
        while read < HOP
            && let Some(&index) = self.order.get(self.next)
        {
            let run = self.plan.served_by[index].clone();
            let Some(file) = self.file.as_ref().filter(|_| !run.is_empty()) else {
                bodies.push(RangeBody {
                    index,
                    bytes: Bytes::new(),
                });
                self.next += 1;
                continue;
            };
            let request = self.plan.requests[run.start].start..self.plan.requests[run.end - 1].end;
            let bytes = read_all(file, &request)?;
            read += request.end - request.start;
            while let Some(&index) = self.order.get(self.next)
                && self.plan.served_by[index] == run
            {
                let bytes = slice(&bytes, &request, &self.ranges[index]);
                bodies.push(RangeBody { index, bytes });
                self.next += 1;
            }
        }
        if let Some(file) = &self.file {
            file.check_unchanged()?;
        }
        Ok(bodies)
    }

    fn open(&self) -> Result<LocalFile> {
        let place = || self.local.place(&self.key);
        let file = match (self.local.open(&self.key)?, &self.version) {
            (Some(file), _) => file,
            (None, Some(_)) => return Err(Error::Changed { place: place() }),
            (None, None) => return Err(Error::NotFound { place: place() }),
        };
        file.expect_version(self.version.as_ref())?;
        Ok(file)
    }
}

/// Reads all bytes of a range, without clamping.
fn read_all(file: &LocalFile, range: &Range<u64>) -> Result<Bytes> {
    let bytes = file.read(&ByteRange::Range(range.clone()))?;
    if bytes.len() as u64 == range.end - range.start {
        return Ok(bytes);
    }
    Err(Error::ShortBody {
        place: file.place().clone(),
        range: range.clone(),
        got: bytes.len() as u64,
        expected: range.end - range.start,
    })
}

fn slice(bytes: &Bytes, request: &Range<u64>, wanted: &Range<u64>) -> Bytes {
    let at = |position: u64| {
        usize::try_from(position - request.start).expect("a buffer is no larger than memory")
    };
    bytes.slice(at(wanted.start)..at(wanted.end))
}
