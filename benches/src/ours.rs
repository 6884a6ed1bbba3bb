//! Our engine, through its blocking API.

use std::sync::Mutex;

use futures::future::try_join_all;
use ndarray::ArrayD;
use zarr::blocking::{Array, Hierarchy, runtime};
use zarr::{CacheOptions, ChunkForm, Selection, Slice, Store, registry};

use crate::element::Element;
use crate::operations::{Implementation, Result};
use crate::request::{BUCKET, Place, Region};

pub struct Ours;

fn hierarchy(place: &Place, caches: CacheOptions) -> Result<Hierarchy> {
    let store = match &place.endpoint {
        None => Store::open(&place.path).map_err(text)?,
        Some(endpoint) => remote(place, endpoint)?,
    };
    Ok(Hierarchy::with_caches(store, registry(), caches))
}

/// Returns the store of a key on the server. A program makes its HTTP client once, so the worker
/// keeps the last one; the caches of a hierarchy are new each time.
fn remote(place: &Place, endpoint: &str) -> Result<Store> {
    static LAST: Mutex<Option<(String, Store)>> = Mutex::new(None);
    let mut last = LAST.lock().expect("no panic while it is locked");
    if let Some((path, store)) = &*last
        && *path == place.path
    {
        return Ok(store.clone());
    }
    let options = [
        ("endpoint", endpoint),
        ("allow_http", "true"),
        ("region", "us-east-1"),
        ("skip_signature", "true"),
    ];
    let more = place.options.iter();
    let more = more.map(|(name, value)| (name.as_str(), value.as_str()));
    let url = format!("s3://{BUCKET}/{}", place.path);
    let store = Store::open_with(&url, options.into_iter().chain(more)).map_err(text)?;
    *last = Some((place.path.clone(), store.clone()));
    Ok(store)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn selection(region: &Region) -> Selection {
    if region.is_empty() {
        return Selection::all();
    }
    let slice = |&axis: &[u64; 3]| {
        let [start, stop, step] = axis.map(|index| index as isize);
        Slice::new(start, Some(stop), step)
    };
    Selection::slices(region.iter().map(slice))
}

impl Implementation for Ours {
    type Array = Array;

    fn open(place: &Place, cache: u64) -> Result<Array> {
        let mut caches = CacheOptions::default();
        if cache > 0 {
            caches = CacheOptions {
                chunk_size: cache,
                chunk_form: ChunkForm::Decoded,
                revalidate: false,
                ..caches
            };
        }
        hierarchy(place, caches)?.array("").map_err(text)
    }

    fn read<T: Element>(array: &Array, region: &Region) -> Result<ArrayD<T>> {
        array.read::<T>(&selection(region)).map_err(text)
    }

    fn read_concurrently<T: Element>(array: &Array, regions: &[Region]) -> Result<Vec<ArrayD<T>>> {
        let selections = regions.iter().map(selection).collect::<Vec<_>>();
        let reads = selections
            .iter()
            .map(|selection| array.as_async().read::<T>(selection));
        runtime().block_on(try_join_all(reads)).map_err(text)
    }

    fn points<T: Element>(array: &Array, points: &[Vec<u64>]) -> Result<ArrayD<T>> {
        array
            .read::<T>(&Selection::Coordinates(points.to_vec()))
            .map_err(text)
    }

    fn write<T: Element>(array: &Array, region: &Region, data: &ArrayD<T>) -> Result<()> {
        array.write(selection(region), data).map_err(text)
    }

    fn append<T: Element>(array: &mut Array, data: &ArrayD<T>) -> Result<()> {
        array.append(0, data).map(drop).map_err(text)
    }

    fn open_many(place: &Place, count: u64) -> Result<u64> {
        let hierarchy = hierarchy(place, CacheOptions::default())?;
        let names = (0..count)
            .map(|number| format!("a{number}"))
            .collect::<Vec<_>>();
        if place.endpoint.is_none() {
            return names
                .iter()
                .map(|name| Ok(hierarchy.array(name).map_err(text)?.shape()[0]))
                .sum();
        }
        let arrays = names.iter().map(|name| hierarchy.as_async().array(name));
        let arrays = runtime().block_on(try_join_all(arrays)).map_err(text)?;
        Ok(arrays.iter().map(|array| array.shape()[0]).sum())
    }

    fn list(place: &Place) -> Result<u64> {
        let group = hierarchy(place, CacheOptions::default())?
            .group("")
            .map_err(text)?;
        Ok(group.children().map_err(text)?.len() as u64)
    }

    fn list_consolidated(place: &Place) -> Result<u64> {
        let group = hierarchy(place, CacheOptions::default())?
            .group("")
            .map_err(text)?;
        Ok(group.walk().map_err(text)?.len() as u64)
    }

    fn plan(array: &Array) -> Result<u64> {
        Ok(array.plan_read(..).map_err(text)?.to_string().len() as u64)
    }

    fn shrink(place: &Place) -> Result<()> {
        Self::open(place, 0)?.resize(&[1]).map_err(text)
    }
}
