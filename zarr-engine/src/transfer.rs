//! Copies of encoded objects from one store to another: parallel, resumable, verified.

use std::collections::HashMap;

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Semaphore;
use zarr_core::NodePath;
use zarr_store::{ByteRange, Entry, Precondition, Store};

use crate::engine::limits;
use crate::error::{Error, Result};
use crate::hierarchy::Hierarchy;
use crate::nodes::is_document;

/// The size of a permit for memory, in bytes.
const PERMIT: u64 = 64 << 10;

/// The objects that a transfer skips because the target has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Skip {
    /// None: every object is copied.
    Never,
    /// Chunks of equal size. Metadata documents are skipped only if their bytes are equal.
    SameSize,
    /// Objects of equal bytes: reads objects of equal size from both stores.
    #[default]
    SameBytes,
}

/// Returns whether to copy the object with a key, relative to the node.
pub type KeyFilter = Box<dyn Fn(&str) -> bool + Send + Sync>;

/// How the objects of a node are copied.
#[derive(Default)]
pub struct Transfer {
    /// The objects to skip.
    pub skip: Skip,
    /// Whether to read each copy back and compare it with the original. Without this, sizes are
    /// compared.
    pub verify_bytes: bool,
    /// The keys to copy, relative to the node; `None` for all.
    pub wanted: Option<KeyFilter>,
}

/// The result of [`Hierarchy::transfer`]. Sizes are in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transferred {
    /// The number of copied objects.
    pub copied: u64,
    /// Their size.
    pub copied_bytes: u64,
    /// The number of skipped objects.
    pub skipped: u64,
    /// Their size.
    pub skipped_bytes: u64,
    /// The keys of copies that differ from their originals, relative to the node.
    pub wrong: Vec<String>,
}

impl Hierarchy {
    /// Copies the objects of a node and of everything below it to a path of another hierarchy,
    /// beside existing objects. Copies chunks first and documents last, inner nodes first: readers
    /// find a complete node or none. A transfer that was interrupted can be run again. Consolidated
    /// metadata above the copy is renewed. Calls `done` with the size of each object.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, Transfer, blocking};
    ///
    /// let (here, there) = (blocking::open("memory:")?, blocking::open("memory:")?);
    /// let metadata = ArrayBuilder::new(&[40], "int32").with_chunk_shape(&[10]).build()?;
    /// here.create_array("a", metadata)?.write(.., 3)?;
    /// let first = here.transfer("a", &there, "b", Transfer::default(), |_| {})?;
    /// let second = here.transfer("a", &there, "b", Transfer::default(), |_| {})?;
    /// assert_eq!((first.copied, second.copied, second.skipped), (5, 0, 5));
    /// assert_eq!(there.array("b")?.read::<i32>(..)?.sum(), 120);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Core`] for an invalid path, and [`Error::Store`] if a store cannot list, read or
    /// write: some objects may then have been copied.
    pub async fn transfer(
        &self,
        from: &str,
        target: &Self,
        to: &str,
        options: Transfer,
        done: impl Fn(u64) + Send + Sync,
    ) -> Result<Transferred> {
        let (from, to) = (NodePath::parse(from)?, NodePath::parse(to)?);
        let run = Run {
            stores: (self.store(), target.store()),
            prefixes: (from.prefix(), to.prefix()),
            memory: Semaphore::new(permits(limits::bytes_in_flight())),
            options: &options,
        };
        let (found, present) =
            futures::try_join!(listed(self.store(), &from), listed(target.store(), &to))?;
        let wanted = found
            .into_iter()
            .filter(|(key, _)| options.wanted.as_ref().is_none_or(|wanted| wanted(key)));
        let (mut documents, data): (Vec<_>, Vec<_>) = wanted.partition(|(key, _)| is_document(key));
        documents
            .sort_by_key(|(key, _)| (std::cmp::Reverse(key.matches('/').count()), key.clone()));
        let mut all = run.objects(data, &present, run.in_flight(), &done).await?;
        let later = run.objects(documents, &present, 1, &done).await?;
        all.add(later);
        target.renew_copies_of(to.as_str()).await?;
        Ok(all)
    }
}

