//! The requests that `run.py` sends to a worker, one JSON document per line. `workers.py` reads
//! the same requests.

use std::collections::HashMap;

use serde::Deserialize;

/// The selected `[start, stop, step]` in each dimension; empty for the whole array.
pub type Region = Vec<[u64; 3]>;

/// One measurement.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The operation: `read`, `write`, `round_trip`, `append`, `open`, `list`, `pool` and others.
    pub op: String,
    /// The data type of the array.
    #[serde(default)]
    pub dtype: String,
    /// Where the array or group is.
    pub place: Place,
    /// The regions that are read or written, one after the other.
    #[serde(default)]
    pub regions: Vec<Region>,
    /// The coordinates of single elements, one list per dimension.
    #[serde(default)]
    pub points: Vec<Vec<u64>>,
    /// The array that holds the data to be written.
    pub source: Option<String>,
    /// Whether all regions are read at once.
    #[serde(default)]
    pub concurrent: bool,
    /// Whether the array is opened, and the first region read, before the measurement.
    #[serde(default)]
    pub warm: bool,
    /// Whether the answer has a checksum of all elements, instead of a few.
    #[serde(default)]
    pub prove: bool,
    /// The size of the cache of decoded chunks in bytes.
    #[serde(default)]
    pub cache: u64,
    /// The number of arrays, appends or chunks.
    #[serde(default)]
    pub count: u64,
    /// The number of computing threads of this engine; 0 leaves it as it is.
    #[serde(default)]
    pub threads: usize,
    /// The second array of a copy.
    pub target: Option<String>,
    /// Options of the Python workers.
    #[serde(default, rename = "options")]
    pub _options: HashMap<String, serde_json::Value>,
}

/// A directory, or the key of a node in the bucket of a server.
#[derive(Clone, Deserialize)]
pub struct Place {
    /// A directory, or a key below the bucket.
    pub path: String,
    /// The URL of the server of the bucket.
    pub endpoint: Option<String>,
    /// Options of our store, besides those that name the server.
    #[serde(default)]
    pub options: HashMap<String, String>,
}

/// The name of the bucket in every request to the server.
pub const BUCKET: &str = "bench";
