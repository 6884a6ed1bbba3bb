//! The faults of a proxy, and the requests that they apply to.

use std::ops::Range;
use std::time::Duration;

/// A fault of a request. "Before" means before the server has seen the request, "after" means after
/// the server has executed it.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Responds with this status without a body, before; 429 and 503 carry `Retry-After: 0`.
    Status(u16),
    /// Responds with this status without a body, after.
    StatusAfter(u16),
    /// Resets the connection, before.
    Reset,
    /// Resets the connection, after.
    ResetAfter,
    /// Never responds, before; the connection stays open.
    Stall,
    /// Never responds, after.
    StallAfter,
    /// Delays the first byte.
    Delay(Duration),
    /// Limits the body to this many bytes per second.
    Bandwidth(u64),
    /// Ends the body after this many bytes, and closes the connection.
    ShortBody(usize),
    /// Stops the body after this many bytes; the connection stays open.
    StallWithin(usize),
    /// Sends the body one byte per interval.
    Drip(Duration),
    /// Flips one bit of this byte of the body.
    FlipByte(usize),
    /// Shifts the positions in `Content-Range` by this many bytes.
    ShiftRange(u64),
    /// Hides the range from the server, which then sends the whole object.
    IgnoreRange,
}

/// A fault and the requests that it applies to.
#[derive(Clone, Debug)]
pub struct Rule {
    method: &'static str,
    path: String,
    calls: Range<usize>,
    seen: usize,
    fault: Fault,
}

impl Rule {
    /// Creates a fault for the first request with this method (any, if empty) and with a path that
    /// contains a text.
    #[must_use]
    pub fn new(method: &'static str, path: &str, fault: Fault) -> Self {
        Self {
            method,
            path: path.to_owned(),
            calls: 0..1,
            seen: 0,
            fault,
        }
    }

    /// Applies the fault to the matching requests with these numbers, counted from 0.
    #[must_use]
    pub fn on_calls(mut self, calls: Range<usize>) -> Self {
        self.calls = calls;
        self
    }

    /// Applies the fault to all matching requests.
    #[must_use]
    pub fn always(self) -> Self {
        self.on_calls(0..usize::MAX)
    }

    /// Counts a request if the rule applies to it, and returns the fault if it is due.
    pub(super) fn see(&mut self, method: &str, path: &str) -> Option<Fault> {
        let of_method = self.method.is_empty() || self.method == method;
        if !of_method || !path.contains(&self.path) {
            return None;
        }
        self.seen += 1;
        self.calls
            .contains(&(self.seen - 1))
            .then(|| self.fault.clone())
    }
}
