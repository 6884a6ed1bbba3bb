//! Shapes of results: their sizes, and their texts in errors.

use crate::error::{Error, Result};

/// The product of the lengths, in elements.
pub(super) fn product(shape: &[usize]) -> Result<usize> {
    let len = shape
        .iter()
        .try_fold(1_usize, |len, &next| len.checked_mul(next));
    len.ok_or_else(|| out_of_memory(shape, None))
}

/// The error for a result that exceeds the memory of this machine.
pub(super) fn out_of_memory(shape: &[usize], size: Option<usize>) -> Error {
    let size = size.map_or(String::new(), |size| format!(" and {size} bytes"));
    let shape = tuple(shape);
    let message =
        format!("a result of shape {shape}{size} does not fit in memory; read it in parts");
    Error::Named("OutOfMemoryError", message)
}

/// Formats a shape as Python does.
pub(super) fn tuple(shape: &[usize]) -> String {
    match shape {
        [length] => format!("({length},)"),
        _ => {
            let lengths = shape.iter().map(ToString::to_string);
            format!("({})", lengths.collect::<Vec<_>>().join(", "))
        }
    }
}
