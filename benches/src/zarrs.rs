//! zarrs, used as its documentation shows: a cache of shard indexes for partial reads, parallel by
//! default, its asynchronous API on object stores.

use std::sync::{Arc, LazyLock, Mutex};

use futures::future::try_join_all;
use ndarray::ArrayD;
use object_store::ClientOptions;
use object_store::aws::AmazonS3Builder;
use object_store::prefix::PrefixStore;
use tokio::runtime::Runtime;
use zarrs::array::chunk_cache::{ChunkCache, ChunkCacheDecodedLruSizeLimit};
use zarrs::array::{
    Array, ArrayShardedReadableExt, ArrayShardedReadableExtCache, AsyncArrayShardedReadableExt,
    AsyncArrayShardedReadableExtCache,
};
use zarrs::filesystem::FilesystemStore;
use zarrs::group::Group;
use zarrs::storage::{AsyncReadableStorageTraits, ReadableStorageTraits};
use zarrs_object_store::AsyncObjectStore;

use crate::element::Element;
use crate::operations::{Implementation, Result};
use crate::request::{BUCKET, Place, Region};

pub struct Zarrs;

/// An open array with the cache that its reads use.
pub enum Opened {
    Local(Array<FilesystemStore>, ArrayShardedReadableExtCache),
    Cached(ChunkCacheDecodedLruSizeLimit),
    Remote(Array<Remote>, AsyncArrayShardedReadableExtCache),
}

type Remote = dyn AsyncReadableStorageTraits;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn local(place: &Place) -> Result<Arc<FilesystemStore>> {
    Ok(Arc::new(FilesystemStore::new(&place.path).map_err(text)?))
}

