//! The data of one member of an archive.

use std::ops::Range;

use bytes::Bytes;

use super::directory::{self, HEADER, Member, Method};
use super::{ZipStore, inflate};
use crate::error::{Error, Result};
use crate::task;
use crate::version::Version;

/// The largest deflated member, in bytes, both compressed and decompressed.
const DEFLATED_MAX: u64 = 1 << 30;

/// Advice for members that cannot be read.
const PACK_AGAIN: &str = "unpack the archive and pack it again with zip -0 (zipfile.ZIP_STORED)";

/// A member that is being read.
pub(super) struct Found<'a> {
    pub(super) zip: &'a ZipStore,
    pub(super) name: &'a str,
    pub(super) member: &'a Member,
    pub(super) version: &'a Version,
}

impl Found<'_> {
    /// Returns the offset of the member's data; reads the header only once.
    async fn data(&self) -> Result<u64> {
        if let Some(data) = self.member.data.get() {
            return Ok(*data);
        }
        let start = self.member.header;
        let header = start..start.saturating_add(self.header_size());
        let bytes = self.zip.archived(header, self.version).await?;
        self.learn(&bytes)
    }

    /// Returns the range of the archive that holds these bytes of a stored member.
    pub(super) async fn place(&self, range: &Range<u64>) -> Result<Range<u64>> {
        let data = self.data().await?;
        Ok(data.saturating_add(range.start)..data.saturating_add(range.end))
    }

    /// The size of the local header without its extra field.
    fn header_size(&self) -> u64 {
        HEADER.saturating_add(self.name.len() as u64)
    }

    fn learn(&self, header: &[u8]) -> Result<u64> {
        let data = directory::find_data(header, self.name, self.member)
            .map_err(|reason| self.zip.corrupt(reason))?;
        Ok(*self.member.data.get_or_init(|| data))
    }

    /// Reads and checks all bytes of the member.
    pub(super) async fn whole(&self) -> Result<Bytes> {
        self.check_method()?;
        let member = self.member;
        let known = member.data.get().copied();
        // With the header, whose extra field has at most 64 KiB and is rarely repeated in the
        // directory.
        let start = known.unwrap_or(member.header);
        let end = start.saturating_add(member.compressed);
        let end = match known {
            Some(_) => end,
            None => end
                .saturating_add(self.header_size())
                .saturating_add(64 << 10)
                .min(member.limit),
        };
        let bytes = self.zip.archived(start..end, self.version).await?;
        let data = known.map_or_else(|| self.learn(&bytes), Ok)?;
        let data = data.saturating_sub(start);
        let bytes = self.zip.part(&bytes, data, member.compressed)?;
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
    pub(super) fn check_method(&self) -> Result<()> {
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
