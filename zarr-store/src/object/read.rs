//! Single reads: one request with a range and a version, and a response checked against both.

mod fallback;
mod receive;
mod refusals;

use std::ops::Range;
use std::sync::Arc;
use std::sync::OnceLock;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{GetOptions, GetRange};
use tokio::sync::OnceCell;

use self::refusals::{is_page, may_be_outside, may_know_no_range, sends_no_ranges};
use super::ObjectBackend;
use super::parts::Parts;
use crate::byte_range::ByteRange;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::version::Version;
use crate::{Body, ObjectInfo, Revalidated};

/// The largest object that is read whole to get a range of it, in bytes.
const WHOLE_MAX: u64 = 1 << 30;

/// The changes of an object, between the requests of one read, after which the read is an error.
const CHANGES: u32 = 8;

/// The backend's response to a read.
enum Answer {
    Body(Body),
    /// All bytes, which went to the parts of the request.
    HandedOn,
    Absent,
    /// The object is still the known version.
    Unchanged,
    /// Fewer bytes than requested, or bytes of an object of unknown size.
    Part(Part),
    /// A part of an encoded object, which cannot be decoded on its own.
    Encoded,
    /// The backend sends only whole objects.
    NoRanges(object_store::Error),
    /// The request failed, perhaps because the range is outside the object.
    Failed(object_store::Error),
    /// The body broke off.
    BrokenOff(object_store::Error),
}

/// The bytes from the start of the requested range.
struct Part {
    start: u64,
    bytes: Bytes,
    object_size: Option<u64>,
    version: Version,
}

impl ObjectBackend {
    pub(crate) async fn get(
        &self,
        context: &Arc<Context>,
        key: &str,
        range: &ByteRange,
        version: Option<&Version>,
    ) -> Result<Option<Body>> {
        let body = self.read_again(context, key, range, version).await?;
        if body.is_none() && key == "zarr.json" {
            self.check_no_archive(context).await?;
        }
        if body.as_ref().is_some_and(|body| is_page(key, &body.bytes)) {
            return Err(Error::Unsupported {
                place: context.place(key),
                operation: "get",
                reason:
                    "the server sent a web page (text/html) instead of the document; is this the \
                         address of the data, and does the server need a login?"
                        .into(),
            });
        }
        Ok(body)
    }

    /// Reads a range; if an object changes between the requests of a read of any version, reads
    /// again.
    async fn read_again(
        &self,
        context: &Arc<Context>,
        key: &str,
        range: &ByteRange,
        version: Option<&Version>,
    ) -> Result<Option<Body>> {
        let mut left = CHANGES;
        loop {
            let (read, range) = (self.read(context, key, version)?, range.clone());
            let found = self.request(context, key, async move { read.run(range).await });
            match found.await {
                Err(Error::Changed { .. }) if version.is_none() && left > 0 => {
                    left = left.saturating_sub(1);
                }
                found => return found,
            }
        }
    }

    pub(crate) async fn get_if_changed(
        &self,
        context: &Arc<Context>,
        key: &str,
        range: &ByteRange,
        known: &Version,
    ) -> Result<Revalidated> {
        let read = self.read(context, key, None)?;
        let (range, known) = (range.clone(), known.clone());
        self.request(context, key, async move {
            read.run_if_changed(range, &known).await
        })
        .await
    }

    /// If the store, which has no root node, is named like an archive, checks whether the user
    /// meant the archive.
    async fn check_no_archive(&self, context: &Arc<Context>) -> Result<()> {
        let in_bucket = context
            .location
            .split_once("://")
            .is_some_and(|(_, place)| place.ends_with(".zip") && place.contains('/'));
        if !in_bucket {
            return Ok(());
        }
        match self.read(context, "", None)?.head().await {
            Ok(Some(head)) if head.size != Some(0) => Err(Error::Unsupported {
                place: context.place(""),
                operation: "open",
                reason: "an archive, not a hierarchy; did you forget to append |zip: to its name?"
                    .into(),
            }),
            _ => Ok(()),
        }
    }

    pub(crate) async fn describe(
        &self,
        context: &Arc<Context>,
        key: &str,
    ) -> Result<Option<ObjectInfo>> {
        let read = self.read(context, key, None)?;
        self.request(context, key, async move { read.describe().await })
            .await
    }

