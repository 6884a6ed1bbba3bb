#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::testing::{
    assert_decodes, assert_round_trip, assert_survives_damage, binder, extension, fixtures,
    refusal, sample,
};

fn codec(level: i32, checksum: bool, decoded: EncodedSize) -> Arc<dyn BytesToBytes> {
    let extension = Extension::new("zstd")
        .with("level", level)
        .with("checksum", checksum);
    bind(&extension, decoded, &binder()).unwrap()
}

fn exact(size: usize) -> Arc<dyn BytesToBytes> {
    codec(3, true, EncodedSize::Exact(size))
}

fn encoded(decoded: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    exact(decoded.len()).encode(decoded, &mut encoded).unwrap();
    encoded
}

/// Returns a frame without a content size, in a window of 1 MiB, of `blocks` blocks that each
/// repeat one byte.
fn repeated(blocks: usize) -> Vec<u8> {
    let block_size = 128_u32 << 10;
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0x00, 0x50];
    for block in 1..=blocks {
        let last = u32::from(block == blocks);
        frame.extend_from_slice(&(block_size << 3 | 1 << 1 | last).to_le_bytes()[..3]);
        frame.push(b'x');
    }
    frame
}

proptest! {
    #[test]
    fn round_trip(data: Vec<u8>, level in -10..12, checksum: bool, slack in 0_usize..1000) {
        assert_round_trip(&*codec(level, checksum, EncodedSize::Exact(data.len())), &data);
        assert_round_trip(&*codec(level, checksum, EncodedSize::AtMost(data.len() + slack)), &data);
    }
}

#[test]
fn extreme_levels_encode() {
    for level in [-131_072, 0, 22] {
        let codec = codec(level, false, EncodedSize::Exact(5000));
        assert_round_trip(&*codec, &sample(5000));
    }
}

#[test]
fn streams_of_other_implementations_are_read() {
    for (name, encoded, size) in fixtures("zstd-") {
        println!("{name}");
        assert_decodes(&*exact(size), &encoded, &sample(size));
        let at_most = codec(1, false, EncodedSize::AtMost(size + 1));
        assert_decodes(&*at_most, &encoded, &sample(size));
    }
}

#[test]
fn damage_is_survived() {
    for (name, encoded, size) in fixtures("zstd-") {
        println!("{name}");
        assert_survives_damage(&*exact(size), &encoded, size);
    }
}

#[test]
fn every_truncation_is_refused() {
    let valid = encoded(&sample(500));
    for end in 0..valid.len() {
        refusal(&*exact(500), &valid[..end], 500);
    }
}

#[test]
fn damaged_streams_are_refused() {
    let valid = encoded(&sample(500));
    let mut bad_checksum = valid.clone();
    *bad_checksum.last_mut().unwrap() ^= 1;
    let trailing = [&valid[..], b"x"].concat();
    let long_trailing = [&valid[..], b"no frame at all"].concat();
    // A format older than version 1, which must not reach the library: builds of it may decode one.
    let legacy = [&[0x27, 0xB5, 0x2F, 0xFD][..], &valid[4..]].concat();
    let no_frame = "the Zstandard magic number is missing";
    let cases: [(&[u8], &str); 6] = [
        (b"", no_frame),
        (b"garbage", no_frame),
        (&bad_checksum, "checksum"),
        (&trailing, no_frame),
        (&long_trailing, no_frame),
        (&legacy, no_frame),
    ];
    for (case, expected) in cases {
        let error = refusal(&*exact(500), case, 500);
        assert!(
            matches!(&error, Error::Corrupt { codec: "zstd", reason } if reason.contains(expected)),
            "{error}"
        );
    }
}

#[test]
fn unknown_dictionary_is_refused() {
    for (_, encoded, size) in fixtures("zstd_dictionary-") {
        let error = refusal(&*exact(size), &encoded, size);
        assert!(error.to_string().contains("Dictionary"), "{error}");
    }
}