/// Returns the store of a key on the server; the worker keeps the last one, and with it its HTTP
/// client.
fn remote(place: &Place, endpoint: &str) -> Result<Arc<Remote>> {
    static LAST: Mutex<Option<(String, Arc<Remote>)>> = Mutex::new(None);
    let mut last = LAST.lock().expect("no panic while it is locked");
    if let Some((path, store)) = &*last
        && *path == place.path
    {
        return Ok(store.clone());
    }
    let options = ClientOptions::new().with_allow_http(true);
    let builder = AmazonS3Builder::new()
        .with_bucket_name(BUCKET)
        .with_endpoint(endpoint)
        .with_region("us-east-1");
    let store = builder
        .with_skip_signature(true)
        .with_client_options(options)
        .build()
        .map_err(text)?;
    let store: Arc<Remote> = Arc::new(AsyncObjectStore::new(PrefixStore::new(
        store,
        place.path.as_str(),
    )));
    *last = Some((place.path.clone(), store.clone()));
    Ok(store)
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn ranges(region: &Region) -> Result<Vec<std::ops::Range<u64>>> {
    let range = |&[start, stop, step]: &[u64; 3]| match step {
        1 => Ok(start..stop),
        _ => Err("regions with a step".to_owned()),
    };
    region.iter().map(range).collect()
}

/// Returns the ranges of a region of an array, which may be the whole.
fn subset<S: ?Sized>(array: &Array<S>, region: &Region) -> Result<Vec<std::ops::Range<u64>>> {
    match region.is_empty() {
        true => Ok(array.shape().iter().map(|&len| 0..len).collect()),
        false => ranges(region),
    }
}

async fn remote_read<T: Element>(
    array: &Array<Remote>,
    cache: &AsyncArrayShardedReadableExtCache,
    region: &Region,
) -> Result<ArrayD<T>> {
    let subset = subset(array, region)?;
    array
        .async_retrieve_array_subset_sharded_opt(cache, &subset, &Default::default())
        .await
        .map_err(text)
}

impl Implementation for Zarrs {
    type Array = Opened;

    fn open(place: &Place, cache: u64) -> Result<Opened> {
        if let Some(endpoint) = &place.endpoint {
            let array = Array::async_open(remote(place, endpoint)?, "/");
            let array = RUNTIME.block_on(array).map_err(text)?;
            let cache = AsyncArrayShardedReadableExtCache::new(&array);
            return Ok(Opened::Remote(array, cache));
        }
        if cache > 0 {
            let store: Arc<dyn ReadableStorageTraits> = local(place)?;
            let array = Arc::new(Array::open(store, "/").map_err(text)?);
            return Ok(Opened::Cached(ChunkCacheDecodedLruSizeLimit::new(
                array, cache,
            )));
        }
        let array = Array::open(local(place)?, "/").map_err(text)?;
        let cache = ArrayShardedReadableExtCache::new(&array);
        Ok(Opened::Local(array, cache))
    }

    fn read<T: Element>(array: &Opened, region: &Region) -> Result<ArrayD<T>> {
        let options = Default::default();
        match array {
            // The cache of shard indexes is for parts of shards.
            Opened::Local(array, _) if region.is_empty() => array
                .retrieve_array_subset(&array.subset_all())
                .map_err(text),
            Opened::Local(array, cache) => array
                .retrieve_array_subset_sharded_opt(cache, &ranges(region)?, &options)
                .map_err(text),
            Opened::Cached(cache) => {
                let subset = subset(&cache.array(), region)?;
                cache.retrieve_array_subset(&subset, &options).map_err(text)
            }
            Opened::Remote(array, _) if region.is_empty() => RUNTIME
                .block_on(array.async_retrieve_array_subset(&array.subset_all()))
                .map_err(text),
            Opened::Remote(array, cache) => RUNTIME.block_on(remote_read(array, cache, region)),
        }
    }

    fn read_concurrently<T: Element>(array: &Opened, regions: &[Region]) -> Result<Vec<ArrayD<T>>> {
        let Opened::Remote(array, cache) = array else {
            return regions
                .iter()
                .map(|region| Self::read(array, region))
                .collect();
        };
        RUNTIME.block_on(try_join_all(
            regions
                .iter()
                .map(|region| remote_read(array, cache, region)),
        ))
    }

    fn points<T: Element>(_: &Opened, _: &[Vec<u64>]) -> Result<ArrayD<T>> {
        Err("single points".to_owned())
    }

    fn write<T: Element>(array: &Opened, region: &Region, data: &ArrayD<T>) -> Result<()> {
        let Opened::Local(array, _) = array else {
            return Err("not measured".to_owned());
        };
        array
            .store_array_subset(&subset(array, region)?, data)
            .map_err(text)
    }

    fn append<T: Element>(array: &mut Opened, data: &ArrayD<T>) -> Result<()> {
        let Opened::Local(array, _) = array else {
            return Err("not measured".to_owned());
        };
        let mut shape = array.shape().to_vec();
        let mut region = shape.iter().map(|&len| 0..len).collect::<Vec<_>>();
        region[0] = shape[0]..shape[0] + data.shape()[0] as u64;
        shape[0] = region[0].end;
        array.set_shape(shape).map_err(text)?;
        array.store_metadata().map_err(text)?;
        array.store_array_subset(&region, data).map_err(text)
    }

    fn open_many(place: &Place, count: u64) -> Result<u64> {
        if let Some(endpoint) = &place.endpoint {
            let store = remote(place, endpoint)?;
            let open = |number| {
                let store = store.clone();
                async move { Array::async_open(store, &format!("/a{number}")).await }
            };
            let arrays = RUNTIME
                .block_on(try_join_all((0..count).map(open)))
                .map_err(text)?;
            return Ok(arrays.iter().map(|array| array.shape()[0]).sum());
        }
        let store = local(place)?;
        (0..count)
            .map(|number| {
                Ok(Array::open(store.clone(), &format!("/a{number}"))
                    .map_err(text)?
                    .shape()[0])
            })
            .sum()
    }

    fn list(place: &Place) -> Result<u64> {
        let group = Group::open(local(place)?, "/").map_err(text)?;
        Ok(group.child_paths().map_err(text)?.len() as u64)
    }

    fn list_consolidated(place: &Place) -> Result<u64> {
        let group = Group::open(local(place)?, "/").map_err(text)?;
        Ok(count(&group.children(true).map_err(text)?))
    }

    fn plan(_: &Opened) -> Result<u64> {
        Err("plans".to_owned())
    }

    fn shrink(_: &Place) -> Result<()> {
        Err("a shrink that deletes chunks".to_owned())
    }
}

/// Returns the number of nodes of a tree.
fn count(nodes: &[zarrs::node::Node]) -> u64 {
    nodes.iter().map(|node| 1 + count(node.children())).sum()
}
