//! The operations, written once for all implementations.

use std::collections::HashMap;

use ndarray::{ArrayD, Axis};
use rayon::prelude::*;
use serde_json::{Value, json};
use zarr::limits;
use zarr_benches::Usage;

use crate::element::{Element, checksum};
use crate::request::{Place, Region, Request};

/// A reason why an implementation lacks an operation.
pub type Lacks = String;
pub type Result<T, E = Lacks> = std::result::Result<T, E>;

/// What an implementation offers.
pub trait Implementation {
    type Array: Sync;

    /// Opens an array, with a cache of decoded chunks of the given size in bytes.
    fn open(place: &Place, cache: u64) -> Result<Self::Array>;
    fn read<T: Element>(array: &Self::Array, region: &Region) -> Result<ArrayD<T>>;
    /// Reads all regions at the same time.
    fn read_concurrently<T: Element>(
        array: &Self::Array,
        regions: &[Region],
    ) -> Result<Vec<ArrayD<T>>>;
    fn points<T: Element>(array: &Self::Array, points: &[Vec<u64>]) -> Result<ArrayD<T>>;
    fn write<T: Element>(array: &Self::Array, region: &Region, data: &ArrayD<T>) -> Result<()>;
    /// Appends along the first dimension.
    fn append<T: Element>(array: &mut Self::Array, data: &ArrayD<T>) -> Result<()>;
    /// Opens the arrays `a0`, `a1`, ... of a group, and returns the sum of their lengths.
    fn open_many(place: &Place, count: u64) -> Result<u64>;
    /// Opens a group and returns the number of its children.
    fn list(place: &Place) -> Result<u64>;
    /// Opens a group with consolidated metadata and returns the number of all nodes below it.
    fn list_consolidated(place: &Place) -> Result<u64>;
    /// Plans a read of the whole array, and returns the length of the plan as text.
    fn plan(array: &Self::Array) -> Result<u64>;
    /// Shrinks an array of one dimension to one element.
    fn shrink(place: &Place) -> Result<()>;
}

/// The arrays that hold data to be written, by element type; the last one is kept.
#[derive(Default)]
pub struct Sources {
    pub u8: Source<u8>,
    pub u16: Source<u16>,
    pub i32: Source<i32>,
    pub string: Source<String>,
}

pub type Source<T> = Option<(String, ArrayD<T>)>;

/// Runs a request and returns its measurements.
pub fn answer<I: Implementation, T: Element>(
    request: &Request,
    source: &mut Source<T>,
) -> Result<Value> {
    if let Some(path) = &request.source
        && source.as_ref().is_none_or(|(kept, _)| kept != path)
    {
        let place = Place {
            path: path.clone(),
            endpoint: None,
            options: HashMap::new(),
        };
        *source = Some((path.clone(), I::read(&I::open(&place, 0)?, &Region::new())?));
    }
    if request.threads > 0 && request.threads != limits::threads() {
        limits::set_threads(request.threads).map_err(|error| error.to_string())?;
    }
    let data = || &source.as_ref().expect("a source").1;
    let place = &request.place;
    match request.op.as_str() {
        "read" => read::<I, T>(request),
        "points" => {
            let array = opened::<I, T>(request)?;
            let work = || {
                I::points::<T>(
                    &array.map_or_else(|| I::open(place, 0), Ok)?,
                    &request.points,
                )
            };
            measured(work, |data| checksum(&data, request.prove))
        }
        "write" => write::<I, T>(request, data()),
        "round_trip" => {
            let work = || {
                I::write(&I::open(place, 0)?, &Region::new(), data())?;
                I::read::<T>(&I::open(place, 0)?, &Region::new())
            };
            measured(work, |data| checksum(&data, request.prove))
        }
        "append" => {
            let size = data().len_of(Axis(0)).div_ceil(request.count as usize);
            let pieces = data()
                .axis_chunks_iter(Axis(0), size)
                .map(|piece| piece.to_owned())
                .collect::<Vec<_>>();
            let work = || {
                let mut array = I::open(place, 0)?;
                pieces
                    .iter()
                    .try_for_each(|piece| I::append(&mut array, piece))
            };
            measured(work, |()| 0)
        }
        "open" => measured(|| I::open_many(place, request.count), |sum| sum),
        "list" => measured(|| I::list(place), |count| count),
        "list_consolidated" => measured(|| I::list_consolidated(place), |count| count),
        "open_one" => measured(|| I::open(place, 0), |_| 0),
        "plan" => measured(|| I::plan(&I::open(place, 0)?), |length| length),
        "shrink" => measured(|| I::shrink(place), |()| 0),
        "pool" => pool::<I, T>(request),
        other => Err(format!("the Rust workers lack {other}")),
    }
}

