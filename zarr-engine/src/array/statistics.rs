//! Statistics of the elements of an array.

use std::collections::HashMap;

use futures::TryStreamExt;
use zarr_core::FillValue;

use super::Array;
use super::elements::Elements;
use super::number::Number;
use super::selection::Select;
use crate::error::Result;

/// Statistics of elements. NaN, infinities and "not a time" count for neither mean nor standard
/// deviation.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Statistics {
    /// The number of elements.
    pub count: u64,
    /// The number of elements that equal the fill value bit for bit, stored or not.
    pub fill: u64,
    /// The number of elements that are NaN or "not a time".
    pub nan: u64,
    /// The number of infinite elements.
    pub infinite: u64,
    /// The smallest number; `None` without numbers.
    pub min: Option<Number>,
    /// The largest number.
    pub max: Option<Number>,
    /// The mean of the finite numbers.
    pub mean: Option<f64>,
    /// The standard deviation of the finite numbers, with the number of them as divisor.
    pub std: Option<f64>,
    /// How often each value occurs, as JSON and most frequent first; `None` if there are more
    /// distinct values than requested.
    pub distinct: Option<Vec<(String, u64)>>,
}

/// The statistics of one part, or of several.
#[derive(Default)]
struct Moments {
    of: Statistics,
    finite: u64,
    mean: f64,
    /// The sum of the squared differences from the mean.
    squares: f64,
    values: Option<HashMap<Box<[u8]>, u64>>,
}

impl Array {
    /// Computes the statistics of a region: of indices and ranges without steps. Reads a few chunks
    /// at a time and computes on all threads, so that memory stays bounded; reads only stored chunks
    /// if there are many. Counts up to `distinct` distinct values.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, Number, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let array = hierarchy.create_array("a", ArrayBuilder::new(&[4], "float32").build()?)?;
    /// array.write(.., &[1.0_f32, f32::NAN, 5.0, 0.0])?;
    /// let found = array.statistics(.., 0)?;
    /// assert_eq!((found.count, found.nan, found.fill), (4, 1, 1));
    /// assert_eq!((found.mean, found.max), (Some(2.0), Some(Number::Float(5.0))));
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`Self::read`], and [`ErrorKind::Selection`](crate::ErrorKind::Selection) for
    /// a selection with steps or lists of indices.
    pub async fn statistics(&self, selection: impl Select, distinct: usize) -> Result<Statistics> {
        let region = self.region(selection)?;
        let fill = self.fill_value().clone();
        let parts = self.parts(&region, &[]).await?;
        let start = moments(&self.fill_element(), &fill, distinct).times(parts.rest());
        let found = self.map_parts(&parts, move |_, elements| {
            moments(elements, &fill, distinct)
        });
        let all = found.try_fold(start, async |all, part| Ok(joined(all, part, distinct)));
        let mut all = all.await?;
        if all.finite > 0 {
            all.of.mean = Some(all.mean);
            all.of.std = Some((all.squares / all.finite as f64).sqrt());
        }
        all.of.distinct = all.values.take().map(|values| self.as_json(values));
        Ok(all.of)
    }

    /// Returns how many numbers of a region lie in each of `bins` equal intervals from `low` to
    /// `high`; the last interval includes `high`. Other numbers and NaN are not counted.
    ///
    /// # Errors
    /// The errors of [`Self::statistics`].
    #[expect(clippy::cast_possible_truncation, reason = "casts of floats saturate")]
    pub async fn histogram(
        &self,
        selection: impl Select,
        low: f64,
        high: f64,
        bins: usize,
    ) -> Result<Vec<u64>> {
        let region = self.region(selection)?;
        if bins == 0 {
            return Ok(Vec::new());
        }
        let count = move |elements: &Elements| {
            let mut counts = vec![0_u64; bins];
            let scale = bins as f64 / (high - low);
            elements.each_number(|number| {
                let number = number.to_f64();
                if number >= low && number <= high {
                    let bin = if scale.is_finite() {
                        ((number - low) * scale) as usize
                    } else {
                        0
                    };
                    counts[bin.min(bins - 1)] += 1;
                }
            });
            counts
        };
        let parts = self.parts(&region, &[]).await?;
        let rest = count(&self.fill_element()).into_iter();
        let rest = rest.map(|count| count * parts.rest()).collect();
        let parts = self.map_parts(&parts, move |_, elements| count(elements));
        let add = async |mut all: Vec<u64>, part: Vec<u64>| {
            all.iter_mut()
                .zip(part)
                .for_each(|(all, part)| *all += part);
            Ok(all)
        };
        parts.try_fold(rest, add).await
    }

    fn as_json(&self, values: HashMap<Box<[u8]>, u64>) -> Vec<(String, u64)> {
        let json = |value: Box<[u8]>| {
            let value = FillValue::new(value.into());
            self.data_type().fill_value_to_json(&value)
        };
        let values = values.into_iter();
        let mut values = values
            .map(|(value, count)| (json(value), count))
            .collect::<Vec<_>>();
        values.sort_by(|(a, m), (b, n)| n.cmp(m).then_with(|| a.cmp(b)));
        values
    }
}

