//! Rounding of exact magnitudes, in the five modes of the registered extension "cast_value".

use serde::Deserialize;

/// To which neighbour a number between two goes.
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
    /// The integer that a float is rounded to.
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

/// `digits * 2^scale`, exactly; digits below 2^64.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Magnitude {
    digits: u64,
    scale: i32,
}

impl Magnitude {
    /// Of an integer of at most 64 bits and a sign; larger ones saturate.
    pub(crate) fn of_int(value: i128) -> Self {
        Self {
            digits: u64::try_from(value.unsigned_abs()).unwrap_or(u64::MAX),
            scale: 0,
        }
    }

    /// Of a finite float.
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

    /// The exponent of the highest bit; `None` for zero.
    pub(crate) fn exponent(self) -> Option<i32> {
        let highest = self.digits.checked_ilog2()?;
        Some(highest.cast_signed() + self.scale)
    }

    /// In units of `2^unit`, rounded to a whole number, which callers know to fit.
    pub(crate) fn in_units_of(self, unit: i32, negative: bool, rounding: Rounding) -> u64 {
        let shift = unit - self.scale;
        let distance = shift.unsigned_abs();
        if shift <= 0 {
            return self.digits.checked_shl(distance).unwrap_or(0);
        }
        let whole = self.digits.checked_shr(distance).unwrap_or(0);
        let rest = self.digits - whole.checked_shl(distance).unwrap_or(0);
        // Beyond 64 digits the rest is less than a half.
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