impl Transferred {
    fn add(&mut self, other: Self) {
        self.copied += other.copied;
        self.copied_bytes += other.copied_bytes;
        self.skipped += other.skipped;
        self.skipped_bytes += other.skipped_bytes;
        self.wrong.extend(other.wrong);
    }
}

/// One transfer.
struct Run<'a> {
    stores: (&'a Store, &'a Store),
    prefixes: (String, String),
    memory: Semaphore,
    options: &'a Transfer,
}

impl Run<'_> {
    fn in_flight(&self) -> usize {
        let (from, to) = self.stores;
        from.cost_model()
            .max_in_flight
            .min(to.cost_model().max_in_flight)
            .clamp(8, 64)
    }

    async fn objects(
        &self,
        objects: Vec<(String, u64)>,
        present: &HashMap<String, u64>,
        at_once: usize,
        done: &(impl Fn(u64) + Sync),
    ) -> Result<Transferred> {
        let copies = stream::iter(objects).map(async |(key, size)| {
            let copied = self.object(&key, size, present.get(&key).copied()).await?;
            done(size);
            Ok::<_, Error>(copied)
        });
        let add = async |mut all: Transferred, part| {
            all.add(part);
            Ok(all)
        };
        copies
            .buffer_unordered(at_once)
            .try_fold(Transferred::default(), add)
            .await
    }

    async fn object(&self, key: &str, size: u64, present: Option<u64>) -> Result<Transferred> {
        let permits = u32::try_from(permits(size)).unwrap_or(u32::MAX);
        let most = u32::try_from(permits_of_all()).unwrap_or(u32::MAX);
        let _permit = self
            .memory
            .acquire_many(permits.min(most))
            .await
            .expect("never closed");
        let (from, to) = (self.prefixes.0.clone() + key, self.prefixes.1.clone() + key);
        let is_equal_in_size = present == Some(size);
        let mut result = Transferred::default();
        let compares = match self.options.skip {
            Skip::Never => false,
            Skip::SameSize => is_document(key) && is_equal_in_size,
            Skip::SameBytes => is_equal_in_size,
        };
        if is_equal_in_size && !compares && self.options.skip == Skip::SameSize {
            (result.skipped, result.skipped_bytes) = (1, size);
            return Ok(result);
        }
        // An object that was deleted after the listing is left out.
        let Some(body) = self.stores.0.get(&from, &ByteRange::All, None).await? else {
            return Ok(result);
        };
        if compares && self.copy_of(&to).await? == Some(body.bytes.clone()) {
            (result.skipped, result.skipped_bytes) = (1, size);
            return Ok(result);
        }
        self.stores
            .1
            .put(&to, vec![body.bytes.clone()], Precondition::None)
            .await?;
        (result.copied, result.copied_bytes) = (1, body.object_size);
        let is_right = match self.options.verify_bytes {
            true => self.copy_of(&to).await? == Some(body.bytes),
            false => true,
        };
        if !is_right {
            result.wrong.push(key.to_owned());
        }
        Ok(result)
    }

    async fn copy_of(&self, key: &str) -> Result<Option<bytes::Bytes>> {
        let body = self.stores.1.get(key, &ByteRange::All, None).await?;
        Ok(body.map(|body| body.bytes))
    }
}

fn permits(size: u64) -> usize {
    usize::try_from(size.div_ceil(PERMIT))
        .unwrap_or(Semaphore::MAX_PERMITS)
        .clamp(1, Semaphore::MAX_PERMITS)
}

fn permits_of_all() -> usize {
    permits(limits::bytes_in_flight())
}

/// Lists the objects of a node and below it: keys relative to the node, and sizes.
async fn listed(store: &Store, path: &NodePath) -> Result<HashMap<String, u64>> {
    let prefix = path.prefix();
    let entries = store.list(path.as_str()).map_ok(|Entry { key, size }| {
        let key = key.strip_prefix(&prefix).unwrap_or(&key).to_owned();
        (key, size)
    });
    Ok(entries.try_collect().await?)
}
