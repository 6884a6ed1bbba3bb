//! Rules, faults, and the log of requests. Nothing here is random.

#![expect(clippy::arithmetic_side_effects, reason = "counts calls of a test")]

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

/// A fault to inject.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fault {
    /// The object is not found.
    NotFound,
    /// Access is refused.
    PermissionDenied,
    /// A failure without a kind, with this message.
    Generic(&'static str),
    /// The request times out.
    Timeout,
    /// The condition of the request does not hold.
    Precondition,
    /// The backend does not implement this request.
    NotImplemented,
    /// The backend does not support ranges.
    NotSupported,
    /// The request takes longer by this time.
    Delay(Duration),
    /// The request never ends.
    Hang,
    /// The request panics.
    Panic,
    /// The body ends after this many bytes.
    Truncate(usize),
    /// The body has this many surplus bytes.
    Extend(usize),
    /// The body stops after this many bytes, and the connection stays open.
    Stall(usize),
    /// The bytes of the body arrive one by one, this long apart.
    Drip(Duration),
    /// The condition of a put is ignored.
    Unconditional,
    /// The byte at this offset of the body, if any, is inverted.
    FlipByte(usize),
    /// The object gets this content just before the request.
    Swap(Bytes),
    /// The object is deleted just before the request.
    Delete,
    /// The request is carried out and then fails with this fault: the acknowledgement is lost.
    LostAck(Box<Fault>),
    /// The response has this entity tag.
    ETag(Option<&'static str>),
}

/// A fault for a set of requests.
#[derive(Clone, Debug)]
pub struct Rule {
    operation: Operation,
    pattern: String,
    call: Option<usize>,
    fault: Fault,
    seen: usize,
}

impl Rule {
    /// Injects a fault into every request of this kind whose key matches: an exact key, or a prefix
    /// followed by `*`.
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

    /// Restricts this rule to one of the matching requests, counted from 0.
    #[must_use]
    pub fn on_call(mut self, call: usize) -> Self {
        self.call = Some(call);
        self
    }

    /// Counts a request and returns its fault, if any.
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

/// A logged request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The kind of the request.
    pub operation: Operation,
    /// The key or prefix.
    pub key: String,
    /// The range of a get; `None` for the whole object.
    pub range: Option<GetRange>,
    /// The condition of the request: `If-Match: <tag>`, `If-None-Match: <tag>`, `absent` or
    /// `version <generation>`.
    pub condition: Option<String>,
    /// The size of a put, in bytes.
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
