//! Binary floating-point formats, from four to 64 bits, all from one description.

/// The meaning of the highest bit patterns of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Specials {
    /// IEEE 754: the highest exponent stands for infinity and NaNs.
    Ieee,
    /// No infinity; NaN takes the place of negative zero.
    Fnuz,
    /// No infinity; NaN is the pattern with exponent and mantissa all ones.
    AllOnes,
    /// Every pattern is a number.
    Finite,
}

/// A binary floating-point format: sign, exponent and mantissa from the highest bit down.
#[derive(Debug, PartialEq, Eq)]
pub struct FloatFormat {
    pub(super) name: &'static str,
    /// 0 for `float8_e8m0fnu`, which has neither zero nor subnormal numbers.
    sign_bits: u32,
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    specials: Specials,
}

/// Creates a signed format with the bias of IEEE 754.
const fn format(
    name: &'static str,
    exponent_bits: u32,
    mantissa_bits: u32,
    specials: Specials,
) -> FloatFormat {
    let bias = (1 << (exponent_bits - 1)) - 1;
    biased(name, exponent_bits, mantissa_bits, bias, specials)
}

const fn biased(
    name: &'static str,
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    specials: Specials,
) -> FloatFormat {
    FloatFormat {
        name,
        sign_bits: 1,
        exponent_bits,
        mantissa_bits,
        bias,
        specials,
    }
}

/// All formats; `float8_e4m3fn` is tensorstore's own and not registered.
pub(super) static FORMATS: [FloatFormat; 15] = [
    format("float16", 5, 10, Specials::Ieee),
    format("float32", 8, 23, Specials::Ieee),
    format("float64", 11, 52, Specials::Ieee),
    format("bfloat16", 8, 7, Specials::Ieee),
    format("float8_e3m4", 3, 4, Specials::Ieee),
    format("float8_e4m3", 4, 3, Specials::Ieee),
    format("float8_e4m3fn", 4, 3, Specials::AllOnes),
    biased("float8_e4m3b11fnuz", 4, 3, 11, Specials::Fnuz),
    biased("float8_e4m3fnuz", 4, 3, 8, Specials::Fnuz),
    format("float8_e5m2", 5, 2, Specials::Ieee),
    biased("float8_e5m2fnuz", 5, 2, 16, Specials::Fnuz),
    FloatFormat {
        sign_bits: 0,
        ..format("float8_e8m0fnu", 8, 0, Specials::AllOnes)
    },
    format("float6_e2m3fn", 2, 3, Specials::Finite),
    format("float6_e3m2fn", 3, 2, Specials::Finite),
    format("float4_e2m1fn", 2, 1, Specials::Finite),
];

impl FloatFormat {
    /// Returns the format of a float by the name of its data type.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }

    /// Returns the format of a float data type, or of the two parts of a complex data type.
    pub(super) fn of_parts(name: &str) -> Option<&'static Self> {
        Self::named(match name {
            "complex64" => "float32",
            "complex128" => "float64",
            name => name.strip_prefix("complex_").unwrap_or(name),
        })
    }

    /// The number of bits of sign, exponent and mantissa.
    #[must_use]
    pub fn bits(&self) -> u32 {
        self.sign_bits + self.exponent_bits + self.mantissa_bits
    }

    /// The size in memory, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bits().div_ceil(8) as usize
    }

    /// The number of stored bits of the mantissa.
    #[must_use]
    pub fn mantissa_bits(&self) -> u32 {
        self.mantissa_bits
    }

    /// The bits of exponent and mantissa, all ones.
    pub(super) fn magnitude_mask(&self) -> u64 {
        (1 << (self.exponent_bits + self.mantissa_bits)) - 1
    }

    /// The sign bit; 0 for `float8_e8m0fnu`, which has neither zero nor subnormal numbers.
    #[must_use]
    pub fn sign(&self) -> u64 {
        u64::from(self.sign_bits) << (self.exponent_bits + self.mantissa_bits)
    }

    /// Whether the format has a negative zero.
    #[must_use]
    pub fn has_negative_zero(&self) -> bool {
        self.sign_bits == 1 && self.specials != Specials::Fnuz
    }

    /// The exponent of the smallest normal number.
    #[must_use]
    pub fn lowest_exponent(&self) -> i32 {
        self.sign_bits.cast_signed() - self.bias
    }

    /// The bits of positive infinity; `None` if the format has no infinity.
    #[must_use]
    pub fn infinity(&self) -> Option<u64> {
        let exponent = self.magnitude_mask() >> self.mantissa_bits << self.mantissa_bits;
        (self.specials == Specials::Ieee).then_some(exponent)
    }

    /// The bits of "NaN": the NaN with only the highest mantissa bit set, or the format's only NaN;
    /// `None` if the format has no NaN.
    #[must_use]
    pub fn nan(&self) -> Option<u64> {
        match self.specials {
            Specials::Ieee => Some(self.infinity()? | 1 << (self.mantissa_bits - 1)),
            Specials::Fnuz => Some(self.sign()),
            Specials::AllOnes => Some(self.magnitude_mask()),
            Specials::Finite => None,
        }
    }

    /// The bits of the largest finite number.
    #[must_use]
    pub fn largest(&self) -> u64 {
        match (self.infinity(), self.specials) {
            (Some(infinity), _) => infinity - 1,
            (None, Specials::AllOnes) => self.magnitude_mask() - 1,
            (None, _) => self.magnitude_mask(),
        }
    }

    /// Returns the number that these bits stand for, ignoring bits above [`Self::bits`].
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the format has 32 bits there"
    )]
    pub fn number(&self, bits: u64) -> f64 {
        match self.bits() {
            64 => return f64::from_bits(bits),
            32 => return f32::from_bits(bits as u32).into(),
            _ => {}
        }
        let magnitude = bits & self.magnitude_mask();
        let negative = bits & self.sign() != 0;
        let number = match (self.specials, self.infinity()) {
            (Specials::Ieee, Some(infinity)) if magnitude == infinity => f64::INFINITY,
            (Specials::Ieee, Some(infinity)) if magnitude > infinity => return f64::NAN,
            (Specials::Fnuz, _) if magnitude == 0 && negative => return f64::NAN,
            (Specials::AllOnes, _) if magnitude == self.magnitude_mask() => return f64::NAN,
            _ => self.value(magnitude),
        };
        if negative { -number } else { number }
    }

    /// Returns the number with this magnitude, for formats of at most 16 bits. One past the largest
    /// magnitude yields the number that would follow.
    pub(super) fn value(&self, magnitude: u64) -> f64 {
        let exponent = i32::try_from(magnitude >> self.mantissa_bits).expect("16 bits at most");
        let one = 1_u64 << self.mantissa_bits;
        let mantissa = magnitude & (one - 1);
        let subnormal = exponent == 0 && self.sign_bits == 1;
        let (mantissa, exponent) = if subnormal {
            (mantissa, 1)
        } else {
            (mantissa | one, exponent)
        };
        let scale = exponent - self.bias - self.mantissa_bits.cast_signed();
        mantissa as f64 * 2_f64.powi(scale)
    }
}