/// Opens the array and reads its first region, if that happens before the measurement.
fn opened<I: Implementation, T: Element>(request: &Request) -> Result<Option<I::Array>> {
    if !request.warm {
        return Ok(None);
    }
    let array = I::open(&request.place, request.cache)?;
    if let Some(region) = request.regions.first() {
        I::read::<T>(&array, region)?;
    }
    Ok(Some(array))
}

fn read<I: Implementation, T: Element>(request: &Request) -> Result<Value> {
    let array = opened::<I, T>(request)?;
    let work = || {
        let array = array.map_or_else(|| I::open(&request.place, request.cache), Ok)?;
        let add = |sum: u64, data: &ArrayD<T>| sum.wrapping_add(checksum(data, request.prove));
        if request.concurrent {
            return Ok((
                I::read_concurrently::<T>(&array, &request.regions)?
                    .iter()
                    .fold(0, add),
                None,
            ));
        }
        let (last, first) = request.regions.split_last().expect("a region");
        let first = first.iter().try_fold(0, |sum, region| {
            I::read(&array, region).map(|data| add(sum, &data))
        })?;
        // The last result is the only one of a read of the whole array: its checksum costs time.
        Ok((first, Some(I::read::<T>(&array, last)?)))
    };
    measured(work, |(sum, last)| {
        sum.wrapping_add(last.map_or(0, |data| checksum(&data, request.prove)))
    })
}

/// Writes the whole array, or changes the elements of regions.
fn write<I: Implementation, T: Element>(request: &Request, data: &ArrayD<T>) -> Result<Value> {
    let part = |region: &Region| {
        let axes = |axis: ndarray::AxisDescription| {
            let [start, stop, step] = region[axis.axis.index()].map(|index| index as isize);
            ndarray::Slice::new(start, Some(stop), step)
        };
        data.slice_each_axis(axes).map(Element::changed)
    };
    let changed = request
        .regions
        .iter()
        .filter(|region| !region.is_empty())
        .map(part)
        .collect::<Vec<_>>();
    let work = || {
        let array = I::open(&request.place, 0)?;
        if changed.is_empty() {
            return I::write(&array, &Region::new(), data);
        }
        request
            .regions
            .iter()
            .zip(&changed)
            .try_for_each(|(region, part)| I::write(&array, region, part))
    };
    measured(work, |()| 0)
}

/// Reads each region in a task of a pool of two threads, and writes it to the target if there is one.
fn pool<I: Implementation, T: Element>(request: &Request) -> Result<Value> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(2)
        .build()
        .expect("threads");
    let from = I::open(&request.place, 0)?;
    let target = request.target.as_ref().map(|path| {
        I::open(
            &Place {
                path: path.clone(),
                endpoint: None,
                options: HashMap::new(),
            },
            0,
        )
    });
    let target = target.transpose()?;
    let task = |region: &Region| {
        let data = I::read::<T>(&from, region)?;
        if let Some(target) = &target {
            I::write(target, region, &data)?;
        }
        Ok(checksum(&data, request.prove))
    };
    let work = || {
        pool.install(|| {
            request
                .regions
                .par_iter()
                .map(task)
                .try_reduce(|| 0, |a, b| Ok(a.wrapping_add(b)))
        })
    };
    measured(work, |sum| sum)
}

/// Measures `work`; `sum` computes the checksum of its result afterwards.
fn measured<R>(work: impl FnOnce() -> Result<R>, sum: impl FnOnce(R) -> u64) -> Result<Value> {
    let before = Usage::start();
    let result = work()?;
    let usage = before.stop();
    Ok(json!({
        "wall_ms": usage.wall_ms,
        "cpu_ms": usage.cpu_ms,
        "faults": usage.faults,
        "peak_mib": usage.peak_mib,
        "switches": usage.switches,
        "checksum": sum(result).to_string(),
    }))
}
