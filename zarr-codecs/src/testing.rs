//! What the tests of the codecs share.

use std::path::Path;

use zarr_core::codec::{BytesToBytes, ChunkSpec};
use zarr_core::{DataType, Error, Extension};

/// An extension from its JSON text.
pub(crate) fn extension(json: &str) -> Extension {
    serde_json::from_str(json).expect("an extension object")
}

/// A chunk of this shape and core data type, with the fill value zero.
pub(crate) fn spec(shape: &[u64], data_type: &str) -> ChunkSpec {
    let data_type = DataType::core(data_type).expect("a core data type");
    ChunkSpec {
        shape: shape.into(),
        fill_value: data_type.zero(),
        data_type,
    }
}

/// Bytes that compress a little: what the fixtures of `tests/fixtures/make.py` decode to.
pub(crate) fn sample(size: usize) -> Vec<u8> {
    let numbers = (0..).flat_map(|i: u32| (i.wrapping_mul(i) / 4096).to_le_bytes());
    numbers.take(size).collect()
}

/// The fixtures with names that start like this: name, encoded bytes, and the number of decoded ones.
pub(crate) fn fixtures(prefix: &str) -> Vec<(String, Vec<u8>, usize)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let entries = folder.read_dir().expect("the folder of fixtures");
    let found: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter_map(|path| {
            let name = path.file_stem()?.to_str()?.to_owned();
            let size = name
                .strip_prefix(prefix)?
                .rsplit('-')
                .next()?
                .parse()
                .ok()?;
            Some((name, std::fs::read(&path).expect("a fixture"), size))
        })
        .collect();
    assert!(!found.is_empty(), "no fixture {prefix}*");
    found
}

/// Checks both ways of decoding.
pub(crate) fn assert_decodes(codec: &dyn BytesToBytes, encoded: &[u8], expected: &[u8]) {
    let mut appended = b"before".to_vec();
    codec.decode(encoded, &mut appended).expect("decode");
    assert!(appended == [b"before", expected].concat());
    let mut exact = vec![0xAA; expected.len()];
    codec
        .decode_exact(encoded, &mut exact)
        .expect("decode_exact");
    assert!(exact == expected);
}

/// Encodes, checks the size and both ways of decoding.
pub(crate) fn assert_round_trip(codec: &dyn BytesToBytes, decoded: &[u8]) {
    let mut encoded = b"before".to_vec();
    codec.encode(decoded, &mut encoded).expect("encode");
    let encoded = encoded.strip_prefix(b"before").expect("encode appends");
    codec
        .encoded_size()
        .check("encoded", encoded.len())
        .expect("encoded_size");
    assert_decodes(codec, encoded, decoded);
}

/// The error of both ways of decoding where `size` bytes are due, and that nothing was left behind.
pub(crate) fn refusal(codec: &dyn BytesToBytes, encoded: &[u8], size: usize) -> Error {
    let mut decoded = b"before".to_vec();
    let error = codec.decode(encoded, &mut decoded).expect_err("decode");
    assert_eq!(decoded, b"before");
    codec
        .decode_exact(encoded, &mut vec![0; size])
        .expect_err("decode_exact");
    error
}

/// Cuts valid bytes everywhere and changes each of them in several ways: nothing may panic, and what decodes has the size that is
/// due.
pub(crate) fn assert_survives_damage(codec: &dyn BytesToBytes, encoded: &[u8], size: usize) {
    let mut decoded = Vec::new();
    let mut exact = vec![0; size];
    let mut try_both = |damaged: &[u8]| {
        decoded.clear();
        if codec.decode(damaged, &mut decoded).is_ok() {
            assert_eq!(decoded.len(), size);
        }
        let _ = codec.decode_exact(damaged, &mut exact);
    };
    (0..encoded.len()).for_each(|end| try_both(&encoded[..end]));
    let mut damaged = encoded.to_vec();
    for place in 0..encoded.len() {
        for change in [0x01, 0x08, 0x20, 0x80, 0x7F, 0xFF] {
            damaged[place] = encoded[place] ^ change;
            try_both(&damaged);
        }
        damaged[place] = encoded[place];
    }
}
