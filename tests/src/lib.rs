//! What the tests of the whole share: random arrays and selections, elements as bytes, the peers' Python, servers and
//! the proxy in front of them.

#![expect(clippy::unwrap_used, reason = "tests")]

pub mod conformance;
pub mod http;
pub mod origin;
pub mod proxy;
pub mod python;
pub mod random;
pub mod servers;

use zarr::Element;

/// Elements from their bytes, in this machine's order.
///
/// # Panics
/// Where the bytes are not those of whole elements.
#[must_use]
pub fn elements_of<T: Element>(bytes: &[u8]) -> Vec<T> {
    let len = bytes.len() / size_of::<T>();
    assert_eq!(len * size_of::<T>(), bytes.len());
    let mut elements = Vec::<T>::with_capacity(len);
    // SAFETY: the vector has room for as many bytes, and tests only ask for types of which any bytes are elements.
    unsafe {
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), elements.as_mut_ptr().cast(), bytes.len());
        elements.set_len(len);
    }
    elements
}
