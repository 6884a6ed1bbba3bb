//! The `conditional` codec: bytes to bytes codecs that each chunk applies or skips, according to
//! the bits of its header (registered extension "conditional").
//!
//! Encoding applies all of the codecs if that makes the chunk smaller, and otherwise none.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize, with_scratch};
use zarr_core::{Binder, Error, Extension, Result};

/// The largest number of codecs, and the largest header in bits. Only hostile metadata has more.
const MAX_CODECS: usize = 64;
const MAX_HEADER_BITS: u64 = 1 << 16;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    codecs: Vec<Extension>,
    header_bits: Option<u64>,
}

#[derive(Debug)]
struct Conditional {
    codecs: Vec<Arc<dyn BytesToBytes>>,
    header_size: usize,
    decoded: EncodedSize,
    encoded_size: usize,
}

/// Binds the codec: each inner codec to any size that the codecs before it, applied or not, may
/// produce.
pub(crate) fn bind(
    extension: &Extension,
    decoded: EncodedSize,
    binder: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let configuration: Configuration = extension.parse()?;
    let codec = bind_inner(&configuration, decoded, binder)
        .map_err(|error| error.member("configuration"))?;
    Ok(Arc::new(codec))
}

fn bind_inner(
    configuration: &Configuration,
    decoded: EncodedSize,
    binder: &Binder<'_>,
) -> Result<Conditional> {
    let count = configuration.codecs.len();
    if count > MAX_CODECS {
        return Err(Error::TooLarge {
            what: "number of codecs",
            wanted: count.to_string(),
            limit: MAX_CODECS as u64,
        });
    }
    let least = count.next_multiple_of(8) as u64;
    let header_bits = configuration.header_bits.unwrap_or(least);
    if header_bits < least || header_bits > MAX_HEADER_BITS || !header_bits.is_multiple_of(8) {
        let expected = format!("a multiple of 8 from {least} to {MAX_HEADER_BITS}");
        return Err(Error::invalid(header_bits, expected).member("header_bits"));
    }
    let mut size = decoded;
    let mut codecs = Vec::with_capacity(count);
    for (position, codec) in configuration.codecs.iter().enumerate() {
        let bound = binder
            .inner_bytes_to_bytes(codec, size)
            .map_err(|error| error.member(format_args!("codecs[{position}]")))?;
        size = EncodedSize::AtMost(size.max().max(bound.encoded_size().max()));
        codecs.push(bound);
    }
    let header_size = usize::try_from(header_bits / 8).unwrap_or(0);
    Ok(Conditional {
        codecs,
        header_size,
        decoded,
        encoded_size: size.max().saturating_add(header_size),
    })
}

impl Conditional {
    fn is_applied(header: &[u8], codec: usize) -> bool {
        header
            .get(codec / 8)
            .is_some_and(|byte| (byte >> (codec % 8)) & 1 == 1)
    }

    fn encode_all(&self, decoded: &[u8]) -> Result<Vec<u8>> {
        let mut data = decoded.to_vec();
        for codec in &self.codecs {
            let mut encoded = Vec::new();
            codec.encode(&data, &mut encoded)?;
            data = encoded;
        }
        Ok(data)
    }
}

impl BytesToBytes for Conditional {
    fn name(&self) -> &'static str {
        "conditional"
    }

    fn encoded_size(&self) -> EncodedSize {
        EncodedSize::AtMost(self.encoded_size)
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        let applied = self.encode_all(decoded)?;
        let start = encoded.len();
        encoded.resize(start.saturating_add(self.header_size), 0);
        if applied.len() < decoded.len() {
            for codec in 0..self.codecs.len() {
                if let Some(byte) = encoded.get_mut(start.saturating_add(codec / 8)) {
                    *byte |= 1 << (codec % 8);
                }
            }
            encoded.extend_from_slice(&applied);
        } else {
            encoded.extend_from_slice(decoded);
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()> {
        let Some((header, data)) = encoded.split_at_checked(self.header_size) else {
            return Err(Error::size("conditional", encoded.len(), self.header_size));
        };
        let reserved = self.codecs.len()..self.header_size.saturating_mul(8);
        if let Some(bit) = { reserved }.find(|&bit| Self::is_applied(header, bit)) {
            let reason = format!(
                "bit {bit} of the header is set, but there are {} codecs",
                self.codecs.len()
            );
            return Err(Error::corrupt("conditional", reason));
        }
        with_scratch(|current| {
            current.extend_from_slice(data);
            for (position, codec) in self.codecs.iter().enumerate().rev() {
                if Self::is_applied(header, position) {
                    with_scratch(|next| {
                        std::mem::swap(current, next);
                        codec.decode(next, current)
                    })?;
                }
            }
            self.decoded.check("conditional", current.len())?;
            decoded.extend_from_slice(current);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{
        assert_decodes, assert_round_trip, assert_survives_damage, binder, extension, refusal,
        sample,
    };

    fn codec(configuration: &str, size: usize) -> Result<Arc<dyn BytesToBytes>> {
        let json = format!(r#"{{"name": "conditional", "configuration": {configuration}}}"#);
        bind(&extension(&json), EncodedSize::Exact(size), &binder())
    }

    #[test]
    fn no_codecs_are_an_empty_header() {
        assert_round_trip(
            &*codec(r#"{"codecs": []}"#, 10).expect("bound"),
            &sample(10),
        );
    }

    #[test]
    fn codecs_are_applied_where_that_helps() {
        let configuration = r#"{"codecs": [
            {"name": "numcodecs.shuffle", "configuration": {"elementsize": 4}},
            {"name": "gzip", "configuration": {"level": 5}}
        ], "header_bits": 16}"#;
        let codec = codec(configuration, 400).expect("bound");
        let mut encoded = Vec::new();
        codec.encode(&sample(400), &mut encoded).expect("encoded");
        assert_eq!(encoded[..2], [3, 0]);
        assert_round_trip(&*codec, &sample(400));
        assert_survives_damage(&*codec, &encoded, 400);
        // No codec applied, then only the first.
        assert_decodes(&*codec, &[&[0, 0], &sample(400)[..]].concat(), &sample(400));
        assert_decodes(&*codec, &[&[1, 0][..], &[7; 400]].concat(), &[7; 400]);
        refusal(&*codec, &[&[4, 0], &sample(400)[..]].concat(), 400);
        refusal(&*codec, &[0], 400);
        refusal(&*codec, &[&[0, 0], &sample(399)[..]].concat(), 400);
        // Decoding a bomb stops at the bound.
        let mut bomb = Vec::new();
        let large = bind(
            &extension(&format!(
                r#"{{"name": "conditional", "configuration": {configuration}}}"#
            )),
            EncodedSize::Exact(64 << 20),
            &binder(),
        );
        large
            .expect("bound")
            .encode(&vec![0; 64 << 20], &mut bomb)
            .expect("encoded");
        refusal(&*codec, &bomb, 400);
    }

    #[test]
    fn bad_configurations_are_refused() {
        for configuration in [
            "{}",
            r#"{"codecs": [], "header_bits": 4}"#,
            r#"{"codecs": [], "header_bits": 4294967296}"#,
            r#"{"codecs": [{"name": "bytes"}]}"#,
            r#"{"codecs": [{"name": "unknown"}]}"#,
            r#"{"codecs": [], "more": 1}"#,
            r#"{"codecs": [{"name": "conditional", "configuration": {"codecs": []}}], "header_bits": 0}"#,
        ] {
            assert!(codec(configuration, 1).is_err(), "{configuration}");
        }
    }
}
