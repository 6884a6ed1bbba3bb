#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::testing::chain;

const UTF8: &str = r#"{"name": "vlen-utf8"}"#;
const BYTES: &str = r#"{"name": "vlen-bytes"}"#;

fn variable(elements: &[&[u8]]) -> ChunkData {
    let ends = elements.iter().scan(0, |end, element| {
        *end += element.len();
        Some(*end)
    });
    ChunkData::Variable {
        offsets: std::iter::once(0).chain(ends).collect(),
        bytes: elements.concat(),
    }
}

/// The bytes to which numcodecs 0.17.1 encodes `["a", "", "né"]`.
const STORED: &[u8] = b"\x03\0\0\0\x01\0\0\0a\0\0\0\0\x03\0\0\0n\xc3\xa9";

#[test]
fn chunks_of_numcodecs_are_read_and_written() {
    let decoded = variable(&[b"a", b"", "né".as_bytes()]);
    for (codec, data_type) in [
        (UTF8, "string"),
        (BYTES, "bytes"),
        (BYTES, "variable_length_bytes"),
    ] {
        let chain = chain(codec, &[3], data_type).unwrap();
        assert_eq!(chain.decode_chunk(STORED).unwrap(), decoded);
        let mut encoded = Vec::new();
        chain.encode_chunk(&decoded, &mut encoded).unwrap();
        assert_eq!(encoded, STORED);
        chain
            .encode_chunk(&variable(&[b"a"]), &mut encoded)
            .unwrap_err();
    }
}

#[test]
fn damaged_chunks_are_refused() {
    let chain = chain(UTF8, &[3], "string").unwrap();
    for end in 0..STORED.len() {
        chain.decode_chunk(&STORED[..end]).unwrap_err();
    }
    chain.decode_chunk(&[STORED, b"x"].concat()).unwrap_err();
    for (place, byte) in [(0, 2), (0, 4), (3, 255), (4, 255), (7, 255), (17, 0xff)] {
        let mut damaged = STORED.to_vec();
        damaged[place] = byte;
        chain.decode_chunk(&damaged).unwrap_err();
    }
    // An overlong encoding, and half of a surrogate pair.
    for bytes in [&b"\xc0\x80"[..], b"\xed\xa0\x80"] {
        let stored = [
            &b"\x01\0\0\0"[..],
            &[u8::try_from(bytes.len()).unwrap(), 0, 0, 0],
            bytes,
        ]
        .concat();
        let one = |codec, data_type| crate::testing::chain(codec, &[1], data_type).unwrap();
        one(UTF8, "string").decode_chunk(&stored).unwrap_err();
        one(BYTES, "bytes").decode_chunk(&stored).unwrap();
        let mut encoded = Vec::new();
        one(UTF8, "string")
            .encode_chunk(&variable(&[bytes]), &mut encoded)
            .unwrap_err();
    }
}

#[test]
fn declared_counts_cost_no_memory() {
    let huge = chain(BYTES, &[1 << 31], "bytes").unwrap();
    huge.decode_chunk(&[0, 0, 0, 128, 0, 0, 0, 0]).unwrap_err();
    let one = chain(BYTES, &[1], "bytes").unwrap();
    one.decode_chunk(b"\x01\0\0\0\xff\xff\xff\xff").unwrap_err();
}

proptest! {
    #[test]
    fn round_trip(elements: Vec<Vec<u8>>) {
        let elements: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
        let decoded = variable(&elements);
        let codecs = format!(r#"{BYTES}, {{"name": "gzip", "configuration": {{"level": 1}}}}"#);
        let chain = chain(&codecs, &[elements.len() as u64], "bytes").unwrap();
        let mut encoded = Vec::new();
        chain.encode_chunk(&decoded, &mut encoded).unwrap();
        prop_assert_eq!(chain.decode_chunk(&encoded).unwrap(), decoded);
    }
}

#[test]
fn other_data_types_and_members_are_refused() {
    for (codec, data_type) in [(UTF8, "bytes"), (BYTES, "string"), (BYTES, "uint8")] {
        assert!(chain(codec, &[1], data_type).is_err());
    }
    let more = r#"{"name": "vlen-utf8", "configuration": {"level": 1}}"#;
    assert!(chain(more, &[1], "string").is_err());
}
