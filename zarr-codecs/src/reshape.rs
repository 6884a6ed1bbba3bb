//! The `reshape` codec: gives the elements another shape and keeps their order (registered
//! extension "reshape").

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{ArrayToArray, ChunkData, ChunkSpec};
use zarr_core::size::product;
use zarr_core::{Binder, Error, Extension, Result};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    shape: Vec<Dimension>,
}

/// One dimension of the encoded chunk.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Dimension {
    /// A length, or -1 for the length that the other dimensions leave over.
    Size(i64),
    /// The product of these dimensions of the decoded chunk.
    Product(Vec<usize>),
}

#[derive(Debug)]
struct Reshape {
    encoded: ChunkSpec,
}

/// Binds the codec to a shape with as many elements as the decoded chunk.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    _: &Binder<'_>,
) -> Result<Arc<dyn ArrayToArray>> {
    let Configuration { shape } = extension.parse()?;
    let shape =
        resolve(&shape, &spec.shape).map_err(|error| error.member("configuration.shape"))?;
    Ok(Arc::new(Reshape {
        encoded: ChunkSpec {
            shape: shape.into(),
            ..spec.clone()
        },
    }))
}

fn resolve(dimensions: &[Dimension], input: &[u64]) -> Result<Vec<u64>> {
    let mut shape = Vec::with_capacity(dimensions.len());
    let mut left_over = None;
    let mut next = 0;
    for (place, dimension) in dimensions.iter().enumerate() {
        shape.push(match dimension {
            Dimension::Size(-1) if left_over.is_none() => {
                left_over = Some(place);
                1
            }
            Dimension::Size(size) => match u64::try_from(*size) {
                Ok(size) if size > 0 => size,
                _ => return Err(Error::invalid(size, "1 or more, or -1 once")),
            },
            Dimension::Product(axes) => {
                let mut sizes = Vec::with_capacity(axes.len());
                for &axis in axes {
                    let size = input.get(axis).filter(|_| axis >= next).ok_or_else(|| {
                        let expected = format!("ascending dimensions below {}", input.len());
                        Error::invalid(format_args!("dimension {axis}"), expected)
                    })?;
                    next = axis.saturating_add(1);
                    sizes.push(*size);
                }
                product(&sizes)?
            }
        });
    }
    let total = product(input)?;
    let others = product(&shape)?;
    if let Some(len) = left_over.and_then(|place| shape.get_mut(place)) {
        *len = total.checked_div(others).unwrap_or(0);
    }
    if product(&shape)? != total {
        let expected = format!("as many elements as shape {input:?} has");
        return Err(Error::invalid(format_args!("{shape:?}"), expected));
    }
    for (place, dimension) in dimensions.iter().enumerate() {
        if let Dimension::Product(axes) = dimension
            && let (Some(&first), Some(&last)) = (axes.first(), axes.last())
            && around(&shape, place, place)? != around(input, first, last)?
        {
            let expected = "input dimensions with as many elements before and after them as the output dimension has";
            return Err(Error::invalid(
                format_args!("dimensions {axes:?}"),
                expected,
            ));
        }
    }
    Ok(shape)
}

/// Returns the number of elements before the first of some dimensions, and after the last.
fn around(shape: &[u64], first: usize, last: usize) -> Result<(u64, u64)> {
    let before = shape.get(..first).unwrap_or_default();
    let after = shape.get(last.saturating_add(1)..).unwrap_or_default();
    Ok((product(before)?, product(after)?))
}

impl ArrayToArray for Reshape {
    fn encoded(&self) -> &ChunkSpec {
        &self.encoded
    }

    fn encode(&self, decoded: ChunkData) -> Result<ChunkData> {
        Ok(decoded)
    }

    fn decode(&self, encoded: ChunkData) -> Result<ChunkData> {
        Ok(encoded)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::testing::{binder, extension, spec};

    fn shape(input: &[u64], shape: &str) -> Result<Vec<u64>> {
        let json = format!(r#"{{"name": "reshape", "configuration": {{"shape": {shape}}}}}"#);
        let codec = bind(&extension(&json), &spec(input, "uint8"), &binder())?;
        Ok(codec.encoded().shape.to_vec())
    }

    #[test]
    fn shapes_are_resolved() {
        assert_eq!(
            shape(&[100, 50, 64, 3], "[[0, 1], [2], 3]").unwrap(),
            [5000, 64, 3]
        );
        assert_eq!(shape(&[2, 3, 4], "[-1, [2]]").unwrap(), [6, 4]);
        assert_eq!(shape(&[2, 3, 4], "[[0, 1], -1]").unwrap(), [6, 4]);
        assert_eq!(shape(&[2, 3], "[6, 1, []]").unwrap(), [6, 1, 1]);
        assert_eq!(shape(&[], "[]").unwrap(), [0; 0]);
        assert_eq!(shape(&[], "[1, -1]").unwrap(), [1, 1]);
        assert_eq!(shape(&[1, 1], "[]").unwrap(), [0; 0]);
    }

    #[test]
    fn bad_shapes_are_refused() {
        for case in [
            "[5]",
            "[-1, -1]",
            "[0]",
            "[-2, 12]",
            "[[1], [0]]",
            "[[0, 0], 12]",
            "[[2], 12]",
            "[[0], [1], [3]]",
            "[12, [1]]",
            "[[1], -1]",
            "[5, -1]",
            "[24.0]",
            "[[0.5], 12]",
            "24",
            "[\"24\"]",
            "[24, 9223372036854775807]",
        ] {
            assert!(shape(&[2, 12], case).is_err(), "{case}");
        }
        assert!(
            bind(
                &extension(r#"{"name": "reshape"}"#),
                &spec(&[1], "uint8"),
                &binder()
            )
            .is_err()
        );
    }
}
