//! Rounding of exact magnitudes, in the five modes of the registered extension "cast_value".

#![expect(clippy::arithmetic_side_effects, reason = "the bits of one number")]

use serde::Deserialize;

/// The neighbour that a number between two representable values is rounded to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rounding {
    #[default]
    NearestEven,
    TowardsZero,
    TowardsPositive,
    TowardsNegative,
    NearestAway,
}

impl Rounding {
    /// Rounds a float to an integer.
    pub(crate) fn round(self, value: f64) -> f64 {
        match self {
            Self::NearestEven => value.round_ties_even(),
            Self::TowardsZero => value.trunc(),
            Self::TowardsPositive => value.ceil(),
            Self::TowardsNegative => value.floor(),
            Self::NearestAway => value.round(),
        }
    }
}

/// The exact value `digits * 2^scale`, with `digits` below 2^64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Magnitude {
    digits: u64,
    scale: i32,
}

impl Magnitude {
    /// Returns the magnitude of an integer of at most 64 bits and a sign; larger integers saturate.
    pub(crate) fn of_int(value: i128) -> Self {
        Self {
            digits: u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX),
            scale: 0,
        }
    }

    /// Returns the magnitude of a finite float.
    pub(crate) fn of_float(value: f64) -> Self {
        let bits = value.to_bits();
        let mantissa = bits & ((1 << 52) - 1);
        let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
        let implicit = u64::from(exponent > 0) << 52;
        Self {
            digits: mantissa | implicit,
            scale: exponent.max(1) - 1075,
        }
    }

    /// Returns the exponent of the highest bit, and `None` for zero.
    pub(crate) fn exponent(self) -> Option<i32> {
        let highest = self.digits.checked_ilog2()?;
        Some(highest.cast_signed() + self.scale)
    }

    /// Returns the number of units of `2^unit`, rounded to an integer. Callers ensure that the
    /// integer fits.
    pub(crate) fn in_units_of(self, unit: i32, negative: bool, rounding: Rounding) -> u64 {
        let shift = unit - self.scale;
        let distance = shift.unsigned_abs();
        if shift <= 0 {
            return self.digits.checked_shl(distance).unwrap_or(0);
        }
        let whole = self.digits.checked_shr(distance).unwrap_or(0);
        let rest = self.digits - whole.checked_shl(distance).unwrap_or(0);
        // If half a unit exceeds 64 bits, the rest is always less than half.
        let half = 1_u64.checked_shl(distance - 1);
        let versus_half = half.map_or(std::cmp::Ordering::Less, |half| rest.cmp(&half));
        let up = match rounding {
            Rounding::NearestEven => versus_half.is_gt() || versus_half.is_eq() && whole % 2 == 1,
            Rounding::NearestAway => versus_half.is_ge(),
            Rounding::TowardsZero => false,
            Rounding::TowardsPositive => rest > 0 && !negative,
            Rounding::TowardsNegative => rest > 0 && negative,
        };
        whole + u64::from(up)
    }
}
