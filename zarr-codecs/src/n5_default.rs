//! The `n5_default` codec: N5 blocks in default mode, which carry their own shape (registered
//! extension "n5_default").
//!
//! Blocks cut off at the array's edge are padded with the fill value; blocks larger than the chunk
//! are refused.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "places within a shape checked before"
)]

use std::sync::Arc;

use serde::Deserialize;
use zarr_core::codec::{
    ArrayToBytes, ByteOrder, BytesToBytes, ChunkData, ChunkSpec, EncodedSize, with_scratch,
};
use zarr_core::size::c_strides;
use zarr_core::{Binder, Error, Extension, Result};

use crate::number::{chunk_bytes, unsupported};

const NAME: &str = "n5_default";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    codecs: Vec<Extension>,
}

#[derive(Debug)]
struct N5 {
    compression: Option<Arc<dyn BytesToBytes>>,
    shape: Vec<u32>,
    /// The strides of the chunk in C order, in bytes.
    strides: Vec<usize>,
    item_size: usize,
    size: usize,
    spec: ChunkSpec,
}

/// Binds the codec. Its `codecs` are a transposition that reverses all dimensions, big-endian
/// `bytes`, and at most one bytes to bytes codec.
pub(crate) fn bind(
    extension: &Extension,
    spec: &ChunkSpec,
    binder: &Binder<'_>,
) -> Result<Arc<dyn ArrayToBytes>> {
    let Configuration { codecs } = extension.parse()?;
    let place = |position| {
        move |error: Error| error.member(format_args!("configuration.codecs[{position}]"))
    };
    let (transpose, bytes, compression) = match &codecs[..] {
        [transpose, bytes] => (transpose, bytes, None),
        [transpose, bytes, compression] => (transpose, bytes, Some(compression)),
        _ => {
            let found = format!("{} codecs", codecs.len());
            return Err(Error::invalid(found, "2 or 3").member("configuration.codecs"));
        }
    };
    check_transpose(transpose, spec, binder).map_err(place(0))?;
    check_bytes(bytes, spec, binder).map_err(place(1))?;
    let item_size = item_size(spec)?;
    let size = spec.decoded_size(u64::MAX)?.unwrap_or(0);
    let compression = compression
        .map(|codec| binder.inner_bytes_to_bytes(codec, EncodedSize::AtMost(size)))
        .transpose()
        .map_err(place(2))?;
    let dimension = |&len: &u64| {
        u32::try_from(len).map_err(|_| Error::TooLarge {
            what: "dimension of an N5 block",
            wanted: len.to_string(),
            limit: u32::MAX.into(),
        })
    };
    Ok(Arc::new(N5 {
        compression,
        shape: spec.shape.iter().map(dimension).collect::<Result<_>>()?,
        strides: c_strides(&spec.shape, item_size)
            .into_iter()
            .map(isize::unsigned_abs)
            .collect(),
        item_size,
        size,
        spec: spec.clone(),
    }))
}

fn check_transpose(extension: &Extension, spec: &ChunkSpec, binder: &Binder<'_>) -> Result<()> {
    let reversed: Vec<usize> = (0..spec.shape.len()).rev().collect();
    if extension.name() == "transpose"
        && crate::transpose::bind(extension, spec, binder)?.axis_order() == Some(&reversed)
    {
        return Ok(());
    }
    let found = format!("codec {:?} without this order", extension.name());
    Err(Error::invalid(
        found,
        format!("codec \"transpose\" with order {reversed:?}"),
    ))
}

fn check_bytes(extension: &Extension, spec: &ChunkSpec, binder: &Binder<'_>) -> Result<()> {
    if extension.name() != "bytes" {
        let found = format!("codec {:?}", extension.name());
        return Err(Error::invalid(found, "codec \"bytes\""));
    }
    match crate::bytes::bind(extension, spec, binder)?.byte_order() {
        Some(ByteOrder::Little) if spec.data_type.swap_size() > 1 => {
            Err(Error::invalid("little", "big").member("configuration.endian"))
        }
        _ => Ok(()),
    }
}

