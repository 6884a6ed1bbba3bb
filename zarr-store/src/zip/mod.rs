//! Zip archives as read-only stores: the archive is an object of any other store, and its members
//! are the objects.
//!
//! `directory` parses; this module and `member` read. One read of the last bytes finds the
//! directory, which is kept. A stored member is read by ranges like any object, after one small
//! read of its local header; a deflated member is read whole. All reads are pinned to the version
//! of the archive that the directory was read from.

mod directory;
mod inflate;
mod member;
#[cfg(all(test, feature = "deflate"))]
mod tests;

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryStreamExt};
use tokio::sync::OnceCell;

use self::directory::{Member, Members, Method};
use self::member::Found;
use crate::byte_range::{ByteRange, length};
use crate::context::Context;
use crate::error::{Error, Place, Result};
use crate::version::Version;
use crate::{Body, Entry, Listing, ObjectInfo, RangeBody, Revalidated, key};

/// The size of the first read at the end of an archive, in bytes: holds a record with the longest
/// comment, and often the directory.
const TAIL: u64 = 128 << 10;

/// The largest central directory, in bytes.
const DIRECTORY_MAX: u64 = 256 << 20;

/// The size, in bytes, up to which a member is read together with its header.
const SMALL: u64 = 64 << 10;

/// The store of an archive.
pub(crate) trait Archive: fmt::Debug + Send + Sync {
    fn place(&self, key: &str) -> Place;

    fn is_remote(&self) -> bool;

    fn get<'a>(&'a self, key: &'a str, range: &'a ByteRange)
    -> BoxFuture<'a, Result<Option<Body>>>;

    fn get_ranges(
        &self,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: &Version,
    ) -> BoxStream<'static, Result<RangeBody>>;
}

/// An archive, and the prefix of the keys in it.
#[derive(Clone)]
pub(crate) struct ZipStore {
    archive: Arc<dyn Archive>,
    key: Arc<str>,
    prefix: Arc<str>,
    directory: Arc<OnceCell<Directory>>,
}

struct Directory {
    version: Version,
    members: Members,
}

impl ZipStore {
    /// Returns the archive at a checked key. Nothing is read yet.
    pub(crate) fn new(archive: Arc<dyn Archive>, key: &str) -> Self {
        Self {
            archive,
            key: key.into(),
            prefix: "".into(),
            directory: Arc::default(),
        }
    }

    pub(crate) fn is_remote(&self) -> bool {
        self.archive.is_remote()
    }

    pub(crate) fn with_prefix(&self, prefix: &str) -> Self {
        Self {
            prefix: key::join(&self.prefix, prefix).into(),
            ..self.clone()
        }
    }

