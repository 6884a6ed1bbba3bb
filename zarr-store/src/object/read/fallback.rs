//! Fallbacks for backends that send no ranges or no suffixes, or refuse a range that may be outside
//! the object.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::BytesMut;
use object_store::GetOptions;

use super::{Answer, Part, Read, WHOLE_MAX, cut, request_range};
use crate::byte_range::ByteRange;
use crate::error::{Error, Result};
use crate::object::parts::Parts;
use crate::version::Version;
use crate::wire::Facts;
use crate::{Backoff, Body, ObjectInfo};

/// The retries of a read whose body broke off.
const AGAIN: u32 = 2;

/// The wait before such a retry.
const BACKOFF: Backoff = Backoff {
    first: Duration::from_millis(100),
    longest: Duration::from_secs(1),
};

impl Read {
    /// Sends a request, and repeats it if the body broke off: `object_store` resumes only bodies
    /// that have an entity tag.
    pub(super) async fn ask(
        &self,
        range: &ByteRange,
        most: u64,
        other_than: Option<&str>,
    ) -> Result<Answer> {
        self.ask_again(range, most, other_than, None).await
    }

    /// Sends a request for a range, whose parts are handed on as they arrive.
    pub(super) async fn ask_parts(&self, range: &ByteRange, parts: &mut Parts) -> Result<Answer> {
        self.ask_again(range, u64::MAX, None, Some(parts)).await
    }

    async fn ask_again(
        &self,
        range: &ByteRange,
        most: u64,
        other_than: Option<&str>,
        mut parts: Option<&mut Parts>,
    ) -> Result<Answer> {
        for retry in 0..AGAIN {
            let asked = self.ask_once(range, most, other_than, parts.as_deref_mut());
            match asked.await? {
                Answer::BrokenOff(_) if self.backend.quirks.reads_again => {
                    BACKOFF.wait(retry).await;
                }
                answer => return Ok(answer),
            }
        }
        self.ask_once(range, most, other_than, parts).await
    }