#[test]
fn other_sizes_than_the_due_one_are_refused() {
    for size in [0, 499, 501] {
        refusal(&*exact(500), &encoded(&sample(size)), 500);
    }
    let twice = encoded(&sample(500)).repeat(2);
    refusal(&*exact(500), &twice, 500);
    assert_decodes(&*exact(1000), &twice, &sample(500).repeat(2));
}

#[test]
fn bomb_stops_at_the_bound() {
    // Just under 8 GiB, encoded in 256 KiB.
    let bomb = repeated(1 << 16);
    for decoded in [EncodedSize::Exact(1000), EncodedSize::AtMost(1000)] {
        let mut buffer = Vec::new();
        codec(1, false, decoded)
            .decode(&bomb, &mut buffer)
            .unwrap_err();
        assert!(buffer.capacity() < 4096);
    }
    assert_decodes(&*exact(256 << 10), &repeated(2), &vec![b'x'; 256 << 10]);
}

#[test]
fn declared_sizes_cost_no_memory() {
    // A single segment with a content size of 2^62 bytes, and a window of 1.9 TB.
    let content = [
        &[0x28, 0xB5, 0x2F, 0xFD, 0xE0][..],
        &(1_u64 << 62).to_le_bytes(),
        &[1, 0, 0],
    ];
    let window = [&[0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xFF][..], &[1, 0, 0]];
    for frame in [content.concat(), window.concat()] {
        let mut buffer = Vec::new();
        let codec = codec(1, false, EncodedSize::AtMost(1 << 40));
        let _ = codec.decode(&frame, &mut buffer);
        assert!(buffer.len() < 10 && buffer.capacity() < 1 << 20);
    }
    let large = vec![7; 10 << 20];
    let codec = codec(1, false, EncodedSize::AtMost(1 << 40));
    assert_decodes(&*codec, &encoded(&large), &large);
}

#[test]
fn damage_that_looks_like_a_small_buffer_costs_no_memory() {
    let encoded = encoded(&sample(300));
    let codec = codec(1, false, EncodedSize::AtMost(1 << 40));
    for place in 0..encoded.len() {
        for bit in 0..8 {
            let mut damaged = encoded.clone();
            damaged[place] ^= 1 << bit;
            let mut buffer = Vec::new();
            let _ = codec.decode(&damaged, &mut buffer);
            assert!(
                buffer.capacity() <= (2 * encoded.len()) << 15,
                "{place} {bit}"
            );
        }
    }
}

#[test]
fn checksum_is_optional_and_false_by_default() {
    let size = |json| {
        let codec = bind(&extension(json), EncodedSize::Exact(500), &binder()).unwrap();
        let mut encoded = Vec::new();
        codec.encode(&sample(500), &mut encoded).unwrap();
        encoded.len()
    };
    let without = size(r#"{"name": "zstd", "configuration": {"level": 1}}"#);
    let with = size(r#"{"name": "zstd", "configuration": {"level": 1, "checksum": true}}"#);
    assert_eq!(without + 4, with);
}

#[test]
fn bad_configurations_are_refused() {
    let cases = [
        r#"{"name": "zstd"}"#,
        r#"{"name": "zstd", "configuration": {"checksum": true}}"#,
        r#"{"name": "zstd", "configuration": {"level": 23}}"#,
        r#"{"name": "zstd", "configuration": {"level": -131073}}"#,
        r#"{"name": "zstd", "configuration": {"level": 1.5}}"#,
        r#"{"name": "zstd", "configuration": {"level": "1"}}"#,
        r#"{"name": "zstd", "configuration": {"level": 1, "checksum": 1}}"#,
        r#"{"name": "zstd", "configuration": {"level": 1, "checksum": null}}"#,
        r#"{"name": "zstd", "configuration": {"level": 1, "more": 1}}"#,
    ];
    for case in cases {
        let error = bind(&extension(case), EncodedSize::Exact(1), &binder()).unwrap_err();
        assert!(error.to_string().starts_with("configuration"), "{error}");
    }
}
