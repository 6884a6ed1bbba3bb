//! Every bit pattern of every narrow format, rounding at and beside ties, and values that formats
//! lack.

#![expect(clippy::unwrap_used, reason = "tests")]

use half::{bf16, f16};

use super::super::float_format::FORMATS;
use super::super::testing::{data_type, read, written};
use super::*;

fn narrow() -> impl Iterator<Item = &'static FloatFormat> {
    FORMATS.iter().filter(|format| format.bits() <= 16)
}

fn named(name: &str) -> &'static FloatFormat {
    FloatFormat::named(name).unwrap()
}

#[test]
fn every_pattern_reads_back_from_its_text() {
    for format in narrow() {
        for bits in 0..1_u64 << format.bits() {
            let text = format.text(bits);
            assert_eq!(format.parse(&text), Some(bits), "{} {text}", format.name);
            let hex =
                format!("\"0x{bits:0width$X}\"", width = 2 * format.size()).replace("0X", "0x");
            assert_eq!(format.parse(&hex), Some(bits), "{} {hex}", format.name);
        }
    }
}

/// The sum of all finite magnitudes, the largest and the smallest magnitude, from ml_dtypes 0.5.
#[test]
fn numbers_are_those_of_ml_dtypes() {
    for (name, sum, largest, smallest) in [
        ("float4_e2m1fn", 18.0, 6.0, 0.5),
        ("float6_e2m3fn", 84.0, 7.5, 0.125),
        ("float6_e3m2fn", 175.0, 28.0, 0.0625),
        ("float8_e3m4", 372.0, 15.5, 0.015_625),
        ("float8_e4m3", 2943.875, 240.0, 0.001_953_125),
        ("float8_e4m3fn", 5407.875, 448.0, 0.001_953_125),
        (
            "float8_e4m3b11fnuz",
            367.992_187_5,
            30.0,
            0.000_122_070_312_5,
        ),
        ("float8_e4m3fnuz", 2943.9375, 240.0, 0.000_976_562_5),
        (
            "float8_e5m2",
            360_447.999_755_859_4,
            57344.0,
            2_f64.powi(-16),
        ),
        (
            "float8_e5m2fnuz",
            360_447.999_877_929_7,
            57344.0,
            2_f64.powi(-17),
        ),
    ] {
        let format = named(name);
        let values = (0..=format.largest()).map(|bits| format.value(bits));
        assert!((values.sum::<f64>() - sum).abs() < 1e-9, "{name}");
        assert_eq!(format.value(format.largest()), largest, "{name}");
        assert_eq!(format.value(1), smallest, "{name}");
    }
    let scale = named("float8_e8m0fnu");
    assert_eq!((scale.value(0), scale.value(127)), (2_f64.powi(-127), 1.0));
}

#[test]
fn numbers_of_16_bits_are_those_of_half() {
    let (half, brain) = (named("float16"), named("bfloat16"));
    for bits in 0..=u16::MAX {
        let numbers = [
            (half, f16::from_bits(bits).to_f64()),
            (brain, bf16::from_bits(bits).to_f64()),
        ];
        for (format, number) in numbers {
            if number.is_finite() {
                let text = format!("{number:e}");
                assert_eq!(format.round(&text), Some(bits.into()), "{text}");
            }
        }
    }
}

#[test]
fn ties_go_to_even_and_a_hair_decides() {
    // The midpoint between 1 and the next number, and the midpoint between the next two.
    for (name, tie, odd_tie) in [
        ("float16", "1.00048828125", "1.00146484375"),
        ("bfloat16", "1.00390625", "1.01171875"),
        ("float8_e4m3", "1.0625", "1.1875"),
        ("float8_e5m2fnuz", "1.125", "1.375"),
        ("float6_e2m3fn", "1.0625", "1.1875"),
        ("float4_e2m1fn", "1.25", "1.75"),
        ("float8_e8m0fnu", "3.0", "6.0"),
    ] {
        let format = named(name);
        let one = format.round("1").unwrap() + u64::from(format.sign() == 0);
        let above = |text: &str| format.round(text).unwrap() - one;
        assert_eq!((above(tie), above(odd_tie)), (0, 2), "{name}");
        let hair = "0".repeat(60) + "1";
        for text in [tie.to_owned() + &hair, format!("{tie}{hair}e0")] {
            assert_eq!(above(&text), 1, "{name} {text}");
        }
        let (head, tail) = odd_tie.split_at(odd_tie.len() - 1);
        let less = tail.parse::<u8>().unwrap().checked_sub(1);
        if let Some(less) = less {
            let text = format!("{head}{less}{}", "9".repeat(60));
            assert_eq!(above(&text), 1, "{name} {text}");
        }
    }
    // Slightly above a tie, with leading zeros and an exponent.
    let tie = "0.00000100048828125000000000000000000000000000000000000000001e6";
    assert_eq!(named("float16").round(tie), Some(0x3c01));
    // Half of the smallest bfloat16, and slightly more, both about 1e-40.
    let tie = format!("{:.110e}", 2_f64.powi(-134));
    assert_eq!(named("bfloat16").round(&tie), Some(0));
    let above = tie.replace('e', "1e");
    assert_eq!(named("bfloat16").round(&above), Some(1));
    assert_eq!(named("bfloat16").round(&format!("-{above}")), Some(0x8001));
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (name, good, bits, bad) in [
        ("float16", "65519.99", 0x7bff_u64, "65520"),
        ("bfloat16", "3.39e38", 0x7f7f, "3.4e38"),
        ("float8_e3m4", "15.7", 0x6f, "15.75"),
        ("float8_e4m3", "247", 0x77, "248"),
        ("float8_e4m3fn", "464", 0x7e, "464.1"),
        ("float8_e4m3fnuz", "247", 0x7f, "-248"),
        ("float8_e5m2", "-61439", 0xfb, "-61440"),
        ("float6_e2m3fn", "7.7", 0x1f, "7.75"),
        ("float4_e2m1fn", "-6.9", 0xf, "-7"),
        ("float8_e8m0fnu", "2.5e38", 0xfe, "2.6e38"),
        ("float8_e8m0fnu", "1e-45", 0, "0"),
        ("float8_e8m0fnu", "1", 0x7f, "-1"),
    ] {
        let format = named(name);
        assert_eq!(format.round(good), Some(bits), "{name}");
        assert_eq!(format.round(bad), None, "{name}");
        for text in ["1e400", "-1e999999999999999999999"] {
            assert_eq!(format.round(text), None, "{name}");
        }
    }
    // These formats have no negative zero.
    for name in ["float8_e4m3b11fnuz", "float8_e4m3fnuz", "float8_e5m2fnuz"] {
        assert_eq!(named(name).round("-0.0"), Some(0));
        assert_eq!(named(name).round("-1e-30"), Some(0));
    }
}