impl Moments {
    /// Returns the statistics of one element `count` times.
    fn times(mut self, count: u64) -> Self {
        let of = &mut self.of;
        let counts = [&mut of.count, &mut of.fill, &mut of.nan, &mut of.infinite];
        counts.into_iter().for_each(|number| *number *= count);
        self.finite *= count;
        if count == 0 {
            (self.of.min, self.of.max) = (None, None);
            self.values = Some(HashMap::new());
        }
        for number in self.values.iter_mut().flat_map(HashMap::values_mut) {
            *number *= count;
        }
        self
    }
}

fn moments(elements: &Elements, fill: &FillValue, distinct: usize) -> Moments {
    let mut found = Moments::default();
    let mut sum = 0.0;
    let mut number = |number: Number| {
        let value = number.to_f64();
        if value.is_nan() {
            found.of.nan += 1;
            return;
        }
        found.of.min = lesser(found.of.min, number);
        found.of.max = greater(found.of.max, number);
        if value.is_infinite() {
            found.of.infinite += 1;
        } else {
            found.finite += 1;
            sum += value;
        }
    };
    elements.each_number(&mut number);
    found.mean = sum / found.finite.max(1) as f64;
    let mean = found.mean;
    elements.each_number(|number| {
        let distance = number.to_f64() - mean;
        if distance.is_finite() {
            found.squares += distance * distance;
        }
    });
    found.of.count = elements.len() as u64;
    found.of.fill = elements
        .iter()
        .filter(|element| *element == fill.bytes())
        .count() as u64;
    found.values = counted(elements, distinct);
    found
}

/// Counts distinct values; returns `None` if there are more than `most`.
fn counted(elements: &Elements, most: usize) -> Option<HashMap<Box<[u8]>, u64>> {
    let mut values = HashMap::<Box<[u8]>, u64>::new();
    let mut run: Option<(&[u8], u64)> = None;
    for element in elements.iter() {
        match &mut run {
            Some((value, count)) if *value == element => *count += 1,
            _ => {
                if let Some((value, count)) = run.replace((element, 1)) {
                    *values.entry(value.into()).or_default() += count;
                }
                if values.len() > most {
                    return None;
                }
            }
        }
    }
    if let Some((value, count)) = run {
        *values.entry(value.into()).or_default() += count;
    }
    (values.len() <= most).then_some(values)
}

fn joined(a: Moments, b: Moments, distinct: usize) -> Moments {
    let finite = a.finite + b.finite;
    let (m, n, all) = (a.finite as f64, b.finite as f64, finite.max(1) as f64);
    let delta = b.mean - a.mean;
    let values = a.values.zip(b.values).map(|(mut values, more)| {
        for (value, count) in more {
            *values.entry(value).or_default() += count;
        }
        values
    });
    let either = |a: Option<Number>, b: Option<Number>, of: fn(Option<Number>, Number) -> _| match b
    {
        Some(b) => of(a, b),
        None => a,
    };
    Moments {
        of: Statistics {
            count: a.of.count + b.of.count,
            fill: a.of.fill + b.of.fill,
            nan: a.of.nan + b.of.nan,
            infinite: a.of.infinite + b.of.infinite,
            min: either(a.of.min, b.of.min, lesser),
            max: either(a.of.max, b.of.max, greater),
            ..Statistics::default()
        },
        finite,
        mean: a.mean + delta * n / all,
        squares: a.squares + b.squares + delta * delta * m * n / all,
        values: values.filter(|values| values.len() <= distinct),
    }
}

fn lesser(a: Option<Number>, b: Number) -> Option<Number> {
    a.filter(|a| *a <= b).or(Some(b))
}

fn greater(a: Option<Number>, b: Number) -> Option<Number> {
    a.filter(|a| *a >= b).or(Some(b))
}