    /// Prepares a read of a checked key.
    pub(super) fn read(
        &self,
        context: &Arc<Context>,
        key: &str,
        version: Option<&Version>,
    ) -> Result<Read> {
        Ok(Read {
            backend: self.clone(),
            context: context.clone(),
            path: self.path(context, key)?,
            key: key.to_owned(),
            version: version.cloned(),
            first: OnceLock::new(),
            whole: OnceCell::new(),
        })
    }
}

/// One read of one object at one version, in one request or many.
pub(super) struct Read {
    pub(super) backend: ObjectBackend,
    pub(super) context: Arc<Context>,
    path: Path,
    pub(super) key: String,
    version: Option<Version>,
    /// The version of the first response, which all later responses must match.
    first: OnceLock<Version>,
    /// The whole object, if the backend sends no ranges or the object is encoded: read once for all
    /// ranges.
    whole: OnceCell<Option<Body>>,
}

impl Read {
    /// The version of the object that the read asks for.
    pub(super) fn version(&self) -> Option<&Version> {
        self.version.as_ref()
    }

    /// Reads a range, clamped to the object.
    pub(super) async fn run(&self, range: ByteRange) -> Result<Option<Body>> {
        let suffix = matches!(range, ByteRange::Suffix(_));
        if suffix && !self.backend.quirks.suffix {
            return self.from_size(&range, None).await;
        }
        if range != ByteRange::All && self.backend.ignores_ranges() {
            return self.whole(&range).await;
        }
        let answer = self.ask(&range, u64::MAX, None).await?;
        self.settle(range, answer).await
    }

    /// Reads a range, clamped to the object, unless the object is still the version `known`.
    async fn run_if_changed(&self, range: ByteRange, known: &Version) -> Result<Revalidated> {
        let suffix = matches!(range, ByteRange::Suffix(_)) && !self.backend.quirks.suffix;
        let Some(tag) = known.if_none_match().filter(|_| !suffix) else {
            return self.run(range).await.map(Revalidated::of);
        };
        let (asked, most) = match self.backend.ignores_ranges() {
            true => (ByteRange::All, WHOLE_MAX),
            false => (range.clone(), u64::MAX),
        };
        let body = match self.ask(&asked, most, Some(tag)).await? {
            Answer::Unchanged => return Ok(Revalidated::Unchanged),
            Answer::Body(body) if asked != range => {
                // No other read uses `self`.
                let _ = self.whole.set(Some(body));
                self.whole(&range).await?
            }
            answer => self.settle(asked, answer).await?,
        };
        Ok(Revalidated::of(body))
    }

    /// Reads all bytes of a range, regardless of the object's size, and hands its parts on as they
    /// arrive. Returns `false` if the object does not exist.
    pub(super) async fn run_parts(&self, range: &Range<u64>, parts: &mut Parts) -> Result<bool> {
        let asked = ByteRange::Range(range.clone());
        let body = match self.backend.ignores_ranges() {
            true => self.whole(&asked).await?,
            false => match self.ask_parts(&asked, parts).await? {
                Answer::HandedOn => return Ok(true),
                answer => self.settle(asked, answer).await?,
            },
        };
        let Some(body) = body else {
            return Ok(false);
        };
        if body.range != *range {
            return Err(self.short(range, body.bytes.len() as u64));
        }
        let accepted = parts.accept(range.start, &body.bytes);
        accepted.map_err(|error| self.no_memory(error))?;
        parts.finish();
        Ok(true)
    }

    /// Turns the response to a range into a result, or reads the range in another way.
    async fn settle(&self, range: ByteRange, answer: Answer) -> Result<Option<Body>> {
        let suffix = matches!(range, ByteRange::Suffix(_));
        match answer {
            Answer::Body(body) => Ok(Some(body)),
            Answer::Absent => self.missing(),
            Answer::Unchanged | Answer::HandedOn => Err(self.changed()),
            Answer::Part(part) => self.complete(&range, part).await,
            Answer::Encoded => self.whole(&range).await,
            Answer::NoRanges(error) if suffix => self.from_size(&range, Some(error)).await,
            Answer::NoRanges(_) => self.without_ranges(&range).await,
            Answer::Failed(error)
                if range != ByteRange::All
                    && !self.backend.quirks.bare
                    && may_be_outside(&error) =>
            {
                self.outside(&range, error).await
            }
            Answer::Failed(error)
                if range != ByteRange::All && may_know_no_range(&range, &error) =>
            {
                self.otherwise(&range, error).await
            }
            Answer::Failed(error) | Answer::BrokenOff(error) => Err(self.error("get", &error)),
        }
    }

