//! Shared code of the integration tests: random arrays and selections, elements as bytes, the
//! Python environment of the peers, servers, and the fault-injecting proxy.

#![expect(clippy::unwrap_used, reason = "tests")]

pub mod children;
pub mod cloud;
pub mod conformance;
pub mod counting;
pub mod http;
pub mod origin;
pub mod patched;
pub mod proxy;
pub mod python;
pub mod random;
pub mod servers;

use zarr::Element;

/// Converts bytes in native order to elements.
///
/// # Panics
/// Panics if the bytes do not form whole elements.
#[must_use]
pub fn elements_of<T: Element>(bytes: &[u8]) -> Vec<T> {
    let len = bytes.len() / size_of::<T>();
    assert_eq!(len * size_of::<T>(), bytes.len());
    let mut elements = Vec::<T>::with_capacity(len);
    // SAFETY: the vector has capacity for these bytes, and tests use only types for which any bytes
    // are valid elements.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), elements.as_mut_ptr().cast(), bytes.len());
        elements.set_len(len);
    }
    elements
}

/// Whether a message names a place or a cause twice in a row: `shard index: shard index: ...`.
#[must_use]
pub fn repeats(message: &str) -> bool {
    let message = message.to_lowercase();
    let parts = message.split(": ").collect::<Vec<_>>();
    parts.windows(2).any(|pair| {
        let rest = pair[1].strip_prefix(pair[0]);
        rest.is_some_and(|rest| !rest.starts_with(char::is_alphanumeric))
    })
}