/// Returns the size of an element in bytes, for the data types that N5 supports.
fn item_size(spec: &ChunkSpec) -> Result<usize> {
    match spec.data_type.name() {
        "int8" | "uint8" => Ok(1),
        "int16" | "uint16" => Ok(2),
        "int32" | "uint32" | "float32" => Ok(4),
        "int64" | "uint64" | "float64" => Ok(8),
        _ => Err(unsupported(&spec.data_type, NAME)),
    }
}

impl N5 {
    /// Calls `visit` with the byte offset within the chunk of each element of a block of `shape`,
    /// first dimension fastest.
    fn for_each_place(&self, shape: &[u32], mut visit: impl FnMut(usize)) {
        if shape.contains(&0) {
            return;
        }
        let mut index = vec![0; shape.len()];
        let mut place = 0;
        loop {
            visit(place);
            let mut moved = false;
            for ((index, &len), &stride) in index.iter_mut().zip(shape).zip(&self.strides) {
                *index += 1;
                place += stride;
                if *index < len {
                    moved = true;
                    break;
                }
                place -= stride * len as usize;
                *index = 0;
            }
            if !moved {
                return;
            }
        }
    }

    /// Splits a block into the shape in its header, which is checked against the chunk, and the
    /// data after the header.
    fn split<'a>(&self, encoded: &'a [u8]) -> Result<(Vec<u32>, &'a [u8])> {
        let rank = self.shape.len();
        let size = encoded.len();
        let too_short = || Error::size("N5 block", size, format_args!("{} or more", 4 + 4 * rank));
        let ([m0, m1, r0, r1], rest) = encoded.split_first_chunk().ok_or_else(too_short)?;
        let (mode, found) = (
            u16::from_be_bytes([*m0, *m1]),
            u16::from_be_bytes([*r0, *r1]),
        );
        if mode != 0 || usize::from(found) != rank {
            let reason = format!(
                "mode {mode} and {found} dimensions, expected mode 0 and {rank} dimensions"
            );
            return Err(Error::corrupt(NAME, reason));
        }
        let (sizes, data) = rest.split_at_checked(4 * rank).ok_or_else(too_short)?;
        let sizes = sizes.as_chunks::<4>().0.iter();
        let shape: Vec<u32> = sizes.map(|size| u32::from_be_bytes(*size)).collect();
        if shape
            .iter()
            .zip(&self.shape)
            .any(|(found, most)| found > most)
        {
            let what = format!(
                "an N5 block of shape {shape:?} in a chunk of shape {:?}",
                self.shape
            );
            return Err(Error::Unsupported { what });
        }
        Ok((shape, data))
    }

    fn place_block(&self, shape: &[u32], block: &[u8]) -> Result<Vec<u8>> {
        let len = shape.iter().map(|&len| len as usize).product::<usize>();
        EncodedSize::Exact(len * self.item_size).check("N5 block after its header", block.len())?;
        let mut chunk = self
            .spec
            .fill_value
            .bytes()
            .repeat(self.size / self.item_size);
        let mut elements = block.chunks_exact(self.item_size);
        self.for_each_place(shape, |place| {
            if let Some(element) = elements.next() {
                let target = &mut chunk[place..place + self.item_size];
                target.copy_from_slice(element);
                to_big_endian(target);
            }
        });
        Ok(chunk)
    }
}

/// Converts an element between this machine's byte order and big endian, in either direction.
fn to_big_endian(element: &mut [u8]) {
    if cfg!(target_endian = "little") {
        element.reverse();
    }
}

impl ArrayToBytes for N5 {
    fn encoded_size(&self) -> EncodedSize {
        let data = match &self.compression {
            Some(codec) => codec.encoded_size().max(),
            None => self.size,
        };
        EncodedSize::AtMost(data.saturating_add(4 + 4 * self.shape.len()))
    }

