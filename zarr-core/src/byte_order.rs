//! The byte order of numbers.

/// The byte order of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// The byte order of this machine.
    #[must_use]
    pub const fn native() -> Self {
        if cfg!(target_endian = "big") {
            Self::Big
        } else {
            Self::Little
        }
    }
}

/// Reverses bytes in groups of `size`.
pub(crate) fn swap_bytes(bytes: &mut [u8], size: usize) {
    for group in bytes.chunks_exact_mut(size.max(1)) {
        group.reverse();
    }
}
