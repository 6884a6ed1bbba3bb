//! Comparison of the elements of two arrays.

use std::collections::BTreeMap;
use std::ops::Range;

use futures::stream::{self, StreamExt, TryStreamExt};
use zarr_core::DataTypeKind;

use super::Array;
use super::division::Parts;
use super::element::other_elements;
use super::elements::Elements;
use super::number::Number;
use super::parts::at_once;
use super::selection::Select;
use crate::engine::compute;
use crate::error::{At, Error, Result};

/// When two numbers count as equal: if `|a - b| <= absolute + relative * |b|`. By default, if they
/// are equal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tolerance {
    /// The absolute tolerance.
    pub absolute: f64,
    /// The relative tolerance, as a part of the second number.
    pub relative: f64,
}

/// The differences between the elements of two arrays.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ElementDifferences {
    /// The number of compared elements.
    pub compared: u64,
    /// The number of elements that differ.
    pub different: u64,
    /// The largest difference of two numbers; `None` if no numbers differ.
    pub largest: Option<f64>,
    /// The first elements that differ, in C order: index, and both elements as JSON.
    pub first: Vec<(Vec<u64>, String, String)>,
}

impl Array {
    /// Compares a region of this array, of indices and ranges without steps, with that of an array
    /// of equal shape. Elements are equal if their bytes are equal or they are numbers within the
    /// tolerance; NaN equals NaN. Returns the first `most` differences. Reads a few chunks at a
    /// time, so that memory stays bounded.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, Tolerance, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let a = hierarchy.create_array("a", ArrayBuilder::new(&[2, 3], "int32").build()?)?;
    /// let b = hierarchy.create_array("b", ArrayBuilder::new(&[2, 3], "float64").build()?)?;
    /// b.write((1, 2), 0.5)?;
    /// let found = a.differences(&b, .., Tolerance::default(), 10)?;
    /// assert_eq!(found.first, [(vec![1, 2], "0".to_owned(), "0.5".to_owned())]);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Shape`] if the arrays have different shapes,
    /// [`ErrorKind::ElementType`](crate::ErrorKind::ElementType) if their data types differ and are
    /// not both numeric, and those of [`Self::statistics`].
    pub async fn differences(
        &self,
        other: &Self,
        selection: impl Select,
        tolerance: Tolerance,
        most: usize,
    ) -> Result<ElementDifferences> {
        other.expect_shape(self.shape())?;
        let region = self.region(selection)?;
        let parts = self.parts(&region, &[other]).await?;
        let start = self
            .rest_compared(other, &parts, tolerance, most)
            .at(&self.path)?;
        let largest = parts.largest();
        let at_once = at_once(self.nbytes_of(&largest) + other.nbytes_of(&largest));
        let compared = stream::iter(parts.iter()).map(|part| async move {
            let read = futures::try_join!(
                self.read::<Elements>(&*part),
                other.read::<Elements>(&*part)
            );
            let (ours, theirs) = read?;
            compute(move || compare(&part, &ours, &theirs, tolerance, most)).await
        });
        let all = compared.buffer_unordered(at_once).try_fold(
            start,
            async |(mut all, mut first), part| {
                let (found, more) = part.ok_or_else(|| other_elements(other.data_type()))?;
                all.compared += found.compared;
                all.different += found.different;
                all.largest = all
                    .largest
                    .into_iter()
                    .chain(found.largest)
                    .reduce(f64::max);
                first.extend(more);
                while first.len() > most {
                    first.pop_last();
                }
                Ok((all, first))
            },
        );
        let (mut all, first) = all.await.at(&self.path)?;
        all.first = first
            .into_iter()
            .map(|(index, (ours, theirs))| (index, ours, theirs))
            .collect();
        Ok(all)
    }

    /// Compares the elements outside of the visited parts: the fill values.
    fn rest_compared(
        &self,
        other: &Self,
        parts: &Parts,
        tolerance: Tolerance,
        most: usize,
    ) -> Result<(ElementDifferences, First)> {
        let compared = parts.rest();
        let mut first = First::new();
        if compared == 0 {
            return Ok((ElementDifferences::default(), first));
        }
        let (ours, theirs) = (self.fill_element(), other.fill_element());
        let found = compare(&[], &ours, &theirs, tolerance, 0);
        let (found, _) = found.ok_or_else(|| other_elements(other.data_type()))?;
        if found.different > 0 {
            let values = || (ours.to_json(0), theirs.to_json(0));
            first.extend(parts.rest_indices().take(most).map(|at| (at, values())));
        }
        let all = ElementDifferences {
            compared,
            different: found.different * compared,
            ..found
        };
        Ok((all, first))
    }

