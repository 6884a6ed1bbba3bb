//! The `crc32c` codec: appends the CRC-32C of its input as four bytes, little endian (core codecs,
//! "crc32c codec").

use std::sync::Arc;

use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Extension, Result};

use crate::checksum::{Checksum, Location};

/// Binds the codec, which has no configuration.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    extension.expect_no_configuration()?;
    Ok(Arc::new(Checksum {
        name: "crc32c",
        compute: |data, _| crc_fast::crc32_iscsi(data),
        initial: 0,
        location: Location::End,
        decoded,
    }))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use zarr_core::Error;

    use super::*;
    use crate::testing::{
        assert_decodes, assert_round_trip, assert_survives_damage, binder, extension, refusal,
    };

    fn codec(size: usize) -> Arc<dyn BytesToBytes> {
        bind(
            &Extension::new("crc32c"),
            EncodedSize::Exact(size),
            &binder(),
        )
        .unwrap()
    }

    #[test]
    fn check_value_of_the_algorithm_is_appended_in_little_endian() {
        let encoded = b"123456789\x83\x92\x06\xe3";
        let codec = codec(9);
        assert_eq!(codec.encoded_size(), EncodedSize::Exact(13));
        assert_decodes(&*codec, encoded, b"123456789");
        assert_eq!(
            codec.payload(encoded).unwrap().unwrap().as_ptr(),
            encoded.as_ptr()
        );
        assert_round_trip(&*codec, b"123456789");
        assert_survives_damage(&*codec, encoded, 9);
    }

    #[test]
    fn wrong_checksum_is_told_with_both_values() {
        // A checksum in big endian, and one of another polynomial.
        for stored in [0x8392_06e3_u32, 0x2639_f4cb] {
            let encoded = [b"123456789", &stored.to_le_bytes()[..]].concat();
            let error = refusal(&*codec(9), &encoded, 9);
            let expected = Error::Checksum {
                codec: "crc32c",
                stored: stored.into(),
                computed: 0xe306_9283,
            };
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn too_few_bytes_are_refused() {
        for encoded in [&b""[..], b"123", b"\0\0\0\0", b"12345678\0\0\0\0"] {
            let error = refusal(&*codec(9), encoded, 9);
            assert!(matches!(error, Error::Size { .. }), "{error}");
        }
    }

    #[test]
    fn configuration_members_are_refused() {
        let extension = extension(r#"{"name": "crc32c", "configuration": {"level": 1}}"#);
        assert!(bind(&extension, EncodedSize::Exact(1), &binder()).is_err());
    }
}
