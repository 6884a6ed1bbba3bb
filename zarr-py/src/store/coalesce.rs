//! Which requests serve the ranges of one object, by the rule of `zarr.core._coalesce`: bounded ranges merge in the order of
//! their starts while the gap and the sum are small enough; all others stand alone.

use std::ops::Range;

use zarr_store::{Body, ByteRange};

use crate::buffer::Buffer;

/// How far ranges are merged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// The largest gap, in bytes.
    pub(super) gap: u64,
    /// The largest request, in bytes, that merging makes.
    pub(super) size: u64,
}

/// The index of each range, and the part of the object that it wants where that is not all of the request.
type Members = Vec<(usize, Option<Range<u64>>)>;

/// One request, and the ranges that it serves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Request {
    pub(super) range: ByteRange,
    members: Members,
}

/// The answers of one request: the index of each range, and its bytes.
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
    /// The parts of an answer, clamped to the object as a slice is in Python.
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
