//! How long requests to a remote store may take.

use std::time::Duration;

/// The time that one request may take, its retries included: a time to begin with, and more for the bytes it moves.
///
/// What takes longer is [`Timeout`](crate::Error::Timeout), whether the server is silent, stalls in the middle or drips. The
/// time counts from when the request gets its turn; few reads need two requests, and a listing may take ten times the base,
/// since nobody knows its length. Local files have no deadline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deadline {
    /// For the answer to begin, and for a request without a body.
    pub base: Duration,
    /// Bytes per second that a body comes with at least.
    pub bandwidth: f64,
}

impl Default for Deadline {
    /// 20 s, and 1 MB/s.
    fn default() -> Self {
        Self {
            base: Duration::from_secs(20),
            bandwidth: 1e6,
        }
    }
}

impl Deadline {
    /// The time for a request that moves this many bytes.
    pub(crate) fn limit(&self, bytes: u64) -> Duration {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a deadline needs no exact quotient"
        )]
        let transfer = Duration::try_from_secs_f64(bytes as f64 / self.bandwidth);
        self.base.saturating_add(transfer.unwrap_or(Duration::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_extend_the_base() {
        let deadline = Deadline::default();
        assert_eq!(deadline.limit(0), Duration::from_secs(20));
        assert_eq!(deadline.limit(5_000_000), Duration::from_secs(25));
        let never = Deadline {
            bandwidth: 0.0,
            ..deadline
        };
        assert_eq!(never.limit(1), Duration::MAX);
    }
}
