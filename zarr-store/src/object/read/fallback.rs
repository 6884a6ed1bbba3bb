//! Reads by other means, of backends that send no ranges, no suffixes, or refuse a range that may be outside of the object.

use std::sync::atomic::Ordering;

use object_store::GetOptions;
use zarr_core::ByteRange;

use super::{Answer, Read, WHOLE_MAX, cut, request_range};
use crate::Body;
use crate::error::Result;
use crate::version::Version;

impl Read {
    /// Reads the whole object, for the sake of a range of it.
    pub(super) async fn whole(&self, range: &ByteRange) -> Result<Option<Body>> {
        let ask = || async {
            match self.ask(&ByteRange::All, WHOLE_MAX, None).await? {
                Answer::Body(body) => Ok(Some(body)),
                Answer::Absent => self.missing(),
                Answer::Unchanged => Err(self.changed()),
                Answer::NoRanges(error) | Answer::Failed(error) => Err(self.error("get", &error)),
            }
        };
        let Some(body) = self.whole.get_or_try_init(ask).await?.clone() else {
            return Ok(None);
        };
        let range = range.resolve(body.object_size);
        let bytes = cut(&body.bytes, &body.range, &range)
            .ok_or_else(|| self.short(&range, body.object_size))?;
        Ok(Some(Body {
            bytes,
            range,
            ..body
        }))
    }

    /// Reads the whole object and remembers that ranges are useless; some servers ignore them for empty objects only.
    pub(super) async fn without_ranges(&self, range: &ByteRange) -> Result<Option<Body>> {
        let body = self.whole(range).await?;
        if body.as_ref().is_some_and(|body| body.object_size > 0)
            && !self.backend.ignores_ranges.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                store = self.store.location(),
                "backend ignores byte ranges, reading whole objects"
            );
        }
        Ok(body)
    }

    /// A range that the backend refused: empty if it is outside of the object, else the refusal. Asks for the size, which
    /// no other read does, since backends do not tell a range outside of the object from other failures.
    pub(super) async fn outside(
        &self,
        range: &ByteRange,
        error: object_store::Error,
    ) -> Result<Option<Body>> {
        match self.head().await? {
            Some((size, version)) if request_range(range).resolve(size).is_empty() => {
                Ok(Some(self.empty(range, size, version)))
            }
            // A server that knows no HEAD has still said that there is an object.
            Some(_) | None => Err(self.error("get", &error)),
        }
    }

    /// Reads a suffix where the backend has none, by its place in an object of known size.
    #[expect(
        clippy::wrong_self_convention,
        reason = "reads from the size, converts nothing"
    )]
    pub(super) async fn from_size(
        &self,
        range: &ByteRange,
        refusal: Option<object_store::Error>,
    ) -> Result<Option<Body>> {
        let Some((size, version)) = self.head().await? else {
            // A GET was answered with the whole object: the server knows no HEAD.
            return match refusal {
                Some(_) => self.without_ranges(range).await,
                None => self.missing(),
            };
        };
        let place = range.resolve(size);
        if place.is_empty() {
            return Ok(Some(self.empty(range, size, version)));
        }
        let expected = self.version.as_ref().unwrap_or(&version);
        let pinned = self.backend.read(&self.store, &self.key, Some(expected))?;
        let answer = pinned.ask(&ByteRange::Range(place), u64::MAX, None).await?;
        match answer {
            Answer::Body(body) => Ok(Some(body)),
            Answer::Absent | Answer::Unchanged => Err(self.changed()),
            Answer::NoRanges(_) if refusal.is_some() => self.without_ranges(range).await,
            Answer::NoRanges(error) | Answer::Failed(error) => Err(self.error("get", &error)),
        }
    }

    /// The size and version alone.
    pub(in crate::object) async fn head(&self) -> Result<Option<(u64, Version)>> {
        let options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        self.store.counters().head();
        let mut request = self.backend.start(&self.store, &self.key, "head");
        let answer = self.backend.store.get_opts(&self.path, options);
        let meta = match request.within(0, answer).await? {
            Ok(result) => result.meta,
            Err(error) if self.backend.absent(&error) => return Ok(None),
            Err(error) => return Err(self.error("head", &error)),
        };
        let version = Version::of_meta(&meta);
        match &self.version {
            Some(expected) if expected.contradicts(&version) => Err(self.changed()),
            _ => Ok(Some((meta.size, version))),
        }
    }
}
