//! What happens when: rules, faults, and the log of requests. Nothing here is random.

use std::time::Duration;

use bytes::Bytes;
use object_store::GetRange;

/// A kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// A read of bytes.
    Get,
    /// A read of the size alone.
    Head,
    /// A write of a whole object.
    Put,
    /// A write in parts.
    Multipart,
    /// A delete of one object.
    Delete,
    /// A listing of any depth.
    List,
    /// A copy or rename.
    Copy,
}

/// What goes wrong.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The object is not found.
    NotFound,
    /// Access is refused.
    PermissionDenied,
    /// A failure without a kind, with this text.
    Generic(&'static str),
    /// The request times out.
    Timeout,
    /// The condition of the request does not hold.
    Precondition,
    /// The backend does not know this request.
    NotImplemented,
    /// The backend sends no ranges.
    NotSupported,
    /// The request takes this much longer.
    Delay(Duration),
    /// The request never ends.
    Hang,
    /// The body ends after this many bytes.
    Truncate(usize),
    /// The body has this many bytes too many.
    Extend(usize),
    /// The body stops after this many bytes, and the connection stays open.
    Stall(usize),
    /// The bytes of the body come one by one, this long apart.
    Drip(Duration),
    /// The condition of a put is ignored.
    Unconditional,
    /// The byte at this place of the body, if it has one, is inverted.
    FlipByte(usize),
    /// The object gets this content just before the request.
    Swap(Bytes),
    /// The object is deleted just before the request.
    Delete,
    /// The request is done, and then fails with this fault: the acknowledgement is lost.
    LostAck(Box<Fault>),
    /// The entity tag of the answer is this one.
    ETag(Option<&'static str>),
}

/// A fault for some requests.
#[derive(Clone, Debug)]
pub struct Rule {
    operation: Operation,
    pattern: String,
    call: Option<usize>,
    fault: Fault,
    seen: usize,
}

impl Rule {
    /// A fault for every request of this kind to keys that match: a key, or the start of one followed by `*`.
    #[must_use]
    pub fn new(operation: Operation, pattern: &str, fault: Fault) -> Self {
        Self {
            operation,
            pattern: pattern.to_owned(),
            call: None,
            fault,
            seen: 0,
        }
    }

    /// This rule for one of the matching requests only, counted from 0.
    #[must_use]
    pub fn on_call(mut self, call: usize) -> Self {
        self.call = Some(call);
        self
    }

    /// Takes note of a request, and says what happens to it.
    pub(super) fn apply(&mut self, operation: Operation, key: &str) -> Option<Fault> {
        let matches = operation == self.operation
            && match self.pattern.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => key == self.pattern,
            };
        if !matches {
            return None;
        }
        self.seen += 1;
        match self.call {
            Some(call) if call + 1 != self.seen => None,
            _ => Some(self.fault.clone()),
        }
    }
}

/// A request that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Its kind.
    pub operation: Operation,
    /// The key, or prefix.
    pub key: String,
    /// The range of a get; `None` for the whole object.
    pub range: Option<GetRange>,
    /// What it depends on: `If-Match: <tag>`, `If-None-Match: <tag>`, `version <generation>`, `absent`.
    pub condition: Option<String>,
    /// The bytes of a put.
    pub size: u64,
}

impl Request {
    pub(super) fn new(operation: Operation, key: &str) -> Self {
        Self {
            operation,
            key: key.to_owned(),
            range: None,
            condition: None,
            size: 0,
        }
    }
}
