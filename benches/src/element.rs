//! The types of elements, and checksums over them.

use ndarray::ArrayD;

/// An element that both implementations read and write.
pub trait Element:
    Clone + Send + Sync + zarr::ReadElement + ::zarrs::array::Element + ::zarrs::array::ElementOwned
{
    /// Returns what the element adds to a checksum.
    fn value(&self) -> u64;
    /// Returns another element, for writes that change an array.
    fn changed(&self) -> Self;
}

macro_rules! integers {
    ($($type:ty as $unsigned:ty),+) => {$(
        impl Element for $type {
            fn value(&self) -> u64 {
                u64::from(*self as $unsigned)
            }
            fn changed(&self) -> Self {
                *self ^ 1
            }
        }
    )+};
}

integers! { u8 as u8, u16 as u16, i32 as u32 }

impl Element for String {
    fn value(&self) -> u64 {
        self.bytes().map(u64::from).sum::<u64>() + 31 * self.len() as u64
    }
    fn changed(&self) -> Self {
        self.clone()
    }
}

/// Returns the sum, modulo 2^64, of the value of each element times its position modulo 65,521;
/// of the first element alone if all elements need not be proven.
pub fn checksum<T: Element>(data: &ArrayD<T>, prove: bool) -> u64 {
    let count = if prove { data.len() } else { 1 };
    let elements = data.iter().take(count).enumerate();
    elements.fold(data.len() as u64, |sum, (position, element)| {
        sum.wrapping_add((position as u64 % 65_521 + 1).wrapping_mul(element.value()))
    })
}
