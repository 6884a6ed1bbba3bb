//! Time limits of requests to a remote store.

use std::time::Duration;

/// The time limit of one request, its retries included: a base time, plus time for the bytes that
/// the request moves.
///
/// A request that exceeds the limit is a [`Timeout`](crate::Error::Timeout), whether the server is
/// silent, stalls or drips bytes. Time in the queue for a permit does not count. A few reads need
/// two requests. A listing or a copy may take ten times the base, since its length is unknown.
/// Local files have no deadline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deadline {
    /// The time for the response to begin, and for a request without a body.
    pub base: Duration,
    /// The minimum transfer rate of a body, in bytes per second.
    pub bandwidth: f64,
}

impl Default for Deadline {
    /// Returns a base of 20 s and a bandwidth of 1 MB/s.
    fn default() -> Self {
        Self {
            base: Duration::from_secs(20),
            bandwidth: 1e6,
        }
    }
}

impl Deadline {
    /// Returns the time limit of a request that moves `bytes` bytes.
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
