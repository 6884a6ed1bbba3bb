#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use zarr_core::Error;

use super::*;
use crate::testing::{
    assert_decodes, assert_round_trip, assert_survives_damage, binder, extension, fixtures,
    refusal, sample,
};

fn codec(level: u8, decoded: EncodedSize) -> Arc<dyn BytesToBytes> {
    bind(
        &Extension::new("gzip").with("level", level),
        decoded,
        &binder(),
    )
    .unwrap()
}

fn exact(size: usize) -> Arc<dyn BytesToBytes> {
    codec(5, EncodedSize::Exact(size))
}

fn encoded(decoded: &[u8]) -> Vec<u8> {
    let mut encoded = Vec::new();
    exact(decoded.len()).encode(decoded, &mut encoded).unwrap();
    encoded
}

proptest! {
    #[test]
    fn round_trip(data: Vec<u8>, level in 0_u8..10, slack in 0_usize..1000) {
        assert_round_trip(&*codec(level, EncodedSize::Exact(data.len())), &data);
        assert_round_trip(&*codec(level, EncodedSize::AtMost(data.len() + slack)), &data);
    }
}

#[test]
fn streams_of_other_implementations_are_read() {
    for (name, encoded, size) in fixtures("gzip-") {
        println!("{name}");
        assert_decodes(&*exact(size), &encoded, &sample(size));
        assert_decodes(
            &*codec(1, EncodedSize::AtMost(size + 1)),
            &encoded,
            &sample(size),
        );
    }
}

#[test]
fn damage_is_survived() {
    for (name, encoded, size) in fixtures("gzip-members") {
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
    let trailer = valid.len() - 8;
    let mut bad_checksum = valid.clone();
    bad_checksum[trailer] ^= 1;
    let mut bad_size = valid.clone();
    bad_size[trailer + 4] ^= 1;
    let trailing = [&valid[..], b"x"].concat();
    let padded_then_trailing = [&valid[..], b"\0\0x"].concat();
    let zlib = b"x\x9cK\xcaI\xcc\xab\x02\0\x05\xcc\x01\xff";
    let cases: [&[u8]; 7] = [
        b"",
        b"garbage, and more than eighteen bytes of it",
        zlib,
        &bad_checksum,
        &bad_size,
        &trailing,
        &padded_then_trailing,
    ];
    for case in cases {
        let error = refusal(&*exact(500), case, 500);
        assert!(
            matches!(error, Error::Corrupt { codec: "gzip", .. }),
            "{error}"
        );
    }
}

#[test]
fn other_sizes_than_the_due_one_are_refused() {
    for size in [499, 501] {
        refusal(&*exact(500), &encoded(&sample(size)), 500);
    }
    // The second member decodes to no more bytes than the first, but no bytes are due after the
    // first.
    let twice = encoded(&sample(500)).repeat(2);
    refusal(&*exact(500), &twice, 500);
    assert_decodes(&*exact(1000), &twice, &sample(500).repeat(2));
}

#[test]
fn trailer_within_the_data_is_not_taken_for_the_end() {
    // Inverting a CRC would yield a member whose stored data holds its own trailer; empty members
    // come close to it.
    let empty = encoded(b"");
    let stream = [
        &empty[..],
        &empty,
        &encoded(&sample(10)),
        &[0; 20],
        &empty,
        &[0; 9],
    ]
    .concat();
    refusal(&*exact(10), &[&stream[..], b"x"].concat(), 10);
    let stream = [&empty[..], &empty, &encoded(&sample(10)), &[0; 20]].concat();
    assert_decodes(&*exact(10), &stream, &sample(10));
}

#[test]
fn bomb_stops_at_the_bound() {
    let bomb = encoded(&vec![0; 64 << 20]);
    for decoded in [EncodedSize::Exact(1000), EncodedSize::AtMost(1000)] {
        let mut buffer = Vec::new();
        codec(1, decoded).decode(&bomb, &mut buffer).unwrap_err();
        assert!(buffer.capacity() < 4096);
    }
}

#[test]
fn declared_size_and_bound_cost_no_memory() {
    let mut lying = encoded(&sample(500));
    let size = lying.len() - 4;
    lying[size..].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut buffer = Vec::new();
    codec(1, EncodedSize::AtMost(1 << 40))
        .decode(&lying, &mut buffer)
        .unwrap_err();
    assert!(buffer.capacity() < 1 << 20);
    let codec = codec(1, EncodedSize::AtMost(1 << 40));
    let large = vec![7; 1 << 20];
    assert_decodes(&*codec, &encoded(&large), &large);
}

#[test]
fn bad_configurations_are_refused() {
    let cases = [
        r#"{"name": "gzip"}"#,
        r#"{"name": "gzip", "configuration": {}}"#,
        r#"{"name": "gzip", "configuration": {"level": 10}}"#,
        r#"{"name": "gzip", "configuration": {"level": -1}}"#,
        r#"{"name": "gzip", "configuration": {"level": 5.5}}"#,
        r#"{"name": "gzip", "configuration": {"level": "5"}}"#,
        r#"{"name": "gzip", "configuration": {"level": null}}"#,
        r#"{"name": "gzip", "configuration": {"level": 5, "more": 1}}"#,
    ];
    for case in cases {
        let error = bind(&extension(case), EncodedSize::Exact(1), &binder()).unwrap_err();
        assert!(error.to_string().starts_with("configuration"), "{error}");
    }
}