    /// Checks that elements of this shape fit the whole array.
    pub(super) fn expect_shape(&self, found: &[u64]) -> Result<()> {
        if found == self.shape() {
            return Ok(());
        }
        let (found, expected) = (lengths(found), lengths(self.shape()));
        Err(Error::Shape { found, expected }).at(&self.path)
    }
}

/// Returns the lengths of an array in memory of this shape.
pub(super) fn lengths(shape: &[u64]) -> Vec<usize> {
    let lengths = shape.iter().map(|&len| usize::try_from(len));
    lengths.map(|len| len.unwrap_or(usize::MAX)).collect()
}

type First = BTreeMap<Vec<u64>, (String, String)>;

/// Compares a part; returns `None` if the elements cannot be compared.
fn compare(
    part: &[Range<u64>],
    ours: &Elements,
    theirs: &Elements,
    tolerance: Tolerance,
    most: usize,
) -> Option<(ElementDifferences, First)> {
    let mut found = ElementDifferences {
        compared: ours.len() as u64,
        ..ElementDifferences::default()
    };
    let mut first = First::new();
    let same_type = ours.data_type() == theirs.data_type();
    let has_sizes = ours.data_type().fixed_size().is_some();
    if same_type && has_sizes && ours.bytes() == theirs.bytes() {
        return Some((found, first));
    }
    let is_number = |elements: &Elements| elements.is_empty() || elements.number(0).is_some();
    let is_complex = |elements: &Elements| elements.data_type().kind() == DataTypeKind::Complex;
    let are = |is: &dyn Fn(&Elements) -> bool| is(ours) && is(theirs);
    let comparable = same_type || are(&is_number) || are(&is_complex);
    if !comparable {
        return None;
    }
    for position in 0..ours.len() {
        if same_type && ours.get(position) == theirs.get(position) {
            continue;
        }
        let distance = match (ours.number(position), theirs.number(position)) {
            (Some(a), Some(b)) if are_equal(a, b, tolerance) => continue,
            (Some(a), Some(b)) => Some(distance(a, b)),
            _ => match (ours.complex(position), theirs.complex(position)) {
                (Some(a), Some(b)) if are_equal_complex(a, b, tolerance) => continue,
                (Some(a), Some(b)) => Some((a[0] - b[0]).hypot(a[1] - b[1])),
                _ => None,
            },
        };
        if let Some(distance) = distance {
            let distance = Some(distance).filter(|distance| !distance.is_nan());
            found.largest = found.largest.into_iter().chain(distance).reduce(f64::max);
        }
        found.different += 1;
        if first.len() < most {
            let values = (ours.to_json(position), theirs.to_json(position));
            first.insert(index_of(part, position), values);
        }
    }
    Some((found, first))
}

fn are_equal(a: Number, b: Number, tolerance: Tolerance) -> bool {
    let is_same = match (a, b) {
        (Number::Int(a), Number::Int(b)) => a == b,
        _ => a.to_f64() == b.to_f64(),
    };
    let allowed = tolerance.absolute + tolerance.relative * b.to_f64().abs();
    is_same || a.is_nan() && b.is_nan() || is_within(distance(a, b), allowed)
}

/// Compares complex numbers: NaN equals NaN in each part, and the tolerance bounds the distance.
fn are_equal_complex(a: [f64; 2], b: [f64; 2], tolerance: Tolerance) -> bool {
    let is_same = |a: f64, b: f64| a == b || a.is_nan() && b.is_nan();
    let allowed = tolerance.absolute + tolerance.relative * b[0].hypot(b[1]);
    is_same(a[0], b[0]) && is_same(a[1], b[1])
        || is_within((a[0] - b[0]).hypot(a[1] - b[1]), allowed)
}

/// Infinity is near no finite number.
fn is_within(distance: f64, allowed: f64) -> bool {
    distance.is_finite() && distance <= allowed && allowed > 0.0
}

fn distance(a: Number, b: Number) -> f64 {
    match (a, b) {
        (Number::Int(a), Number::Int(b)) => a.abs_diff(b) as f64,
        _ => (a.to_f64() - b.to_f64()).abs(),
    }
}

/// Returns the index in the array of the element at a position of a part in C order.
fn index_of(part: &[Range<u64>], position: usize) -> Vec<u64> {
    let mut rest = position as u64;
    let mut index = vec![0; part.len()];
    for (axis, range) in part.iter().enumerate().rev() {
        let len = range.end - range.start;
        index[axis] = range.start + rest % len;
        rest /= len;
    }
    index
}
