//! What a request costs at a backend: the figures that the range planner and the limit of requests in flight work with.

use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The cost of requests to a backend.
///
/// Presets: [`object`](Self::object), [`http`](Self::http), [`local`](Self::local), [`memory`](Self::memory).
#[derive(Clone, Debug, PartialEq)]
pub struct CostModel {
    /// The time from a request to its first byte.
    pub latency: Duration,
    /// Bytes per second of one connection.
    pub bandwidth: f64,
    /// Requests in flight at once, over all calls on a store.
    pub max_in_flight: usize,
    /// Gaps up to this size, in bytes, are read rather than cause a request of their own.
    pub free_gap: u64,
    /// Where all gaps between the wanted ranges of an object are together no more than this, in bytes, all of them are.
    pub free_waste: u64,
    /// The size, in bytes, up to which ranges are always worth merging.
    pub part_min: u64,
    /// The size, in bytes, above which no request is made by merging, and above which one is split.
    pub part_max: u64,
    /// How many bytes may be fetched per wanted byte to save requests.
    pub amplification: f64,
    /// Whether a range above the size of a part is split into several requests.
    pub split: bool,
    /// The size, in bytes, from which on an object is rather [patched](crate::Store::patch) than put again as a whole.
    pub patch_from: u64,
}

impl CostModel {
    /// S3, Google Cloud Storage, Azure: 15 ms, 80 MB/s a connection, 64 requests in flight.
    #[must_use]
    pub fn object() -> Self {
        Self {
            latency: Duration::from_millis(15),
            bandwidth: 80e6,
            max_in_flight: 64,
            free_gap: 32 * KIB,
            free_waste: 256 * KIB,
            part_min: MIB,
            part_max: 8 * MIB,
            amplification: 8.0,
            split: true,
            patch_from: 8 * MIB,
        }
    }

    /// A plain web server: as [`object`](Self::object), with 16 requests in flight.
    #[must_use]
    pub fn http() -> Self {
        Self {
            max_in_flight: 16,
            patch_from: u64::MAX,
            ..Self::object()
        }
    }

    /// Local files: 2 us, 5 GB/s, at least 4 and else two requests a core; ranges are never split.
    #[must_use]
    pub fn local() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            latency: Duration::from_micros(2),
            bandwidth: 5e9,
            max_in_flight: (2 * cores).max(4),
            free_gap: 4 * KIB,
            free_waste: 0,
            split: false,
            patch_from: MIB,
            ..Self::object()
        }
    }

    /// Memory: nothing is worth merging or splitting, since every range is a slice of what is there.
    #[must_use]
    pub fn memory() -> Self {
        Self {
            latency: Duration::ZERO,
            free_gap: 0,
            patch_from: u64::MAX,
            ..Self::local()
        }
    }

    /// The largest gap, in bytes, that saves more time than it costs: what a connection moves in one latency, at most 1 MiB.
    pub(crate) fn gap_limit(&self) -> u64 {
        scale(self.latency.as_secs_f64() * self.bandwidth).min(MIB)
    }

    /// The largest number of bytes to fetch for this many wanted.
    pub(crate) fn fetch_limit(&self, useful: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a bound on over-reading needs no exact product"
        )]
        scale(useful as f64 * self.amplification)
    }

    /// The size, in bytes, that a request is kept below.
    pub(crate) fn part_size(&self, useful: u64) -> u64 {
        let fair = useful / self.max_in_flight.max(1) as u64;
        fair.min(self.part_max).max(self.part_min).max(1)
    }
}

/// The nearest `u64`, saturating; not a number is 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate, which is what is meant"
)]
fn scale(value: f64) -> u64 {
    value as u64
}
