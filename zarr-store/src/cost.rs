//! The cost of a request to a backend: figures for the range planner and for the limit on requests
//! in flight.

use std::sync::OnceLock;
use std::time::Duration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// The cost model of a backend's requests.
///
/// Presets for a backend: [`object`](Self::object), [`http`](Self::http), [`local`](Self::local),
/// [`memory`](Self::memory). Presets for an aim, which adapt any of these:
/// [`for_time`](Self::for_time), [`for_requests`](Self::for_requests),
/// [`for_bytes`](Self::for_bytes).
#[derive(Clone, Debug, PartialEq)]
pub struct CostModel {
    /// The time from a request to the first byte of its response.
    pub latency: Duration,
    /// The transfer rate of one connection, in bytes per second.
    pub bandwidth: f64,
    /// The most requests in flight, over all calls on a store.
    pub max_in_flight: usize,
    /// The number of requests, for ranges of one object, above which ranges are merged over larger
    /// gaps; at most [`max_in_flight`](Self::max_in_flight).
    pub lanes: usize,
    /// The largest gap, in bytes, that is always read instead of starting another request.
    pub free_gap: u64,
    /// The most bytes, in total over all gaps between the wanted ranges of an object, up to which
    /// every gap is read.
    pub free_waste: u64,
    /// The size, in bytes, up to which merging ranges always pays.
    pub part_min: u64,
    /// The size, in bytes, that merged requests do not exceed, and above which a range is split, as
    /// far as [`max_requests`](Self::max_requests) permits.
    pub part_max: u64,
    /// The most bytes to fetch per wanted byte in order to save requests.
    pub amplification: f64,
    /// Whether a range larger than a part is split into several requests.
    pub split: bool,
    /// The most requests to send, in order to save time, for each request of the plan with the
    /// fewest, whose requests have up to 64 MiB, or [`part_max`](Self::part_max) if that is more;
    /// 1.0 never sends more.
    pub max_requests: f64,
    /// The size, in bytes, from which an object is [patched](crate::Store::patch) instead of put as
    /// a whole.
    pub patch_from: u64,
}

impl CostModel {
    /// The model for S3, Google Cloud Storage and Azure: 15 ms, 80 MB/s per connection, 256 requests
    /// in flight. The requests for the ranges of an object are at most 1.3 times those of up to 64 MiB
    /// that read no large gaps, rounded down: one to three requests are never split further.
    #[must_use]
    pub fn object() -> Self {
        Self {
            latency: Duration::from_millis(15),
            bandwidth: 80e6,
            max_in_flight: 256,
            lanes: 64,
            free_gap: 32 * KIB,
            free_waste: 256 * KIB,
            part_min: MIB,
            part_max: 8 * MIB,
            amplification: 8.0,
            split: true,
            max_requests: 1.3,
            patch_from: 8 * MIB,
        }
    }

    /// The model for a plain web server: [`object`](Self::object) with 16 requests in flight.
    #[must_use]
    pub fn http() -> Self {
        Self {
            max_in_flight: 16,
            patch_from: u64::MAX,
            ..Self::object()
        }
    }

    /// The model for local files: 2 us, 5 GB/s, two requests per core but at least 4 in flight;
    /// ranges are never split.
    #[must_use]
    pub fn local() -> Self {
        // Asked once, because the answer costs more than opening a store: it reads several files.
        static CORES: OnceLock<usize> = OnceLock::new();
        let cores =
            *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from));
        Self {
            latency: Duration::from_micros(2),
            bandwidth: 5e9,
            max_in_flight: cores.saturating_mul(2).max(4),
            free_gap: 4 * KIB,
            free_waste: 0,
            split: false,
            max_requests: f64::INFINITY,
            patch_from: MIB,
            ..Self::object()
        }
    }

    /// The model for memory: merging and splitting never pay, since every range is a slice of
    /// memory.
    #[must_use]
    pub fn memory() -> Self {
        Self {
            latency: Duration::ZERO,
            free_gap: 0,
            patch_from: u64::MAX,
            ..Self::local()
        }
    }

    /// Returns this model for the shortest time: [`max_requests`](Self::max_requests) is infinite, so
    /// large ranges are split over parallel connections. From [`object`](Self::object), a read of
    /// 64 MiB takes 64 requests instead of one. For large reads of few objects on a fast link.
    ///
    /// ```
    /// use zarr_store::{CostModel, plan_ranges};
    ///
    /// let wanted = [0..64 << 20];
    /// let requests = |cost| plan_ranges(&wanted, &cost).requests.len();
    /// assert_eq!(requests(CostModel::object()), 1);
    /// assert_eq!(requests(CostModel::object().for_time()), 64);
    /// ```
    #[must_use]
    pub fn for_time(self) -> Self {
        Self {
            max_requests: f64::INFINITY,
            ..self
        }
    }

    /// Returns this model for the fewest requests: nothing is split, and gaps that are transferred
    /// within one latency, at most 1 MiB each, are read within
    /// [`amplification`](Self::amplification). Costs bytes, up to 8 per wanted byte from
    /// [`object`](Self::object), and parallel transfers. For object stores that bill each request.
    #[must_use]
    pub fn for_requests(self) -> Self {
        Self {
            lanes: 1,
            part_min: 64 * MIB,
            part_max: 64 * MIB,
            max_requests: 1.0,
            ..self
        }
    }

    /// Returns this model for the fewest bytes: no gap between wanted ranges is read. Costs a request
    /// for each run of touching ranges. For links and egress that are billed by the byte.
    #[must_use]
    pub fn for_bytes(self) -> Self {
        Self {
            free_gap: 0,
            free_waste: 0,
            amplification: 1.0,
            ..self
        }
    }

    /// Returns the largest gap, in bytes, whose reading is faster than a request: the bytes that a
    /// connection moves in one latency, at most 1 MiB.
    pub(crate) fn gap_limit(&self) -> u64 {
        scale(self.latency.as_secs_f64() * self.bandwidth).min(MIB)
    }

    /// Returns the most bytes to fetch for `useful` wanted bytes.
    pub(crate) fn fetch_limit(&self, useful: u64) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a bound on over-reading needs no exact product"
        )]
        scale(useful as f64 * self.amplification)
    }

    /// Returns the size limit of the requests of the plan with the fewest, in bytes. It bounds the
    /// memory of a caller that is slower than the network.
    pub(crate) fn request_max(&self) -> u64 {
        self.part_max.max(64 * MIB)
    }

    /// Returns the most requests to send, if the plan with the fewest has `fewest`.
    pub(crate) fn request_limit(&self, fewest: usize) -> usize {
        #[expect(
            clippy::cast_precision_loss,
            reason = "fewer ranges than a float counts exactly fit into memory"
        )]
        let most = scale(fewest as f64 * self.max_requests.max(1.0));
        usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Returns the size, in bytes, up to which requests are merged and above which ranges are split
    /// in order to save time.
    pub(crate) fn part_size(&self, useful: u64) -> u64 {
        let fair = useful.div_euclid(self.max_in_flight.max(1) as u64);
        fair.min(self.part_max).max(self.part_min).max(1)
    }
}

/// Rounds down to a `u64`, saturating; NaN becomes 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate, as intended"
)]
fn scale(value: f64) -> u64 {
    value as u64
}
