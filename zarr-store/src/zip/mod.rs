//! Zip archives as read-only stores: the archive is an object of any other store, and its members
//! are the objects.
//!
//! `directory` parses; this module reads. One read of the last bytes finds the directory, which is
//! kept. A stored member is read by ranges like any object, after one small read of its local
//! header; a deflated member is read whole. All reads are pinned to the version of the archive that
//! the directory was read from.

mod directory;
mod inflate;
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

use self::directory::{HEADER, Member, Members, Method};
use crate::byte_range::ByteRange;
use crate::error::{Error, Result};
use crate::version::Version;
use crate::{Body, Entry, Listing, ObjectInfo, RangeBody, Revalidated, Store, key, task};

/// The size of the first read at the end of an archive, in bytes: holds a record with the longest
/// comment, and often the directory.
const TAIL: u64 = 128 << 10;

/// The largest central directory, in bytes.
const DIRECTORY_MAX: u64 = 256 << 20;

/// The largest deflated member, in bytes, both compressed and decompressed.
const DEFLATED_MAX: u64 = 1 << 30;

/// Advice for members that cannot be read.
const PACK_AGAIN: &str = "unpack the archive and pack it again with zip -0 (zipfile.ZIP_STORED)";

/// The size, in bytes, up to which a member is read together with its header.
const SMALL: u64 = 64 << 10;

/// An archive, and the prefix of the keys in it.
#[derive(Clone)]
pub(crate) struct ZipStore {
    archive: Store,
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
    pub(crate) fn new(archive: Store, key: &str) -> Self {
        Self {
            archive,
            key: key.into(),
            prefix: "".into(),
            directory: Arc::default(),
        }
    }

    pub(crate) fn archive(&self) -> &Store {
        &self.archive
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
        let tail = self.archive.get(&self.key, &last, None).await?;
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
        let place = end.offset..end.offset + end.size;
        let bytes = match end.offset.checked_sub(tail.range.start) {
            Some(start) => slice(&tail.bytes, start..start + end.size),
            None => self.archived(place, &tail.version).await?,
        };
        let members = directory::parse(&bytes, &end).map_err(|reason| self.corrupt(reason))?;
        Ok(Directory {
            version: tail.version,
            members,
        })
    }

    /// Reads a range of the archive.
    async fn archived(&self, range: Range<u64>, version: &Version) -> Result<Bytes> {
        let mut bodies = self
            .archive
            .get_ranges(&self.key, vec![range], Some(version));
        match bodies.try_next().await? {
            Some(body) => Ok(body.bytes),
            None => Ok(Bytes::new()),
        }
    }

    /// Finds a member, if the archive is at the version that the caller knows.
    async fn find(
        &self,
        store: &Store,
        key: &str,
        version: Option<&Version>,
    ) -> Result<Option<Found<'_>>> {
        let directory = self.directory().await?;
        let changed = || Error::Changed {
            place: store.place(key),
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
        store: &Store,
        key: &str,
        range: &ByteRange,
        version: Option<&Version>,
    ) -> Result<Option<Body>> {
        match self.find(store, key, version).await? {
            Some(found) => self.read(&found, range).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn get_if_changed(
        &self,
        store: &Store,
        key: &str,
        range: &ByteRange,
        known: &Version,
    ) -> Result<Revalidated> {
        match self.find(store, key, None).await? {
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
                let data = found.data().await?;
                self.archived(data + range.start..data + range.end, found.version)
                    .await?
            }
            _ => slice(&found.whole().await?, range.clone()),
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
        store: &Store,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: Option<&Version>,
    ) -> BoxStream<'static, Result<RangeBody>> {
        let (zip, store, key, version) = (
            self.clone(),
            store.clone(),
            key.to_owned(),
            version.cloned(),
        );
        stream::once(async move {
            zip.plan_ranges(&store, &key, ranges, version.as_ref())
                .await
        })
        .try_flatten()
        .boxed()
    }

    async fn plan_ranges(
        &self,
        store: &Store,
        key: &str,
        ranges: Vec<Range<u64>>,
        version: Option<&Version>,
    ) -> Result<BoxStream<'static, Result<RangeBody>>> {
        let place = || store.place(key);
        let found = self.find(store, key, version).await?;
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
                expected: range.end - range.start,
            });
        }
        if found.member.method == Method::Stored && size > SMALL {
            let data = found.data().await?;
            let shifted = ranges.iter().map(|range| match range.is_empty() {
                true => 0..0,
                false => data + range.start..data + range.end,
            });
            return Ok(self
                .archive
                .get_ranges(&self.key, shifted.collect(), Some(found.version)));
        }
        let whole = found.whole().await?;
        let bodies = ranges.into_iter().enumerate().map(move |(index, range)| {
            let bytes = match range.is_empty() {
                true => Bytes::new(),
                false => slice(&whole, range),
            };
            Ok(RangeBody { index, bytes })
        });
        Ok(stream::iter(bodies).boxed())
    }

    pub(crate) async fn head(&self, store: &Store, key: &str) -> Result<Option<ObjectInfo>> {
        let found = self.find(store, key, None).await?;
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

    fn corrupt(&self, reason: String) -> Error {
        Error::Corrupt {
            place: self.archive.place(&self.key),
            reason,
        }
    }
}