    /// Reads the whole object to get a range of it.
    pub(super) async fn whole(&self, range: &ByteRange) -> Result<Option<Body>> {
        let ask = || async {
            match self.ask(&ByteRange::All, WHOLE_MAX, None).await? {
                Answer::Body(body) => Ok(Some(body)),
                Answer::Absent => self.missing(),
                Answer::Unchanged | Answer::HandedOn => Err(self.changed()),
                // A request for the whole object allows no parts.
                Answer::Part(part) => Err(self.short(&(0..u64::MAX), part.bytes.len() as u64)),
                Answer::Encoded => Err(self.changed()),
                Answer::NoRanges(error) | Answer::Failed(error) | Answer::BrokenOff(error) => {
                    Err(self.error("get", &error))
                }
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

    /// Reads the whole object and remembers that ranges are ignored; some servers ignore ranges
    /// only for empty objects.
    pub(super) async fn without_ranges(&self, range: &ByteRange) -> Result<Option<Body>> {
        let body = self.whole(range).await?;
        if body.as_ref().is_some_and(|body| body.object_size > 0)
            && !self.backend.ignores_ranges.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                store = &*self.context.location,
                "the backend ignores byte ranges; reading whole objects"
            );
        }
        Ok(body)
    }

    /// Reads the rest of a range after a part of it, and determines the size of the object.
    pub(super) async fn complete(&self, range: &ByteRange, part: Part) -> Result<Option<Body>> {
        let object_size = match part.object_size {
            Some(size) => size,
            // A server without HEAD can still send the whole object.
            None => match self.head().await {
                Ok(Some(Head {
                    size: Some(size),
                    version,
                })) if !part.version.contradicts(&version) => size,
                _ => return self.whole(range).await,
            },
        };
        let wanted = range.resolve(object_size);
        let (mut bytes, mut end) = (BytesMut::from(part.bytes), part.start);
        end = end.saturating_add(bytes.len() as u64);
        let pinned = self
            .backend
            .read(&self.context, &self.key, Some(&part.version))?;
        while part.start == wanted.start && end < wanted.end {
            let rest = ByteRange::Range(end..wanted.end);
            let more = match pinned.ask(&rest, u64::MAX, None).await? {
                Answer::Body(body) => body.bytes,
                Answer::Part(more) => more.bytes,
                _ => return self.whole(range).await,
            };
            if more.is_empty() {
                break;
            }
            end = end.saturating_add(more.len() as u64);
            bytes.extend_from_slice(&more);
        }
        let bytes = cut(&bytes.freeze(), &(part.start..end), &wanted);
        let bytes = bytes.ok_or_else(|| self.short(&wanted, end.saturating_sub(part.start)))?;
        Ok(Some(Body {
            bytes,
            range: wanted,
            object_size,
            version: part.version,
        }))
    }

    /// Reads a range that the backend refused: the part inside the object, or nothing if the range
    /// is outside. Requests the size, because backends do not distinguish a range outside the
    /// object from other failures.
    pub(super) async fn outside(
        &self,
        range: &ByteRange,
        error: object_store::Error,
    ) -> Result<Option<Body>> {
        let refused = || Err(self.error("get", &error));
        let (size, version) = match self.head().await {
            Ok(Some(Head {
                size: Some(size),
                version,
            })) => (size, version),
            // A server without HEAD has still said that the object exists.
            _ => return self.whole(range).await.or_else(|_| refused()),
        };
        let there = request_range(range).resolve(size);
        if there.is_empty() {
            return Ok(Some(self.empty(range, size, version)));
        }
        let suffix = matches!(range, ByteRange::Suffix(_));
        if suffix || reaches_past(range, size) {
            let expected = self.version.as_ref().unwrap_or(&version);
            let pinned = self
                .backend
                .read(&self.context, &self.key, Some(expected))?;
            match pinned.ask(&ByteRange::Range(there), u64::MAX, None).await? {
                Answer::Body(body) => return Ok(Some(body)),
                Answer::Part(part) => return self.complete(range, part).await,
                _ => {}
            }
        }
        // The server refuses every range.
        if !was_answered(&error) {
            return refused();
        }
        match self.without_ranges(range).await {
            Ok(Some(body)) => Ok(Some(body)),
            _ => refused(),
        }
    }

    /// Reads a range of a kind that the server does not support: a suffix as an absolute range,
    /// otherwise the whole object. Does not request the size alone, because the first refusal
    /// counts in any case.
    pub(super) async fn otherwise(
        &self,
        range: &ByteRange,
        error: object_store::Error,
    ) -> Result<Option<Body>> {
        if matches!(range, ByteRange::Suffix(_))
            && let Ok(Answer::Body(first)) = self.ask(&ByteRange::Range(0..1), u64::MAX, None).await
        {
            let pinned = self
                .backend
                .read(&self.context, &self.key, Some(&first.version))?;
            let place = ByteRange::Range(request_range(range).resolve(first.object_size));
            if let Answer::Body(body) = pinned.ask(&place, u64::MAX, None).await? {
                let range = range.resolve(body.object_size);
                let bytes = cut(&body.bytes, &body.range, &range)
                    .ok_or_else(|| self.short(&range, body.bytes.len() as u64))?;
                return Ok(Some(Body {
                    bytes,
                    range,
                    ..body
                }));
            }
        }
        match self.without_ranges(range).await {
            Ok(Some(body)) => Ok(Some(body)),
            _ => Err(self.error("get", &error)),
        }
    }

    /// Reads a suffix from a backend without suffix ranges: requests the size, then an absolute
    /// range.
    #[expect(
        clippy::wrong_self_convention,
        reason = "reads from the size, converts nothing"
    )]
    pub(super) async fn from_size(
        &self,
        range: &ByteRange,
        refusal: Option<object_store::Error>,
    ) -> Result<Option<Body>> {
        let (size, version) = match (self.head().await, &refusal) {
            (
                Ok(Some(Head {
                    size: Some(size),
                    version,
                })),
                _,
            ) => (size, version),
            // The response to the GET was the whole object: the server does not support HEAD.
            (Ok(None) | Err(_), Some(_)) => return self.without_ranges(range).await,
            (Err(error), None) => return Err(error),
            (Ok(None), None) => return self.missing(),
            (Ok(Some(_)), _) => return self.whole(range).await,
        };
        let place = range.resolve(size);
        if place.is_empty() {
            return Ok(Some(self.empty(range, size, version)));
        }
        let expected = self.version.as_ref().unwrap_or(&version);
        let pinned = self
            .backend
            .read(&self.context, &self.key, Some(expected))?;
        let answer = pinned.ask(&ByteRange::Range(place), u64::MAX, None).await?;
        match answer {
            Answer::Body(body) => Ok(Some(body)),
            Answer::Part(part) => self.complete(range, part).await,
            Answer::Encoded => self.whole(range).await,
            Answer::Absent | Answer::Unchanged | Answer::HandedOn => Err(self.changed()),
            Answer::NoRanges(_) if refusal.is_some() => self.without_ranges(range).await,
            Answer::NoRanges(error) | Answer::Failed(error) | Answer::BrokenOff(error) => {
                Err(self.error("get", &error))
            }
        }
    }

    /// Returns the decoded size of the object, and its version.
    pub(super) async fn describe(&self) -> Result<Option<ObjectInfo>> {
        let of = |body: Body| ObjectInfo {
            size: body.object_size,
            version: body.version,
        };
        match self.head().await {
            Ok(None) => Ok(None),
            Ok(Some(Head { size, version })) => match size {
                Some(size) => Ok(Some(ObjectInfo { size, version })),
                None => Ok(self.whole(&ByteRange::All).await?.map(of)),
            },
            Err(error) if knows_no_head(&error) => {
                Ok(self.run(ByteRange::Range(0..1)).await?.map(of))
            }
            Err(error) => Err(error),
        }
    }

    /// Requests only the size and version.
    pub(in crate::object) async fn head(&self) -> Result<Option<Head>> {
        let mut options = GetOptions {
            head: true,
            ..GetOptions::default()
        };
        self.context.counters.head();
        let mut request = self.backend.start(&self.context, &self.key, "head");
        if let Some(patience) = &request.patience {
            options.extensions.insert(patience.clone());
        }
        let answer = self.backend.store.get_opts(&self.path, options);
        let result = match request.within(0, answer).await? {
            Ok(result) => result,
            Err(error) if self.backend.absent(&error) => return Ok(None),
            Err(error) => return Err(self.error("head", &error)),
        };
        let version = Version::of_meta(&result.meta);
        if let Some(expected) = &self.version
            && expected.contradicts(&version)
        {
            return Err(self.changed());
        }
        let facts = result.extensions.get::<Facts>();
        let unsaid = facts.is_some_and(|facts| facts.size_unknown || facts.encoding.is_some());
        Ok(Some(Head {
            size: Some(result.meta.size).filter(|_| !unsaid),
            version,
        }))
    }
}

/// The properties of an object that a HEAD request returns.
pub(in crate::object) struct Head {
    /// `None` if the response has no size.
    pub(in crate::object) size: Option<u64>,
    pub(in crate::object) version: Version,
}

/// Whether a server refuses HEAD for any object.
fn knows_no_head(error: &Error) -> bool {
    let text = error.to_string();
    matches!(error, Error::Backend { .. })
        && ["405", "501"]
            .iter()
            .any(|status| text.contains(&format!("status code: {status}")))
}

/// Whether a failure is a server's response.
fn was_answered(error: &object_store::Error) -> bool {
    error.to_string().contains("status code: ")
}

/// Whether a range ends, or for a suffix begins, outside an object of this size.
fn reaches_past(range: &ByteRange, size: u64) -> bool {
    match range {
        ByteRange::Range(range) => range.end > size,
        ByteRange::Suffix(suffix) => *suffix > size,
        ByteRange::All | ByteRange::From(_) => false,
    }
}
