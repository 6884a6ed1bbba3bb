//! The registered floats: `bfloat16`, floats of at most eight bits, and complex numbers made of two
//! floats. Floats of fewer than eight bits take one byte in memory, whose upper bits are zero.

use super::float::{COMPLEX, FLOAT};
use super::float_format::FloatFormat;
use super::{DataType, DataTypeKind, DataTypeParts, ItemSize};
use crate::error::{Error, Result};
use crate::extension::Extension;
use crate::registry::Registry;

/// Binds `bfloat16`, the floats of at most eight bits, `complex_float32` and `complex_float64`
/// (other names of `complex64` and `complex128`), and the complex numbers of all narrower floats.
pub(super) fn bind(extension: &Extension, _: &Registry) -> Result<DataType> {
    let name = extension.name();
    let format = FloatFormat::of_parts(name).ok_or_else(|| Error::invalid(name, "a float"))?;
    extension.expect_no_configuration()?;
    let complex = name.starts_with("complex_");
    let size = format.size();
    Ok(DataType::new(DataTypeParts {
        extension: Extension::new(name),
        item_size: ItemSize::Fixed(if complex { 2 * size } else { size }),
        swap_size: size,
        kind: match (complex, size) {
            (true, 4 | 8) => DataTypeKind::Complex,
            (true, _) => DataTypeKind::NarrowComplex,
            (false, _) => DataTypeKind::NarrowFloat,
        },
        fill: if complex { COMPLEX } else { FLOAT },
        fields: Vec::new(),
        admit: (format.bits() % 8 != 0).then_some(clear_upper_bits),
    }))
}

fn clear_upper_bits(data_type: &DataType, elements: &mut [u8]) -> Result<()> {
    let format = FloatFormat::of(data_type);
    let mask = format.magnitude_mask() | format.sign();
    let [mask, ..] = mask.to_le_bytes();
    elements.iter_mut().for_each(|byte| *byte &= mask);
    Ok(())
}