/// A member that is being read.
struct Found<'a> {
    zip: &'a ZipStore,
    name: &'a str,
    member: &'a Member,
    version: &'a Version,
}

impl Found<'_> {
    /// Returns the offset of the member's data; reads the header only once.
    async fn data(&self) -> Result<u64> {
        if let Some(data) = self.member.data.get() {
            return Ok(*data);
        }
        let start = self.member.header;
        let header = start..start + HEADER + self.name.len() as u64;
        let bytes = self.zip.archived(header, self.version).await?;
        self.learn(&bytes)
    }

    fn learn(&self, header: &[u8]) -> Result<u64> {
        let data = directory::find_data(header, self.name, self.member)
            .map_err(|reason| self.zip.corrupt(reason))?;
        Ok(*self.member.data.get_or_init(|| data))
    }

    /// Reads and checks all bytes of the member.
    async fn whole(&self) -> Result<Bytes> {
        self.check_method()?;
        let member = self.member;
        let known = member.data.get().copied();
        // With the header, whose extra field has at most 64 KiB and is rarely repeated in the
        // directory.
        let header = HEADER + self.name.len() as u64 + member.compressed;
        let start = known.unwrap_or(member.header);
        let end = known.map_or_else(
            || member.limit.min(member.header + header + (64 << 10)),
            |data| data + member.compressed,
        );
        let bytes = self.zip.archived(start..end, self.version).await?;
        let data = known.map_or_else(|| self.learn(&bytes), Ok)? - start;
        let bytes = slice(&bytes, data..data + member.compressed);
        let (method, size, crc) = (member.method, member.size, member.crc);
        let checked = task::blocking(move || match method {
            Method::Deflated => inflate::inflate(&bytes, size, crc).map(Bytes::from),
            _ => inflate::check(&bytes, crc).map(|()| bytes),
        });
        let place = || self.zip.archive.place(&self.zip.key);
        let checked = checked
            .await
            .map_err(|source| Error::io(place(), "get", source))?;
        checked.map_err(|reason| {
            self.zip
                .corrupt(format!("member {:?}: {reason}", self.name))
        })
    }

    /// Refuses a member that cannot be read, before reading it.
    fn check_method(&self) -> Result<()> {
        let reason = match self.member.method {
            Method::Deflated if self.member.size.max(self.member.compressed) > DEFLATED_MAX => {
                format!(
                    "{} bytes are deflated, expected at most {DEFLATED_MAX}",
                    self.member.size
                )
            }
            Method::Stored | Method::Deflated => return Ok(()),
            Method::Encrypted => "encrypted".to_owned(),
            Method::Other(method) => format!("compressed by {}", directory::method_name(method)),
        };
        Err(Error::Unsupported {
            place: self.zip.archive.place(&self.zip.key),
            operation: "get",
            reason: format!("member {:?}: {reason}; {PACK_AGAIN}", self.name),
        })
    }
}

/// Slices bytes in memory.
fn slice(bytes: &Bytes, range: Range<u64>) -> Bytes {
    let at = |place| usize::try_from(place).expect("offsets in memory fit `usize`");
    bytes.slice(at(range.start)..at(range.end))
}

impl fmt::Debug for ZipStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZipStore")
            .field("archive", &self.archive)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}
