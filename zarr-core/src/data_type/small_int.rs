//! `int2`, `int4`, `uint2` and `uint4` (registered extensions): one byte each in memory.
//!
//! In memory, an element is the `i8` or `u8` of equal value. The upper bits of a stored byte have
//! no meaning, so decoding replaces them with the sign or with zeros. Encoding rejects bytes that
//! are not such values.

use super::fill_value::{INTEGER, small_int_bits};
use super::{DataType, DataTypeKind, DataTypeParts, ItemSize};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::registry::Registry;

/// Binds `int2`, `int4`, `uint2` and `uint4`.
pub(super) fn bind(extension: &Extension, _: &Registry) -> Result<DataType> {
    let name = extension.name();
    small_int_bits(name)
        .ok_or_else(|| Error::invalid(name, "a data type of integers smaller than a byte"))?;
    extension.expect_no_configuration()?;
    let (kind, admit): (_, super::Admit) = if name.starts_with('u') {
        (DataTypeKind::UInt, clear_upper_bits)
    } else {
        (DataTypeKind::Int, extend_sign)
    };
    Ok(DataType::new(DataTypeParts {
        extension: Extension::new(name),
        item_size: ItemSize::Fixed(1),
        swap_size: 1,
        kind,
        fill: INTEGER,
        fields: Vec::new(),
        admit: Some(admit),
    }))
}

fn unused_bits(data_type: &DataType) -> usize {
    8 - small_int_bits(data_type.name()).unwrap_or(8)
}

fn clear_upper_bits(data_type: &DataType, elements: &mut [u8]) -> Result<()> {
    let mask = u8::MAX >> unused_bits(data_type);
    elements.iter_mut().for_each(|byte| *byte &= mask);
    Ok(())
}

fn extend_sign(data_type: &DataType, elements: &mut [u8]) -> Result<()> {
    let unused = unused_bits(data_type);
    for byte in elements {
        *byte = ((*byte << unused).cast_signed() >> unused).cast_unsigned();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::super::testing::{data_type, read, written};

    #[test]
    fn fill_values_are_in_range() {
        for (name, low, high) in [
            ("int2", "-2", "1"),
            ("int4", "-8", "7"),
            ("uint2", "0", "3"),
            ("uint4", "0", "15"),
        ] {
            assert_eq!(written(name, low).unwrap(), low);
            assert_eq!(written(name, high).unwrap(), high);
        }
        for (name, text) in [
            ("int2", "2"),
            ("int2", "-3"),
            ("int4", "8"),
            ("uint2", "4"),
            ("uint4", "-1"),
            ("uint4", "1.0"),
            ("uint4", "\"1\""),
        ] {
            assert!(read(name, text).is_err(), "{name} {text}");
        }
    }

    #[test]
    fn upper_bits_of_stored_bytes_are_ignored() {
        let stored = [0x00, 0xf1, 0x07, 0x08, 0x5e, 0xff];
        for (name, expected) in [
            ("int2", [0, 1, 0xff, 0, 0xfe, 0xff]),
            ("int4", [0, 1, 7, 0xf8, 0xfe, 0xff]),
            ("uint2", [0, 1, 3, 0, 2, 3]),
            ("uint4", [0, 1, 7, 8, 14, 15]),
        ] {
            let mut elements = stored;
            data_type(name).unwrap().admit(&mut elements).unwrap();
            assert_eq!(elements, expected, "{name}");
            assert!(data_type(name).unwrap().check(&stored).is_err());
            assert!(data_type(name).unwrap().check(&elements).is_ok());
        }
    }
}
