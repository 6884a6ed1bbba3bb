//! Evenly spaced indices.

use std::ops::Range;

/// The indices `start`, `start + step` ..., at the buffer positions `position`, `position + 1` ...
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    pub(crate) start: u64,
    pub(crate) step: i64,
    pub(crate) count: u64,
    pub(crate) position: u64,
}

impl Steps {
    /// Returns an index by its number.
    pub(crate) fn index(self, number: u64) -> u64 {
        let offset = self.step.wrapping_mul(number.cast_signed());
        self.start.wrapping_add_signed(offset)
    }

    /// Returns the lowest and the highest index; `None` if there are none.
    pub(super) fn bounds(self) -> Option<(u64, u64)> {
        let last = self.index(self.count.checked_sub(1)?);
        Some((self.start.min(last), self.start.max(last)))
    }

    /// Returns `count` of the indices from number `skip` on.
    pub(super) fn part(self, skip: u64, count: u64) -> Self {
        Self {
            start: self.index(skip),
            step: self.step,
            count,
            position: self.position + skip,
        }
    }

    /// Returns the indices in a range; `None` if there are none.
    pub(super) fn within(self, range: &Range<u64>) -> Option<Self> {
        let (low, high) = self.bounds()?;
        if range.end <= low || range.start > high {
            return None;
        }
        let width = self.step.unsigned_abs().max(1);
        // The numbers of the first and the last index in the range, counted upwards.
        let first = range.start.saturating_sub(low).div_ceil(width);
        let last = (range.end - 1).min(high).checked_sub(low)? / width;
        let left = (last + 1).checked_sub(first).filter(|&left| left > 0)?;
        let skip = if self.step > 0 {
            first
        } else {
            self.count - 1 - last
        };
        Some(self.part(skip, left))
    }

    /// Returns these indices counted from `start`, at which a chunk starts.
    pub(super) fn from(self, start: u64) -> Self {
        Self {
            start: self.start - start,
            ..self
        }
    }
}
