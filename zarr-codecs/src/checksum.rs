//! A checksum of the input in four bytes, little endian, at the start or the end: `crc32c` and the
//! checksums of numcodecs.

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Error, Result};

/// The size of a checksum in bytes.
const SIZE: usize = 4;

/// The place of the checksum.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Location {
    Start,
    End,
}

#[derive(Debug)]
pub(crate) struct Checksum {
    pub(crate) name: &'static str,
    /// Computes the checksum of data from an initial value.
    pub(crate) compute: fn(&[u8], u32) -> u32,
    pub(crate) initial: u32,
    pub(crate) location: Location,
    pub(crate) decoded: EncodedSize,
}

impl Checksum {
    /// Returns the payload, after checking its size and its checksum.
    fn verify<'a>(&self, encoded: &'a [u8]) -> Result<&'a [u8]> {
        let parts = match self.location {
            Location::Start => encoded.split_first_chunk::<SIZE>(),
            Location::End => encoded
                .split_last_chunk::<SIZE>()
                .map(|(payload, stored)| (stored, payload)),
        };
        let Some((stored, payload)) = parts else {
            return Err(Error::size(self.name, encoded.len(), "4 or more"));
        };
        self.decoded
            .check("bytes besides the checksum", payload.len())?;
        let stored = u32::from_le_bytes(*stored);
        let computed = (self.compute)(payload, self.initial);
        if stored != computed {
            return Err(Error::Checksum {
                codec: self.name,
                stored: stored.into(),
                computed: computed.into(),
            });
        }
        Ok(payload)
    }
}

impl BytesToBytes for Checksum {
    fn name(&self) -> &'static str {
        self.name
    }

    fn encoded_size(&self) -> EncodedSize {
        match self.decoded {
            EncodedSize::Exact(size) => EncodedSize::Exact(size.saturating_add(SIZE)),
            EncodedSize::AtMost(size) => EncodedSize::AtMost(size.saturating_add(SIZE)),
        }
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let checksum = (self.compute)(decoded, self.initial).to_le_bytes();
        let parts = match self.location {
            Location::Start => [&checksum, decoded],
            Location::End => [decoded, &checksum],
        };
        parts
            .iter()
            .for_each(|part| encoded.extend_from_slice(part));
        Ok(())
    }

    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()> {
        decoded.extend_from_slice(self.verify(encoded)?);
        Ok(())
    }

    fn payload<'a>(&self, encoded: &'a [u8]) -> Result<Option<&'a [u8]>> {
        self.verify(encoded).map(Some)
    }
}