    fn encode(&self, decoded: &ChunkData, encoded: &mut Vec<u8>) -> Result<()> {
        let elements = chunk_bytes(decoded, &self.spec)?;
        let rank = u16::try_from(self.shape.len())
            .map_err(|_| Error::invalid(self.shape.len(), "at most 65535 dimensions"))?;
        encoded.extend_from_slice(&[0, 0]);
        encoded.extend_from_slice(&rank.to_be_bytes());
        encoded.extend(self.shape.iter().flat_map(|size| size.to_be_bytes()));
        with_scratch(|block| {
            self.for_each_place(&self.shape, |place| {
                let start = block.len();
                block.extend_from_slice(&elements[place..place + self.item_size]);
                to_big_endian(&mut block[start..]);
            });
            match &self.compression {
                Some(codec) => codec.encode(block, encoded),
                None => {
                    encoded.extend_from_slice(block);
                    Ok(())
                }
            }
        })
    }

    fn decode(&self, encoded: &[u8]) -> Result<ChunkData> {
        let (shape, data) = self.split(encoded)?;
        let chunk = match &self.compression {
            None => self.place_block(&shape, data),
            Some(codec) => with_scratch(|block| {
                codec.decode(data, block)?;
                self.place_block(&shape, block)
            }),
        };
        chunk.map(ChunkData::Fixed)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::testing::{assert_chunk_round_trip, assert_chunks_survive_damage, chain, sample};

    fn codec(order: &str, rest: &str) -> String {
        format!(
            r#"{{"name": "n5_default", "configuration": {{"codecs": [
                {{"name": "transpose", "configuration": {{"order": {order}}}}}{rest}
            ]}}}}"#
        )
    }

    const BIG: &str = r#", {"name": "bytes", "configuration": {"endian": "big"}}"#;

    #[test]
    fn whole_and_cut_blocks_are_read() {
        let chain = chain(&codec("[1, 0]", BIG), &[2, 3], "uint16").unwrap();
        let header = b"\0\0\0\x02\0\0\0\x02\0\0\0\x03";
        let block = [&header[..], &[0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6]].concat();
        let expected = |numbers: [u16; 6]| {
            ChunkData::Fixed(
                numbers
                    .iter()
                    .flat_map(|number| number.to_ne_bytes())
                    .collect(),
            )
        };
        let decoded = chain.decode_chunk(&block).unwrap();
        assert_eq!(decoded, expected([1, 2, 3, 4, 5, 6]));
        let mut encoded = Vec::new();
        chain.encode_chunk(&decoded, &mut encoded).unwrap();
        assert_eq!(encoded, block);
        assert_chunks_survive_damage(&chain, &block);
        let cut = b"\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\x07\0\x08";
        assert_eq!(
            chain.decode_chunk(cut).unwrap(),
            expected([7, 8, 0, 0, 0, 0])
        );
        for bad in [
            &b"\0\x01\0\x02\0\0\0\x01\0\0\0\x02\0\x07\0\x08"[..],
            b"\0\0\0\x03\0\0\0\x01\0\0\0\x02\0\x07\0\x08",
            b"\0\0\0\x02\0\0\0\x01\0\0\0\x02\0\x07\0",
            b"\0\0\0\x02\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\0\0\0",
        ] {
            chain.decode_chunk(bad).unwrap_err();
        }
    }

    #[test]
    fn compressed_blocks_round_trip() {
        let gzip = format!(r#"{BIG}, {{"name": "gzip", "configuration": {{"level": 1}}}}"#);
        let chain = chain(&codec("[2, 1, 0]", &gzip), &[3, 4, 5], "float64").unwrap();
        assert_chunk_round_trip(&chain, sample(480));
    }

    #[test]
    fn bad_configurations_are_refused() {
        let little = r#", {"name": "bytes", "configuration": {"endian": "little"}}"#;
        let twice = format!("{BIG}{BIG}");
        for (order, rest) in [
            ("[0, 1]", BIG),
            ("[1, 0]", little),
            ("[1, 0]", ""),
            ("[1, 0]", &twice),
        ] {
            assert!(
                chain(&codec(order, rest), &[2, 2], "uint16").is_err(),
                "{order} {rest}"
            );
        }
        chain(&codec("[1, 0]", r#", {"name": "bytes"}"#), &[2, 2], "uint8").unwrap();
        assert!(chain(&codec("[1, 0]", BIG), &[2, 2], "complex64").is_err());
    }
}
