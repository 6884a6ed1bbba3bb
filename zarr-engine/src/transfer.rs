//! Copies of encoded objects, within a store or from one to another: parallel, resumable, verified.
//! Every copy of chunks and documents goes through [`Copies`].

use std::collections::{BTreeMap, HashMap};

use futures::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Semaphore;
use zarr_core::NodePath;
use zarr_core::metadata::NodeMetadata;
use zarr_store::{ByteRange, Entry, ErrorKind, Precondition, Store};

use crate::documents::is_document;
use crate::engine::limits;
use crate::error::{At, Error, Result};
use crate::hierarchy::Hierarchy;

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
    /// The wanted keys, relative to the node, of which only the target has objects: of chunks that
    /// are no longer stored, and of other nodes. They are left alone.
    pub only_in_target: Vec<String>,
}

impl Hierarchy {
    /// Copies the objects of a node and of everything below it to a path of another hierarchy,
    /// beside existing objects. Copies chunks first and documents last, inner nodes first: readers
    /// find a complete node or none. A transfer that was interrupted can be run again. Missing
    /// groups above the copy are created, and consolidated metadata above it is renewed. Calls
    /// `done` with the size of each object.
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
    /// [`Error::NodeNotFound`], [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) for an invalid
    /// path and a copy of a node into itself,
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) if the group above the copy has
    /// the other Zarr format, and [`Error::Store`] if a store cannot list, read or write: some
    /// objects may then have been copied.
    pub async fn transfer(
        &self,
        from: &str,
        target: &Self,
        to: &str,
        options: Transfer,
        done: impl Fn(u64) + Send + Sync,
    ) -> Result<Transferred> {
        let paths = (NodePath::parse(from)?, NodePath::parse(to)?);
        let above = self.groups_above_copy(&paths, target).await?;
        let found = listed(self.store(), &paths.0).await.at(&paths.0)?;
        let present = listed(target.store(), &paths.1).await.at(&paths.1)?;
        let done = |size, _| done(size);
        self.copy_objects(&paths, target, above, &options, (found, present), done)
            .await
            .at(&paths.1)
    }

    /// Returns the missing groups above a copy of a node, if the copy is possible.
    pub(crate) async fn groups_above_copy(
        &self,
        (from, to): &(NodePath, NodePath),
        target: &Self,
    ) -> Result<Vec<(NodePath, NodeMetadata)>> {
        let found = self.any_document(from).await.at(from)?;
        let found = found.ok_or_else(|| self.not_found(from))?;
        if self
            .store()
            .overlaps(from.as_str(), target.store(), to.as_str())
        {
            let rule = "a node cannot be copied to its own path, into itself, or over a group that contains it, \
                        by whatever URL the target was opened";
            let path = to.to_string();
            return Err(zarr_core::Error::Path { path, rule }).at(from);
        }
        let is_zarr_2 = found.zarr_2().is_some();
        let (above, wants_zarr_2) = target.groups_above(to, is_zarr_2).await.at(to)?;
        if is_zarr_2 != wants_zarr_2 {
            let what = format!(
                "the node and the group above {to} have different Zarr formats; convert the Zarr v2 \
                 hierarchy first"
            );
            return Err(zarr_core::Error::Unsupported { what }).at(from);
        }
        Ok(above)
    }

    /// Copies all wanted objects of those found here, with the missing groups above between chunks
    /// and documents; the target has the objects `present`. Calls `progress` with the size of each
    /// object and the number of all.
    pub(crate) async fn copy_objects(
        &self,
        (from, to): &(NodePath, NodePath),
        target: &Self,
        above: Vec<(NodePath, NodeMetadata)>,
        options: &Transfer,
        (found, present): (HashMap<String, u64>, HashMap<String, u64>),
        mut progress: impl FnMut(u64, u64),
    ) -> Result<Transferred> {
        let copies = Copies::new(self, target, options);
        let is_wanted = |key: &str| options.wanted.as_ref().is_none_or(|wanted| wanted(key));
        let others = present.keys().filter(|key| !found.contains_key(*key));
        let others = others.filter(|key| is_wanted(key)).cloned();
        let mut all = Transferred {
            only_in_target: others.collect(),
            ..Transferred::default()
        };
        all.only_in_target.sort_unstable();
        let wanted = found.into_iter().filter(|(key, _)| is_wanted(key));
        let (documents, data): (Vec<_>, Vec<_>) = wanted.partition(|(key, _)| is_document(key));
        let total = (documents.len() + data.len()) as u64;
        let mut levels = BTreeMap::<_, Vec<_>>::new();
        for document in documents {
            let level = std::cmp::Reverse(document.0.matches('/').count());
            levels.entry(level).or_default().push(document);
        }
        let top = above.last().map_or(to, |(path, _)| path).clone();
        let mut above = Some(above);
        for objects in [data].into_iter().chain(levels.into_values()) {
            let copied = stream::iter(objects).map(async |(key, size)| {
                let keys = (from.prefix() + &key, to.prefix() + &key);
                let mut copied = copies.copy(&keys, size, present.get(&key).copied()).await?;
                copied
                    .wrong
                    .iter_mut()
                    .for_each(|wrong| wrong.clone_from(&key));
                Ok::<_, Error>((copied, size))
            });
            let copied = copied.buffer_unordered(copies.in_flight());
            let mut copied = std::pin::pin!(copied);
            while let Some((part, size)) = copied.try_next().await? {
                all.add(part);
                progress(size, total);
            }
            target.put_groups(above.take().unwrap_or_default()).await?;
        }
        all.wrong.sort_unstable();
        if total > 0 {
            target.renew_copies_of(top.as_str()).await?;
        }
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

/// Copies of objects, with bounded memory: within one store by the store itself, if it can.
pub(crate) struct Copies<'a> {
    from: &'a Store,
    to: &'a Store,
    is_one_store: bool,
    memory: Semaphore,
    options: &'a Transfer,
}

