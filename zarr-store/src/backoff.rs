//! The wait between retries, shared by all optimistic loops.

use std::time::Duration;

/// Exponential backoff with full jitter: before retry `n`, counted from 0, waits a random time
/// below both `first * 2^n` and `longest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The upper bound of the first wait.
    pub first: Duration,
    /// The upper bound of every wait.
    pub longest: Duration,
}

impl Backoff {
    /// Waits before retry number `retry`.
    pub async fn wait(self, retry: u32) {
        tokio::time::sleep(self.bound(retry).mul_f64(fastrand::f64())).await;
    }

    fn bound(self, retry: u32) -> Duration {
        let factor = 1_u32.checked_shl(retry).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_double_until_the_longest() {
        let backoff = Backoff {
            first: Duration::from_millis(5),
            longest: Duration::from_millis(640),
        };
        let bounds = [0, 1, 7, 8, 31, 32, u32::MAX].map(|retry| backoff.bound(retry).as_millis());
        assert_eq!(bounds, [5, 10, 640, 640, 640, 640, 640]);
    }

    #[tokio::test(start_paused = true)]
    async fn two_writers_that_met_do_not_wait_alike() {
        let backoff = Backoff {
            first: Duration::from_millis(100),
            longest: Duration::from_secs(1),
        };
        let mut waits = Vec::new();
        for _ in 0..20 {
            let start = tokio::time::Instant::now();
            backoff.wait(0).await;
            waits.push(start.elapsed());
        }
        assert!(
            waits.iter().all(|wait| *wait <= Duration::from_millis(101)),
            "{waits:?}"
        );
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 10, "{waits:?}");
    }
}