    /// Sends one request, for an object of at most `most` bytes whose tag is not `other_than`.
    async fn ask_once(
        &self,
        range: &ByteRange,
        most: u64,
        other_than: Option<&str>,
        parts: Option<&mut Parts>,
    ) -> Result<Answer> {
        let mut options = GetOptions {
            range: to_get_range(range),
            if_none_match: other_than.map(str::to_owned),
            ..GetOptions::default()
        };
        if let Some(version) = &self.version {
            options.if_match = version.if_match().map(str::to_owned);
            options.version = version.only_generation().map(str::to_owned);
        }
        let conditional = options.if_match.is_some();
        self.context.counters.get();
        let mut request = self.backend.start(&self.context, &self.key, "get");
        request.range = Some(range.clone());
        if let Some(patience) = &request.patience {
            options.extensions.insert(patience.clone());
        }
        let answer = self.backend.store.get_opts(&self.path, options);
        match request.within(0, answer).await? {
            Ok(result) => self.receive(range, most, result, request, parts).await,
            // Without the condition, a 304 is an error.
            Err(object_store::Error::NotModified { .. }) if other_than.is_some() => {
                Ok(Answer::Unchanged)
            }
            Err(object_store::Error::Precondition { .. }) if conditional => Err(self.changed()),
            Err(error) if *range != ByteRange::All && sends_no_ranges(&error) => {
                Ok(Answer::NoRanges(error))
            }
            Err(error) if self.backend.absent(&error) => Ok(Answer::Absent),
            Err(error) => Ok(Answer::Failed(error)),
        }
    }

    fn empty(&self, range: &ByteRange, object_size: u64, version: Version) -> Body {
        Body {
            bytes: Bytes::new(),
            range: range.resolve(object_size),
            object_size,
            version,
        }
    }

    /// The result for a missing object: absent, unless the caller already knows a version of it.
    fn missing(&self) -> Result<Option<Body>> {
        match &self.version {
            Some(_) => Err(self.changed()),
            None => Ok(None),
        }
    }

    pub(super) fn changed(&self) -> Error {
        Error::Changed {
            place: self.context.place(&self.key),
        }
    }

    pub(super) fn short(&self, range: &Range<u64>, got: u64) -> Error {
        Error::ShortBody {
            place: self.context.place(&self.key),
            range: range.clone(),
            got,
            expected: range.end.saturating_sub(range.start),
        }
    }

    pub(super) fn too_large(&self, size: u64, most: u64) -> Error {
        Error::Unsupported {
            place: self.context.place(&self.key),
            operation: "get",
            reason: format!(
                "the object can only be read as a whole; it has {size} bytes or more, over the limit of {most}"
            ),
        }
    }

    fn error(&self, operation: &'static str, error: &object_store::Error) -> Error {
        self.backend
            .error(&self.context, &self.key, operation, error)
    }
}

/// Returns the range to request: an empty range, which no backend accepts, becomes one byte, so
/// that the response still tells whether the object exists.
fn request_range(range: &ByteRange) -> ByteRange {
    match range {
        ByteRange::Range(range) if range.is_empty() => {
            ByteRange::Range(range.start..range.start.saturating_add(1))
        }
        ByteRange::Suffix(0) => ByteRange::Suffix(1),
        other => other.clone(),
    }
}

fn to_get_range(range: &ByteRange) -> Option<GetRange> {
    match request_range(range) {
        ByteRange::All | ByteRange::From(0) => None,
        ByteRange::Range(range) => Some(GetRange::Bounded(range)),
        ByteRange::From(start) => Some(GetRange::Offset(start)),
        ByteRange::Suffix(size) => Some(GetRange::Suffix(size)),
    }
}

/// Returns the bytes of `wanted` out of the bytes of `range`; `None` if some are missing.
fn cut(bytes: &Bytes, range: &Range<u64>, wanted: &Range<u64>) -> Option<Bytes> {
    if wanted.is_empty() {
        return Some(Bytes::new());
    }
    let start = usize::try_from(wanted.start.checked_sub(range.start)?).ok()?;
    let end = usize::try_from(wanted.end.checked_sub(range.start)?).ok()?;
    (start <= end && end <= bytes.len()).then(|| bytes.slice(start..end))
}