#[test]
fn special_values_are_those_of_each_page() {
    for (name, nan, infinity) in [
        ("bfloat16", Some(0x7fc0), Some(0x7f80)),
        ("float8_e3m4", Some(0x78), Some(0x70)),
        ("float8_e4m3", Some(0x7c), Some(0x78)),
        ("float8_e4m3fn", Some(0x7f), None),
        ("float8_e4m3b11fnuz", Some(0x80), None),
        ("float8_e4m3fnuz", Some(0x80), None),
        ("float8_e5m2", Some(0x7e), Some(0x7c)),
        ("float8_e5m2fnuz", Some(0x80), None),
        ("float8_e8m0fnu", Some(0xff), None),
        ("float6_e2m3fn", None, None),
        ("float6_e3m2fn", None, None),
        ("float4_e2m1fn", None, None),
    ] {
        let format = named(name);
        assert_eq!(format.parse("\"NaN\""), nan, "{name}");
        assert_eq!(format.parse("\"Infinity\""), infinity, "{name}");
        let negative = infinity.map(|bits| bits | format.sign());
        assert_eq!(format.parse("\"-Infinity\""), negative, "{name}");
    }
}

#[test]
fn fill_values_of_bound_types() {
    for (name, text, bytes) in [
        ("bfloat16", "1.0", 0x3f80_u16.to_ne_bytes().to_vec()),
        ("bfloat16", "\"0xffc1\"", 0xffc1_u16.to_ne_bytes().to_vec()),
        ("float8_e5m2", "-0.0", vec![0x80]),
        ("float8_e4m3fn", "\"0xff\"", vec![0xff]),
        ("float4_e2m1fn", "-6.0", vec![0x0f]),
        ("complex_float8_e4m3", "[1.0, \"NaN\"]", vec![0x38, 0x7c]),
        ("complex_float6_e3m2fn", "[-0.0, 28.0]", vec![0x20, 0x1f]),
        (
            "complex_float16",
            "[0.1, -2.0]",
            [0x2e66_u16, 0xc000].map(u16::to_ne_bytes).concat(),
        ),
        (
            "complex_float32",
            "[0.1, -0.0]",
            [0.1_f32, -0.0].map(f32::to_ne_bytes).concat(),
        ),
        (
            "complex_float64",
            "[0.1, 1e300]",
            [0.1, 1e300].map(f64::to_ne_bytes).concat(),
        ),
    ] {
        assert_eq!(read(name, text).unwrap(), bytes, "{name}");
        assert_eq!(written(name, text).unwrap(), text, "{name}");
    }
    for (name, text) in [
        ("bfloat16", "\"0x7f\""),
        ("float8_e5m2", "\"0x7e00\""),
        ("float8_e5m2", "\"nan\""),
        ("float8_e5m2", "null"),
        ("float8_e4m3fnuz", "\"Infinity\""),
        ("float4_e2m1fn", "\"NaN\""),
        ("float4_e2m1fn", "\"0x10\""),
        ("complex_float4_e2m1fn", "[1.0, \"NaN\"]"),
        ("complex_float4_e2m1fn", "1.0"),
        ("complex_bfloat16", "[1.0, 2.0, 3.0]"),
    ] {
        assert!(read(name, text).is_err(), "{name} {text}");
    }
}

#[test]
fn sizes_and_groups() {
    for (name, size, swap_size) in [
        ("bfloat16", 2, 2),
        ("float8_e3m4", 1, 1),
        ("float4_e2m1fn", 1, 1),
        ("complex_bfloat16", 4, 2),
        ("complex_float8_e8m0fnu", 2, 1),
        ("complex_float32", 8, 4),
        ("complex_float64", 16, 8),
    ] {
        let bound = data_type(name).unwrap();
        assert_eq!(
            (bound.fixed_size(), bound.swap_size()),
            (Some(size), swap_size)
        );
    }
}

#[test]
fn upper_bits_of_stored_bytes_are_ignored() {
    for (name, expected) in [
        ("float4_e2m1fn", [0x0f, 0x01]),
        ("complex_float6_e3m2fn", [0x3f, 0x11]),
        ("float8_e4m3", [0xff, 0x91]),
    ] {
        let mut elements = [0xff, 0x91];
        data_type(name).unwrap().admit(&mut elements).unwrap();
        assert_eq!(elements, expected, "{name}");
    }
}