    /// Boxed, since the archive may itself be in an archive.
    fn directory(&self) -> BoxFuture<'_, Result<&Directory>> {
        self.directory.get_or_try_init(|| self.open()).boxed()
    }

    async fn open(&self) -> Result<Directory> {
        let last = ByteRange::Suffix(TAIL);
        let tail = self.archive.get(&self.key, &last).await?;
        let tail = tail.ok_or_else(|| Error::NotFound {
            place: self.archive.place(&self.key),
        })?;
        let end = directory::find_end(&tail.bytes, tail.range.start)
            .map_err(|reason| self.corrupt(reason))?;
        if end.size > DIRECTORY_MAX {
            return Err(self.corrupt(format!(
                "central directory of {} bytes, expected at most {DIRECTORY_MAX}",
                end.size
            )));
        }
        let bytes = match end.offset.checked_sub(tail.range.start) {
            Some(start) => self.part(&tail.bytes, start, end.size)?,
            None => {
                let place = end.offset..end.offset.saturating_add(end.size);
                self.archived(place, &tail.version).await?
            }
        };
        let members = directory::parse(&bytes, &end).map_err(|reason| self.corrupt(reason))?;
        Ok(Directory {
            version: tail.version,
            members,
        })
    }

    /// Reads a range of the archive.
    async fn archived(&self, range: Range<u64>, version: &Version) -> Result<Bytes> {
        let mut bodies = self.archive.get_ranges(&self.key, vec![range], version);
        match bodies.try_next().await? {
            Some(body) => Ok(body.bytes),
            None => Ok(Bytes::new()),
        }
    }

    /// Finds a member, if the archive is at the version that the caller knows.
    async fn find(
        &self,
        context: &Arc<Context>,
        key: &str,
        version: Option<&Version>,
    ) -> Result<Option<Found<'_>>> {
        let directory = self.directory().await?;
        let changed = || Error::Changed {
            place: context.place(key),
        };
        if version.is_some_and(|version| version.contradicts(&directory.version)) {
            return Err(changed());
        }
        match directory
            .members
            .get_key_value(&*key::join(&self.prefix, key))
        {
            Some((name, member)) => Ok(Some(Found {
                zip: self,
                name,
                member,
                version: &directory.version,
            })),
            None if version.is_some() => Err(changed()),
            None => Ok(None),
        }
    }

    pub(crate) async fn get(
        &self,
        context: &Arc<Context>,
        key: &str,
        range: &ByteRange,
        version: Option<&Version>,
    ) -> Result<Option<Body>> {
        match self.find(context, key, version).await? {
            Some(found) => self.read(&found, range).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn get_if_changed(
        &self,
        context: &Arc<Context>,
        key: &str,
        range: &ByteRange,
        known: &Version,
    ) -> Result<Revalidated> {
        match self.find(context, key, None).await? {
            Some(found) if known.is_known() && found.version == known => Ok(Revalidated::Unchanged),
            Some(found) => self.read(&found, range).await.map(Revalidated::Changed),
            None => Ok(Revalidated::Absent),
        }
    }

    async fn read(&self, found: &Found<'_>, range: &ByteRange) -> Result<Body> {
        let object_size = found.member.size;
        let range = range.resolve(object_size);
        let whole = range == (0..object_size);
        let bytes = match found.member.method {
            _ if range.is_empty() => Bytes::new(),
            Method::Stored if !whole && object_size > SMALL => {
                let place = found.place(&range).await?;
                self.archived(place, found.version).await?
            }
            _ => self.part(&found.whole().await?, range.start, length(&range))?,
        };
        Ok(Body {
            bytes,
            range,
            object_size,
            version: found.version.clone(),
        })
    }

    pub(crate) fn get_ranges(
        &self,
        context: &Arc<Context>,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: Option<&Version>,
    ) -> BoxStream<'static, Result<RangeBody>> {
        let (zip, context, key, version) = (
            self.clone(),
            context.clone(),
            key.to_owned(),
            version.cloned(),
        );
        stream::once(async move {
            zip.plan_ranges(&context, &key, ranges, version.as_ref())
                .await
        })
        .try_flatten()
        .boxed()
    }

    async fn plan_ranges(
        &self,
        context: &Arc<Context>,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: Option<&Version>,
    ) -> Result<BoxStream<'static, Result<RangeBody>>> {
        let place = || context.place(key);
        let found = self.find(context, key, version).await?;
        let found = found.ok_or_else(|| Error::NotFound { place: place() })?;
        let size = found.member.size;
        if let Some(range) = ranges
            .iter()
            .find(|range| !range.is_empty() && range.end > size)
        {
            return Err(Error::ShortBody {
                place: place(),
                range: range.clone(),
                got: size.saturating_sub(range.start),
                expected: length(range),
            });
        }
        if found.member.method == Method::Stored && size > SMALL {
            let mut places = Vec::with_capacity(ranges.len());
            for range in &ranges {
                places.push(match range.is_empty() {
                    true => 0..0,
                    false => found.place(range).await?,
                });
            }
            return Ok(self.archive.get_ranges(&self.key, places, found.version));
        }
        let whole = found.whole().await?;
        let bodies = ranges.iter().enumerate().map(|(index, range)| {
            let bytes = match range.is_empty() {
                true => Bytes::new(),
                false => self.part(&whole, range.start, length(range))?,
            };
            Ok(RangeBody { index, bytes })
        });
        Ok(stream::iter(bodies.collect::<Vec<_>>()).boxed())
    }

    pub(crate) async fn head(
        &self,
        context: &Arc<Context>,
        key: &str,
    ) -> Result<Option<ObjectInfo>> {
        let found = self.find(context, key, None).await?;
        Ok(found.map(|found| ObjectInfo {
            size: found.member.size,
            version: found.version.clone(),
        }))
    }

    pub(crate) fn list(&self, prefix: &str) -> BoxStream<'static, Result<Entry>> {
        let (zip, prefix) = (self.clone(), prefix.to_owned());
        stream::once(async move {
            let below = zip.below(&prefix).await?;
            let entries = below.map(|(rest, member)| {
                Ok(Entry {
                    key: key::join(&prefix, rest).into_owned(),
                    size: member.size,
                })
            });
            Ok::<_, Error>(stream::iter(entries.collect::<Vec<_>>()))
        })
        .try_flatten()
        .boxed()
    }

    /// Returns the keys of members that no read succeeds for, with the reasons.
    pub(crate) async fn unreadable(&self) -> Result<Vec<(String, Error)>> {
        let directory = self.directory().await?;
        let refused = self.below("").await?.filter_map(|(name, member)| {
            let found = Found {
                zip: self,
                name,
                member,
                version: &directory.version,
            };
            Some((name.to_owned(), found.check_method().err()?))
        });
        Ok(refused.collect())
    }

    pub(crate) async fn list_dir(&self, prefix: &str) -> Result<Listing> {
        let mut listing = Listing::default();
        for (rest, _) in self.below(prefix).await? {
            match rest.split_once('/') {
                Some((directory, _)) => listing.prefixes.push(directory.to_owned()),
                None => listing.keys.push(rest.to_owned()),
            }
        }
        listing.prefixes.sort_unstable();
        listing.prefixes.dedup();
        Ok(listing)
    }

    /// Returns the members below a prefix, sorted, with names relative to the prefix.
    async fn below(&self, prefix: &str) -> Result<impl Iterator<Item = (&str, &Member)>> {
        let start = key::join(&self.prefix, prefix).into_owned();
        let first = start.clone();
        let members = self.directory().await?.members.range(start.clone()..);
        Ok(members
            .take_while(move |(name, _)| name.starts_with(&first))
            .filter_map(move |(name, member)| Some((key::below(&start, name)?, member))))
    }

    /// Returns `size` bytes from `start` on.
    fn part(&self, bytes: &Bytes, start: u64, size: u64) -> Result<Bytes> {
        let at = |place: Option<u64>| usize::try_from(place?).ok();
        let part = at(Some(start)).zip(at(start.checked_add(size)));
        let part = part.and_then(|(start, end)| bytes.get(start..end));
        let part = part.ok_or_else(|| {
            let read = bytes.len();
            self.corrupt(format!(
                "{size} bytes at {start} are not within the {read} bytes read"
            ))
        })?;
        Ok(bytes.slice_ref(part))
    }

    fn corrupt(&self, reason: String) -> Error {
        Error::Corrupt {
            place: self.archive.place(&self.key),
            reason,
        }
    }
}

impl fmt::Debug for ZipStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZipStore")
            .field("archive", &self.archive)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
