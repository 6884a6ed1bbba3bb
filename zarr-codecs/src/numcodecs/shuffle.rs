//! `numcodecs.shuffle`: all first bytes of the elements, then all second bytes, and so on.

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{BytesToBytes, EncodedSize};
use zarr_core::{Binder, Error, Extension, Result};

use crate::output::{after, grow};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    elementsize: u64,
}

#[derive(Debug)]
struct Shuffle {
    element_size: usize,
    size: EncodedSize,
}

/// Binds the codec. `elementsize` is required: zarr-python always writes it, and the encoded bytes
/// do not contain it.
pub(crate) fn bind(
    extension: &Extension,
    size: EncodedSize,
    _: &Binder<'_>,
) -> Result<Arc<dyn BytesToBytes>> {
    let Configuration { elementsize } = extension.parse()?;
    let shuffle = Shuffle {
        // A size of 0 acts as 1, and a size beyond `usize` exceeds any chunk.
        element_size: usize::try_from(elementsize).unwrap_or(usize::MAX).max(1),
        size,
    };
    if let EncodedSize::Exact(size) = size {
        shuffle
            .check(size)
            .map_err(|error| error.member("configuration.elementsize"))?;
    }
    Ok(Arc::new(shuffle))
}

impl Shuffle {
    fn check(&self, size: usize) -> Result<()> {
        self.size.check("shuffled bytes", size)?;
        if !size.is_multiple_of(self.element_size) {
            let expected = format_args!("a multiple of {}", self.element_size);
            return Err(Error::size("shuffled bytes", size, expected));
        }
        Ok(())
    }
}

impl BytesToBytes for Shuffle {
    fn name(&self) -> &'static str {
        "numcodecs.shuffle"
    }

    fn encoded_size(&self) -> EncodedSize {
        self.size
    }

    fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) -> Result<()> {
        self.check(decoded.len())?;
        for place in 0..self.element_size.min(decoded.len()) {
            let bytes = decoded.iter().skip(place);
            encoded.extend(bytes.step_by(self.element_size));
        }
        Ok(())
    }

    fn decode(&self, encoded: &[u8], decoded: &mut Vec<u8>) -> Result<()> {
        self.check(encoded.len())?;
        let start = decoded.len();
        grow(decoded, start, encoded.len())?;
        self.decode_exact(encoded, after(decoded, start))
    }

    fn decode_exact(&self, encoded: &[u8], decoded: &mut [u8]) -> Result<()> {
        self.check(encoded.len())?;
        EncodedSize::Exact(decoded.len()).check("shuffled bytes", encoded.len())?;
        let len = encoded.len().checked_div(self.element_size).unwrap_or(0);
        for (place, bytes) in encoded.chunks_exact(len.max(1)).enumerate() {
            let targets = after(decoded, place).iter_mut().step_by(self.element_size);
            targets
                .zip(bytes)
                .for_each(|(target, byte)| *target = *byte);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{assert_decodes, assert_round_trip, binder, fixtures, refusal, sample};

    fn codec(element_size: u64, size: EncodedSize) -> Result<Arc<dyn BytesToBytes>> {
        bind(
            &Extension::new("x").with("elementsize", element_size),
            size,
            &binder(),
        )
    }

    #[test]
    fn bytes_of_numcodecs_are_read() {
        for (_, encoded, size) in fixtures("shuffle-8-") {
            let codec = codec(8, EncodedSize::Exact(size)).unwrap();
            assert_decodes(&*codec, &encoded, &sample(size));
            refusal(&*codec, &encoded[1..], size);
        }
    }

    proptest! {
        #[test]
        fn round_trip(elements: Vec<[u8; 3]>, element_size in 0_u64..4) {
            let data = elements.concat();
            let size = EncodedSize::AtMost(data.len());
            if let Ok(codec) = codec(element_size, size)
                && data.len() % usize::try_from(element_size.max(1)).unwrap() == 0
            {
                assert_round_trip(&*codec, &data);
            }
        }
    }

    #[test]
    fn what_is_no_multiple_is_refused() {
        assert!(codec(4, EncodedSize::Exact(10)).is_err());
        assert!(codec(u64::MAX, EncodedSize::Exact(10)).is_err());
        refusal(&*codec(4, EncodedSize::AtMost(10)).unwrap(), &[0; 6], 6);
        assert!(bind(&Extension::new("x"), EncodedSize::Exact(4), &binder()).is_err());
    }
}
