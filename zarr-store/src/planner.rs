//! The range planner: chooses requests that serve the wanted ranges of one object. A pure function,
//! used by [`Store::get_ranges`](crate::Store::get_ranges) and public so that callers can show a
//! plan before running it.
//!
//! With `C` requests in flight, latency `L` and bandwidth `b` of a connection, `N` requests of `s`
//! bytes take about `ceil(N / C) * (L + s / b)`. So up to `C` requests, reading gaps gains nothing;
//! beyond `C`, reading a gap pays if it takes less than a latency; and no request should be so
//! large that all others wait for it. Requests are billed, too: those that only save time are
//! limited by [`CostModel::max_requests`].

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "computes on the caller's ranges"
)]

use std::ops::Range;

use crate::CostModel;

/// The most requests that one range is split into; larger ranges get larger parts.
const SPLIT_MAX: u64 = 1 << 16;

/// The requests for the wanted ranges of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RangePlan {
    /// The ranges to request: ascending, non-empty, non-overlapping.
    pub requests: Vec<Range<u64>>,
    /// For each wanted range, in the order given, the run of `requests` that together hold the
    /// range. Empty for an empty range.
    pub served_by: Vec<Range<usize>>,
}

impl RangePlan {
    /// The number of bytes that the requests fetch.
    #[must_use]
    pub fn fetched(&self) -> u64 {
        self.requests.iter().map(size).sum()
    }
}

/// Plans requests for ranges that may overlap, repeat and come in any order. No byte outside the
/// span of the wanted ranges is ever fetched, and a range whose end is not after its start needs no
/// request.
#[must_use]
pub fn plan_ranges(wanted: &[Range<u64>], cost: &CostModel) -> RangePlan {
    let requests = plan_pieces(&pieces(wanted), cost, 0);
    let served_by = wanted.iter().map(|range| run(&requests, range)).collect();
    RangePlan {
        requests,
        served_by,
    }
}

/// Plans requests for ascending pieces. Doubles the size of parts until the number of requests is
/// within the limit of the cost model, or at most `allowed`.
pub(crate) fn plan_pieces(
    pieces: &[Range<u64>],
    cost: &CostModel,
    allowed: usize,
) -> Vec<Range<u64>> {
    let useful = pieces.iter().map(size).sum();
    let mut part_size = cost.part_size(useful);
    let mut requests = plan_parts(pieces, useful, part_size, cost);
    if requests.len() <= allowed.max(1) || cost.max_requests == f64::INFINITY {
        return requests;
    }
    let most = span(pieces).min(cost.request_max());
    let fewest = plan_parts(pieces, useful, most, cost);
    let limit = cost.request_limit(fewest.len()).max(allowed);
    while requests.len() > limit {
        part_size = part_size.saturating_mul(2);
        if part_size >= most {
            return fewest;
        }
        requests = plan_parts(pieces, useful, part_size, cost);
    }
    requests
}

/// Plans requests of at most a part each, except for overlapping ranges that must not be split.
fn plan_parts(
    pieces: &[Range<u64>],
    useful: u64,
    part_size: u64,
    cost: &CostModel,
) -> Vec<Range<u64>> {
    let gap = free_gap(pieces, useful, cost);
    let near = merge_near(pieces, gap, part_size);
    let few = merge_to_lanes(near, useful, part_size, cost);
    match cost.split {
        true => split(few, part_size),
        false => few,
    }
}

fn size(range: &Range<u64>) -> u64 {
    range.end - range.start
}

/// Returns what non-empty ranges cover, ascending: ranges that overlap are one piece.
pub(crate) fn pieces(wanted: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut sorted: Vec<Range<u64>> = wanted
        .iter()
        .filter(|range| !range.is_empty())
        .cloned()
        .collect();
    sorted.sort_unstable_by_key(|range| (range.start, range.end));
    merge_overlaps(sorted)
}

/// Merges sorted ranges that overlap.
fn merge_overlaps(sorted: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

/// Returns the number of bytes from the first to the last of ascending pieces.
fn span(pieces: &[Range<u64>]) -> u64 {
    match pieces {
        [only] => size(only),
        [first, .., last] => last.end - first.start,
        [] => 0,
    }
}

/// Returns the largest gap between ascending pieces that is read instead of starting another
/// request.
fn free_gap(pieces: &[Range<u64>], useful: u64, cost: &CostModel) -> u64 {
    if span(pieces) - useful <= cost.free_waste {
        cost.free_gap.max(cost.free_waste)
    } else {
        cost.free_gap
    }
}

/// Merges ascending ranges at most `gap` apart if the result fits a part.
fn merge_near(pieces: &[Range<u64>], gap: u64, part_size: u64) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in pieces {
        match merged.last_mut() {
            Some(last) if range.start - last.end <= gap && range.end - last.start <= part_size => {
                last.end = range.end;
            }
            _ => merged.push(range.clone()),
        }
    }
    merged
}

/// While there are more requests than lanes, merges over the smallest remaining gap that still
/// pays.
fn merge_to_lanes(
    requests: Vec<Range<u64>>,
    useful: u64,
    part_size: u64,
    cost: &CostModel,
) -> Vec<Range<u64>> {
    let lanes = cost.lanes.min(cost.max_in_flight).max(1);
    if requests.len() <= lanes {
        return requests;
    }
    let gap_limit = cost.gap_limit();
    let mut gaps: Vec<(u64, usize)> = requests
        .windows(2)
        .enumerate()
        .map(|(left, pair)| (pair[1].start - pair[0].end, left))
        .filter(|(gap, _)| *gap <= gap_limit)
        .collect();
    gaps.sort_unstable();

    let fetch_limit = cost.fetch_limit(useful);
    let mut fetched: u64 = requests.iter().map(size).sum();
    let mut count = requests.len();
    // A group is a run of requests merged into one: `last[first]` and `first[last]` are the indices
    // of its two ends.
    let mut last: Vec<usize> = (0..requests.len()).collect();
    let mut first = last.clone();
    for (gap, left) in gaps {
        if count == lanes || fetched.saturating_add(gap) > fetch_limit {
            break;
        }
        let (start, end) = (first[left], last[left + 1]);
        if requests[end].end - requests[start].start <= part_size {
            last[start] = end;
            first[end] = start;
            fetched += gap;
            count -= 1;
        }
    }

    let mut merged = Vec::with_capacity(count);
    let mut next = 0;
    while next < requests.len() {
        let end = last[next];
        merged.push(requests[next].start..requests[end].end);
        next = end + 1;
    }
    merged
}

/// Splits requests larger than a part into equal parts.
fn split(requests: Vec<Range<u64>>, part_size: u64) -> Vec<Range<u64>> {
    let mut parts = Vec::with_capacity(requests.len());
    for range in requests {
        let size = size(&range);
        let count = size.div_ceil(part_size).min(SPLIT_MAX);
        let (quotient, rest) = (size / count, size % count);
        let mut start = range.start;
        for part in 0..count {
            let end = start + quotient + u64::from(part < rest);
            parts.push(start..end);
            start = end;
        }
    }
    parts
}

/// Returns the run of requests that hold a wanted range.
pub(crate) fn run(requests: &[Range<u64>], wanted: &Range<u64>) -> Range<usize> {
    if wanted.is_empty() {
        return 0..0;
    }
    let first = requests.partition_point(|request| request.end <= wanted.start);
    let end = requests.partition_point(|request| request.start < wanted.end);
    first..end
}

#[cfg(test)]
mod simulate;
#[cfg(test)]
mod tests;
