//! Receives responses: checks version, range and size, and decodes encoded objects.

use std::collections::TryReserveError;
use std::ops::Range;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::GetResult;

use super::{Answer, Part, Read, WHOLE_MAX, cut, request_range};
use crate::Body;
use crate::byte_range::{ByteRange, length};
use crate::error::{Error, Result};
use crate::object::parts::{Parts, TRUSTED_SIZE};
use crate::object::request::Request;
use crate::version::Version;
use crate::wire::Facts;

/// The chunks of a response.
struct Chunks {
    stream: BoxStream<'static, object_store::Result<Bytes>>,
    /// Whether the response has an entity tag: `object_store` resumes such a response itself.
    has_tag: bool,
}

/// The number of bytes to expect.
enum Expected {
    Exactly(u64),
    /// Any number up to this many.
    AtMost(u64),
}

impl Read {
    /// Receives the response to a range of an object of at most `most` bytes. If the response is
    /// that range, `parts` get its bytes as they arrive; but not without an entity tag, because the
    /// response may break off, and another may be of another version.
    pub(super) async fn receive(
        &self,
        wanted: &ByteRange,
        most: u64,
        result: GetResult,
        mut request: Request,
        parts: Option<&mut Parts>,
    ) -> Result<Answer> {
        let version = Version::of_meta(&result.meta);
        let expected = self.version.as_ref();
        if expected
            .unwrap_or_else(|| self.first.get_or_init(|| version.clone()))
            .contradicts(&version)
        {
            return Err(self.changed());
        }
        let facts = result
            .extensions
            .get::<Facts>()
            .cloned()
            .unwrap_or_default();
        let object_size = result.meta.size;
        let range = facts.part.clone().unwrap_or_else(|| result.range.clone());
        let size = range.end.saturating_sub(range.start);
        let asked_for_all = matches!(request_range(wanted), ByteRange::All | ByteRange::From(0));
        let whole = asked_for_all || (range == (0..object_size) && !facts.size_unknown);
        let chunks = Chunks {
            has_tag: result.meta.e_tag.is_some(),
            stream: result.into_stream(),
        };
        if facts.encoding.is_some() && !whole {
            return Ok(Answer::Encoded);
        }
        if asked_for_all && facts.size_unknown {
            let most = most.min(WHOLE_MAX);
            let bytes = self
                .collect(chunks, 0, Expected::AtMost(most), &mut request)
                .await?;
            let bytes = match bytes {
                Ok(bytes) => bytes,
                Err(error) => return Ok(Answer::BrokenOff(error)),
            };
            let body = self.decoded(wanted, bytes, facts.encoding.as_deref(), version)?;
            return Ok(Answer::Body(body));
        }
        if object_size > most {
            return Err(self.too_large(object_size, most));
        }
        let is_part = facts.part.is_some() || facts.size_unknown;
        if !is_part && range != request_range(wanted).resolve(object_size) {
            return Err(self.short(&wanted.resolve(object_size), size));
        }
        if let Some(parts) = parts
            && chunks.has_tag
            && facts.encoding.is_none()
            && *wanted == ByteRange::Range(range.clone())
        {
            let received = self.hand_on(chunks, &range, parts);
            let received = request.within(size, received).await??;
            request.bytes = size;
            return Ok(match received {
                Ok(()) => Answer::HandedOn,
                Err(error) => Answer::BrokenOff(error),
            });
        }
        let bytes = self
            .collect(chunks, range.start, Expected::Exactly(size), &mut request)
            .await?;
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Answer::BrokenOff(error)),
        };
        if let Some(encoding) = facts.encoding {
            let body = self.decoded(wanted, bytes, Some(&encoding), version)?;
            return Ok(Answer::Body(body));
        }
        if is_part {
            return Ok(Answer::Part(Part {
                start: range.start,
                bytes,
                object_size: Some(object_size).filter(|_| !facts.size_unknown),
                version,
            }));
        }
        let wanted = wanted.resolve(object_size);
        let Some(bytes) = cut(&bytes, &range, &wanted) else {
            return Err(self.short(&wanted, size));
        };
        Ok(Answer::Body(Body {
            bytes,
            range: wanted,
            object_size,
            version,
        }))
    }

    /// Returns the wanted range of a whole object, which may be encoded.
    fn decoded(
        &self,
        wanted: &ByteRange,
        bytes: Bytes,
        encoding: Option<&str>,
        version: Version,
    ) -> Result<Body> {
        let bytes = match encoding {
            Some(encoding) => self.decode(&bytes, encoding)?,
            None => bytes,
        };
        let object_size = bytes.len() as u64;
        let range = wanted.resolve(object_size);
        let bytes = cut(&bytes, &(0..object_size), &range)
            .ok_or_else(|| self.short(&range, object_size))?;
        Ok(Body {
            bytes,
            range,
            object_size,
            version,
        })
    }

    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
    fn decode(&self, bytes: &[u8], encoding: &str) -> Result<Bytes> {
        let decoded = crate::object::decode::decode(bytes, encoding, WHOLE_MAX);
        decoded.map_err(|reason| self.encoded(encoding, reason))
    }

    #[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")))]
    fn decode(&self, _: &[u8], encoding: &str) -> Result<Bytes> {
        Err(self.encoded(encoding, "without a client nothing is decoded".to_owned()))
    }

    fn encoded(&self, encoding: &str, reason: String) -> Error {
        Error::Unsupported {
            place: self.context.place(&self.key),
            operation: "get",
            reason: format!("the object is stored with Content-Encoding: {encoding}; {reason}"),
        }
    }

    /// Collects all bytes of a response from an offset in the object, using little more memory than
    /// the bytes received; or returns why a body without an entity tag broke off.
    async fn collect(
        &self,
        chunks: Chunks,
        start: u64,
        expected: Expected,
        request: &mut Request,
    ) -> Result<Result<Bytes, object_store::Error>> {
        let (most, exact) = match expected {
            Expected::Exactly(size) => (size, true),
            Expected::AtMost(most) => (most, false),
        };
        let range = start..start.saturating_add(most);
        let bytes = request
            .within(most, self.gather(chunks, &range, exact))
            .await??;
        request.bytes = bytes.as_ref().map_or(0, |bytes| bytes.len() as u64);
        Ok(bytes)
    }

    async fn gather(
        &self,
        chunks: Chunks,
        range: &Range<u64>,
        exact: bool,
    ) -> Result<Result<Bytes, object_store::Error>> {
        let most = length(range);
        let mut first = Bytes::new();
        let mut joined: Vec<u8> = Vec::new();
        let received = self.each_chunk(chunks, range, exact, |_, chunk| {
            if first.is_empty() {
                first = chunk;
                return Ok(());
            }
            if joined.is_empty() {
                let size = if exact { most.min(TRUSTED_SIZE) } else { 0 };
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                joined.try_reserve(size.max(first.len()))?;
                joined.extend_from_slice(&first);
            }
            joined.try_reserve(chunk.len())?;
            joined.extend_from_slice(&chunk);
            Ok(())
        });
        let received = received.await?;
        Ok(received.map(|()| match joined.is_empty() {
            true => first,
            false => joined.into(),
        }))
    }

    /// Hands the wanted parts of exactly one range on as they arrive.
    async fn hand_on(
        &self,
        chunks: Chunks,
        range: &Range<u64>,
        parts: &mut Parts,
    ) -> Result<Result<(), object_store::Error>> {
        let accept = |offset, chunk| parts.accept(offset, &chunk);
        let received = self.each_chunk(chunks, range, true, accept).await?;
        if received.is_ok() {
            parts.finish();
        }
        Ok(received)
    }

    /// Receives the bytes of a response, which are the range or, unless `exact`, at most the range.
    /// Calls `accept` with the offset of each chunk in the object, and the chunk; or returns why a
    /// body without an entity tag broke off.
    async fn each_chunk(
        &self,
        mut chunks: Chunks,
        range: &Range<u64>,
        exact: bool,
        mut accept: impl FnMut(u64, Bytes) -> Result<(), TryReserveError>,
    ) -> Result<Result<(), object_store::Error>> {
        let most = length(range);
        let mut got = 0_u64;
        loop {
            let chunk = match chunks.stream.try_next().await {
                Ok(Some(chunk)) => chunk,
                Ok(None) => break,
                Err(error) if chunks.has_tag => return Err(self.error("get", &error)),
                Err(error) => return Ok(Err(error)),
            };
            let offset = range.start.saturating_add(got);
            got = got.saturating_add(chunk.len() as u64);
            self.context.counters.read(chunk.len());
            if got > most {
                return Err(match exact {
                    true => self.short(range, got),
                    false => self.too_large(got, most),
                });
            }
            accept(offset, chunk).map_err(|error| self.no_memory(error))?;
        }
        if exact && got != most {
            return Err(self.short(range, got));
        }
        Ok(Ok(()))
    }

    pub(super) fn no_memory(&self, error: TryReserveError) -> Error {
        let source = std::io::Error::new(std::io::ErrorKind::OutOfMemory, error);
        Error::io(self.context.place(&self.key), "get", source)
    }
}
