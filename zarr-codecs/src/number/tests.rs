#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn format(name: &str) -> Format {
    Format::of(&DataType::core(name).unwrap()).unwrap()
}

/// All float types of at most eight bits.
const SMALL: [&str; 11] = [
    "float4_e2m1fn",
    "float6_e2m3fn",
    "float6_e3m2fn",
    "float8_e3m4",
    "float8_e4m3",
    "float8_e4m3b11fnuz",
    "float8_e4m3fnuz",
    "float8_e5m2",
    "float8_e5m2fnuz",
    "float8_e8m0fnu",
    "float8_e4m3fn",
];

fn small_float(name: &str) -> Format {
    Format::Float(FloatFormat::named(name).unwrap())
}

fn value(format: Format, bits: u64) -> f64 {
    match format.number(bits) {
        Number::Float(value) => value,
        Number::Int(_) => panic!("no float"),
    }
}

#[test]
fn every_small_float_is_kept() {
    for format in SMALL.map(small_float) {
        for bits in 0..1 << format.bits() {
            let number = format.number(bits);
            let back = format.fit(number, Rounding::TowardsZero);
            let value = value(format, bits);
            if value.is_nan() {
                assert!(self::value(format, back.unwrap()).is_nan());
            } else {
                assert_eq!(back, Ok(bits), "{format:?} {value}");
            }
        }
    }
}

#[test]
fn values_of_the_registry() {
    let cases = [
        (small_float("float4_e2m1fn"), 0b0111, 6.0),
        (small_float("float6_e2m3fn"), 0b01_1111, 7.5),
        (small_float("float6_e3m2fn"), 0b01_1111, 28.0),
        (small_float("float8_e3m4"), 0b0110_1111, 15.5),
        (small_float("float8_e4m3"), 0b0111_0111, 240.0),
        (small_float("float8_e4m3b11fnuz"), 0x7f, 30.0),
        (small_float("float8_e4m3fnuz"), 0x7f, 240.0),
        (small_float("float8_e5m2"), 0b0111_1011, 57344.0),
        (small_float("float8_e5m2fnuz"), 0x7f, 57344.0),
        (small_float("float8_e8m0fnu"), 0x7f, 1.0),
        (small_float("float8_e4m3fn"), 0x7e, 448.0),
    ];
    for (format, bits, expected) in cases {
        assert_eq!(value(format, bits).to_bits(), f64::to_bits(expected));
        let beyond = Number::Float(expected * 1e30);
        if expected > 1.0 {
            assert_eq!(format.fit(beyond, Rounding::NearestEven), Err(Unfit::Range));
        }
    }
}

#[test]
fn directed_rounding_goes_where_it_says() {
    let format = format("float16");
    let cases = [
        (Rounding::NearestEven, 0x3c00, 0xbc00),
        (Rounding::TowardsZero, 0x3c00, 0xbc00),
        (Rounding::TowardsPositive, 0x3c01, 0xbc00),
        (Rounding::TowardsNegative, 0x3c00, 0xbc01),
        (Rounding::NearestAway, 0x3c01, 0xbc01),
    ];
    let tie = 1.0 + 2_f64.powi(-11);
    for (rounding, up, down) in cases {
        assert_eq!(format.fit(Number::Float(tie), rounding), Ok(up));
        assert_eq!(format.fit(Number::Float(-tie), rounding), Ok(down));
    }
}

proptest! {
    #[test]
    fn nearest_is_what_the_machine_does(value: f64) {
        let bits = format("float32").fit(Number::Float(value), Rounding::NearestEven);
        #[expect(clippy::cast_possible_truncation, reason = "rounds")]
        let expected = value as f32;
        if value.is_finite() && expected.is_infinite() {
            prop_assert_eq!(bits, Err(Unfit::Range));
        } else if !value.is_nan() {
            prop_assert_eq!(bits, Ok(expected.to_bits().into()));
        }
    }

    #[test]
    fn integers_are_rounded_once(value: i64) {
        let bits = format("float32").fit(Number::Int(value.into()), Rounding::NearestEven);
        #[expect(clippy::cast_precision_loss, reason = "rounds")]
        let expected = value as f32;
        prop_assert_eq!(bits, Ok(expected.to_bits().into()));
    }
}