impl<'a> Copies<'a> {
    pub(crate) fn new(from: &'a Hierarchy, to: &'a Hierarchy, options: &'a Transfer) -> Self {
        Self {
            from: from.store(),
            to: to.store(),
            is_one_store: from.shares_store(to),
            memory: Semaphore::new(permits(limits::bytes_in_flight())),
            options,
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        let of = |store: &Store| store.cost_model().max_in_flight;
        of(self.from).min(of(self.to)).clamp(8, 64)
    }

    /// Copies an object of about `size` bytes to a key whose object has `present` bytes. Leaves out
    /// an object that was deleted after the listing.
    pub(crate) async fn copy(
        &self,
        (from, to): &(String, String),
        size: u64,
        present: Option<u64>,
    ) -> Result<Transferred> {
        let most = permits(limits::bytes_in_flight());
        let permits = u32::try_from(permits(size).min(most)).unwrap_or(u32::MAX);
        let permit = self.memory.acquire_many(permits).await;
        let _permit = permit.expect("never closed");
        let is_equal_in_size = present == Some(size);
        let skipped = Transferred {
            skipped: 1,
            skipped_bytes: size,
            ..Transferred::default()
        };
        let compares = match self.options.skip {
            Skip::Never => false,
            Skip::SameSize if is_equal_in_size && !is_document(from) => return Ok(skipped),
            Skip::SameSize | Skip::SameBytes => is_equal_in_size,
        };
        if compares && self.is_equal(from, to).await? {
            return Ok(skipped);
        }
        let by_store = match self.is_one_store {
            true => {
                let copied = self.from.copy(from, to, Precondition::None).await;
                copied.map(|()| true)
            }
            false => self.from.copy_to(from, self.to, to).await,
        };
        let copied_bytes = match by_store {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Default::default()),
            Err(error) => return Err(error.into()),
            Ok(true) => size,
            Ok(false) => match self.from.get(from, &ByteRange::All, None).await? {
                None => return Ok(Transferred::default()),
                Some(body) => {
                    let put = self.to.put(to, vec![body.bytes], Precondition::None);
                    put.await.map(|_| body.object_size)?
                }
            },
        };
        let is_wrong = self.options.verify_bytes && !self.is_equal(from, to).await?;
        Ok(Transferred {
            copied: 1,
            copied_bytes,
            wrong: is_wrong.then(|| to.clone()).into_iter().collect(),
            ..Transferred::default()
        })
    }

    async fn is_equal(&self, from: &str, to: &str) -> Result<bool> {
        let bodies = futures::try_join!(
            self.from.get(from, &ByteRange::All, None),
            self.to.get(to, &ByteRange::All, None)
        );
        let (ours, theirs) = bodies?;
        Ok(ours.map(|body| body.bytes) == theirs.map(|body| body.bytes))
    }
}

fn permits(size: u64) -> usize {
    usize::try_from(size.div_ceil(PERMIT))
        .unwrap_or(Semaphore::MAX_PERMITS)
        .clamp(1, Semaphore::MAX_PERMITS)
}

/// Lists the objects of a node and below it: keys relative to the node, and sizes.
pub(crate) async fn listed(store: &Store, path: &NodePath) -> Result<HashMap<String, u64>> {
    let prefix = path.prefix();
    let entries = store.list(path.as_str()).map_ok(|Entry { key, size }| {
        let key = key.strip_prefix(&prefix).unwrap_or(&key).to_owned();
        (key, size)
    });
    Ok(entries.try_collect().await?)
}
