//! The `crc32c` codec: appends the CRC-32C of its input in four bytes, little endian (core codecs, "crc32c codec").

use std::sync::Arc;

use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Error, Extension, Result};

/// The size of a checksum in bytes.
const SIZE: usize = 4;

#[derive(Debug)]
struct Crc32c {
    decoded: EncodedSize,
}

/// Binds the codec, which has no configuration.
pub(crate) fn bind(extension: &Extension, decoded: EncodedSize) -> Result<Arc<dyn BytesToBytes>> {
    extension.expect_no_configuration()?;
    Ok(Arc::new(Crc32c { decoded }))
}

impl Crc32c {
    /// The input, once its size and checksum are those that are due.
    fn verify<'a>(&self, encoded: &'a [u8]) -> Result<&'a [u8]> {
        let Some((payload, stored)) = encoded.split_last_chunk::<SIZE>() else {
            return Err(Error::size("crc32c", encoded.len(), "4 or more"));
        };
        self.decoded
            .check("crc32c without its 4 bytes", payload.len())?;
        let stored = u32::from_le_bytes(*stored);
        let computed = crc_fast::crc32_iscsi(payload);
        if stored != computed {
            return Err(Error::Checksum {
                codec: "crc32c",
                stored: stored.into(),
                computed: computed.into(),
            });
        }
        Ok(payload)
    }
}

impl BytesToBytes for Crc32c {
    fn name(&self) -> &'static str {
        "crc32c"
    }

    fn encoded_size(&self) -> EncodedSize {
        match self.decoded {
            EncodedSize::Exact(size) => EncodedSize::Exact(size.saturating_add(SIZE)),
            EncodedSize::AtMost(size) => EncodedSize::AtMost(size.saturating_add(SIZE)),
        }
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        encoded.extend_from_slice(decoded);
        encoded.extend_from_slice(&crc_fast::crc32_iscsi(decoded).to_le_bytes());
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
