//! Plans the requests for ranges of one object by the rule of `zarr.core._coalesce`: bounded ranges
//! merge in the order of their starts while gap and total size are small enough; all other ranges
//! stand alone.

use std::ops::Range;

use zarr_store::{Body, ByteRange};

use crate::buffer::Buffer;

/// The limits on merging ranges.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The largest gap, in bytes.
    pub(super) gap: u64,
    /// The largest merged request, in bytes.
    pub(super) size: u64,
}

/// The index of each range, and its part of the request; `None` for the whole request.
type Members = Vec<(usize, Option<Range<u64>>)>;

/// A request and the ranges that it serves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) range: ByteRange,
    members: Members,
}

/// The results of a request: the index and the bytes of each range.
pub(super) type Answers = Vec<(usize, Buffer)>;

pub(super) fn coalesce(ranges: Vec<ByteRange>, limits: Limits) -> Vec<Request> {
    let mut bounded = Vec::new();
    let mut requests = Vec::new();
    for (index, range) in ranges.into_iter().enumerate() {
        match range {
            ByteRange::Range(range) => bounded.push((index, range)),
            range => requests.push(Request {
                range,
                members: vec![(index, None)],
            }),
        }
    }
    bounded.sort_by_key(|(_, range)| range.start);
    let mut group: Option<(Range<u64>, Members)> = None;
    for (index, range) in bounded {
        if let Some((whole, members)) = &mut group {
            let end = whole.end.max(range.end);
            if range.start.saturating_sub(whole.end) <= limits.gap
                && end - whole.start <= limits.size
            {
                whole.end = end;
                members.push((index, Some(range)));
                continue;
            }
        }
        let next = (range.clone(), vec![(index, Some(range))]);
        requests.extend(group.replace(next).map(request));
    }
    requests.extend(group.map(request));
    requests
}

fn request((range, members): (Range<u64>, Members)) -> Request {
    Request {
        range: ByteRange::Range(range),
        members,
    }
}

impl Request {
    /// Splits a body into the parts for each range, clamped to the object like a Python slice.
    pub(super) fn answers(&self, body: &Body) -> Answers {
        let place = |position: u64| {
            let within = position.clamp(body.range.start, body.range.end) - body.range.start;
            usize::try_from(within).expect("a body in memory is no larger than memory")
        };
        let members = self.members.iter();
        members
            .map(|(index, part)| {
                let bytes = match part {
                    Some(part) => body.bytes.slice(place(part.start)..place(part.end)),
                    None => body.bytes.clone(),
                };
                (*index, Buffer::new(bytes))
            })
            .collect()
    }
}
