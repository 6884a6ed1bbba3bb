#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;
use crate::testing::{
    assert_decodes, assert_round_trip, assert_survives_damage, binder, extension, fixtures,
    refusal, sample,
};

const COMPRESSORS: [&str; 6] = ["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"];
const SHUFFLES: [&str; 3] = ["noshuffle", "shuffle", "bitshuffle"];

fn codec(
    (compressor, level, shuffle): (&str, u8, &str),
    (type_size, block_size): (usize, usize),
    decoded: EncodedSize,
) -> Arc<dyn BytesToBytes> {
    let extension = Extension::new("blosc")
        .with("cname", compressor)
        .with("clevel", level)
        .with("shuffle", shuffle)
        .with("typesize", type_size)
        .with("blocksize", block_size);
    bind(&extension, decoded, &binder()).unwrap()
}

fn exact(size: usize) -> Arc<dyn BytesToBytes> {
    codec(("lz4", 5, "shuffle"), (4, 0), EncodedSize::Exact(size))
}

fn encoded(compressor: &str, shuffle: &str, decoded: &[u8]) -> Vec<u8> {
    let size = EncodedSize::Exact(decoded.len());
    let mut encoded = Vec::new();
    let codec = codec((compressor, 5, shuffle), (4, 0), size);
    codec.encode(decoded, &mut encoded).unwrap();
    encoded
}

/// Returns bytes that range from incompressible to highly compressible, depending on the seed.
fn mixed(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |place: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let noise = state.to_le_bytes()[0];
        let kind = (seed >> 8) % 4;
        match kind {
            0 => noise,
            1 => noise & 3,
            2 if place % 512 > 50 => 0,
            _ => (place / 3).to_le_bytes()[0] ^ (noise & 1),
        }
    };
    (0..size).map(next).collect()
}

proptest! {
    #[test]
    fn round_trip(
        compressor in 0..6_usize,
        level in 0..10_u8,
        shuffle in 0..3_usize,
        type_size in prop_oneof![1..40_usize, Just(64), Just(128), Just(255), Just(300)],
        block_size in prop_oneof![Just(0), 1..5000_usize, Just(usize::MAX >> 1)],
        size in prop_oneof![0..300_usize, 0..20_000_usize],
        seed: u64,
        slack in 0..100_usize,
    ) {
        let how = (COMPRESSORS[compressor], level, SHUFFLES[shuffle]);
        let data = mixed(size, seed);
        let sizes = (type_size, block_size);
        assert_round_trip(&*codec(how, sizes, EncodedSize::Exact(size)), &data);
        assert_round_trip(&*codec(how, sizes, EncodedSize::AtMost(size + slack)), &data);
    }
}

#[test]
fn large_buffers_of_many_blocks_round_trip() {
    for compressor in COMPRESSORS {
        for shuffle in SHUFFLES {
            for seed in [0x100, 0x200, 0x300] {
                // Not a multiple of the type size, and more than one block at every level.
                let data = mixed(3_000_001, seed);
                let size = EncodedSize::Exact(data.len());
                assert_round_trip(&*codec((compressor, 1, shuffle), (8, 0), size), &data);
            }
        }
    }
}

#[test]
fn far_matches_of_blosclz_are_read() {
    // The noise repeats more than 8191 bytes later; the bytes between keep the compressor from
    // giving up.
    let noise = mixed(1000, 1);
    let data = [
        &[0; 20_000][..],
        &noise,
        &[1; 20_000],
        &noise,
        &noise[500..],
    ]
    .concat();
    let size = EncodedSize::Exact(data.len());
    let codec = codec(("blosclz", 9, "noshuffle"), (1, 0), size);
    let mut frame = Vec::new();
    codec.encode(&data, &mut frame).unwrap();
    assert!(frame.len() < 2000, "{} bytes", frame.len());
    assert_decodes(&*codec, &frame, &data);
}

#[test]
fn frames_of_other_implementations_are_read_whatever_the_configuration() {
    for (name, encoded, size) in fixtures("blosc-") {
        println!("{name}");
        assert_decodes(&*exact(size), &encoded, &sample(size));
    }
}

#[test]
fn damage_is_survived() {
    for (name, encoded, size) in fixtures("blosc-") {
        println!("{name}");
        assert_survives_damage(&*exact(size), &encoded, size);
    }
    for shuffle in SHUFFLES {
        let frame = encoded("snappy", shuffle, &sample(3000));
        assert_survives_damage(&*exact(3000), &frame, 3000);
    }
}

#[test]
fn every_truncation_is_refused() {
    let valid = encoded("lz4", "shuffle", &sample(3000));
    for end in 0..valid.len() {
        refusal(&*exact(3000), &valid[..end], 3000);
    }
}

#[test]
fn truncated_frame_with_its_size_put_right_is_refused() {
    for compressor in COMPRESSORS {
        let valid = encoded(compressor, "shuffle", &sample(3000));
        for end in 16..valid.len() {
            let mut frame = valid[..end].to_vec();
            frame[12..16].copy_from_slice(&u32::try_from(end).unwrap().to_le_bytes());
            refusal(&*exact(3000), &frame, 3000);
        }
    }
}

#[test]
fn lying_headers_are_refused() {
    let valid = encoded("lz4", "shuffle", &sample(3000));
    let with = |place: usize, bytes: &[u8]| {
        let mut frame = valid.clone();
        frame[place..place + bytes.len()].copy_from_slice(bytes);
        frame
    };
    let word = |place: usize, value: u32| with(place, &value.to_le_bytes());
    let size = u32::try_from(valid.len()).unwrap();
    let cases = [
        ("format version 1", with(0, &[1])),
        ("format version 5", with(0, &[5])),
        ("version 2 of", with(1, &[2])),
        ("unknown flags", with(2, &[valid[2] | 8])),
        ("unknown compressor", with(2, &[7 << 5])),
        ("type size 0", with(3, &[0])),
        (
            "blocks of 3000 bytes in a chunk of 2999 bytes",
            word(4, 2999),
        ),
        ("found 3001 bytes", word(4, 3001)),
        ("found 0 bytes", word(4, 0)),
        ("1431656 blocks in", word(4, u32::MAX)),
        ("blocks of 0 bytes", word(8, 0)),
        ("blocks of 3001 bytes", word(8, 3001)),
        ("blocks of 4294967295 bytes", word(8, u32::MAX)),
        ("3000 blocks in", word(8, 1)),
        ("blosc frame: found", word(12, size - 1)),
        ("blosc frame: found", word(12, size + 1)),
        ("blosc frame: found", [&valid[..], &[0]].concat()),
        ("uncompressed bytes: found", with(2, &[valid[2] | 2])),
        ("block 0 at byte 0", word(16, 0)),
        ("block 0 at byte 16", word(16, 16)),
        ("block 0 at byte 4294967295", word(16, u32::MAX)),
        ("the size of a stream is missing", word(16, size - 3)),
        ("stream of 4294967295 bytes", word(20, u32::MAX)),
        ("split into 9", with(3, &[9])),
    ];
    for (expected, frame) in cases {
        let error = refusal(&*exact(3000), &frame, 3000).to_string();
        assert!(
            error.contains(expected),
            "{error:?} should have {expected:?}"
        );
    }
}

#[test]
fn lying_size_costs_no_memory() {
    let mut frame = encoded("lz4", "shuffle", &sample(3000));
    let size = 2_000_000_000_u32.to_le_bytes();
    frame[4..8].copy_from_slice(&size);
    frame[8..12].copy_from_slice(&size);
    let codec = codec(("lz4", 5, "shuffle"), (4, 0), EncodedSize::AtMost(1 << 40));
    let mut decoded = Vec::new();
    let error = codec.decode(&frame, &mut decoded).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("cannot decode to 2000000000 bytes"),
        "{error}"
    );
    assert_eq!(decoded.capacity(), 0);
}

#[test]
fn hostile_blosclz_streams_are_refused() {
    let cases: [(&str, &[u8]); 8] = [
        ("ends within", b""),
        ("ends within", &[5, 1, 2]),
        ("ends within", &[0, 1, 0xE0]),
        ("ends within", &[0, 1, 0xE0, 255, 255]),
        ("ends within", &[0, 1, 0x3F, 255, 0]),
        ("match 2 bytes back, after 1", &[0, 1, 0x20, 1]),
        ("more bytes than expected", &[0, 1, 0xE0, 255, 255, 0, 0]),
        ("more bytes than expected", &[31; 33]),
    ];
    for (expected, stream) in cases {
        let error = blosclz::decompress(stream, &mut [0; 20]).unwrap_err();
        assert!(error.contains(expected), "{stream:?}: {error}");
    }
    // A run of a single literal, and a match that overlaps its own output.
    let mut decoded = [0; 20];
    assert_eq!(
        blosclz::decompress(&[0, 7, 0xE0, 10, 0], &mut decoded),
        Ok(20)
    );
    assert_eq!(decoded, [7; 20]);
}

#[test]
fn bad_configurations_are_refused() {
    let good =
        r#""cname": "lz4", "clevel": 5, "shuffle": "shuffle", "typesize": 4, "blocksize": 0"#;
    let bind_json = |members: &str| {
        let json = format!(r#"{{"name": "blosc", "configuration": {{{members}}}}}"#);
        bind(&extension(&json), EncodedSize::Exact(1), &binder())
    };
    bind_json(good).unwrap();
    bind_json(r#""cname": "zstd", "clevel": 0, "shuffle": "noshuffle""#).unwrap();
    let changes = [
        (r#""lz4""#, r#""LZ4""#),
        (r#""lz4""#, r#""brotli""#),
        ("5", "10"),
        ("5", "-1"),
        ("5", "5.5"),
        (r#""shuffle": "shuffle""#, r#""shuffle": 1"#),
        (r#""shuffle": "shuffle""#, r#""shuffle": "auto""#),
        (r#""shuffle": "shuffle","#, ""),
        (r#""typesize": 4"#, r#""typesize": 0"#),
        (r#""typesize": 4"#, r#""typesize": -4"#),
        (r#""typesize": 4,"#, ""),
        (r#""blocksize": 0"#, r#""blocksize": -1"#),
        (r#""blocksize": 0"#, r#""blocksize": 0, "nthreads": 1"#),
    ];
    for (from, to) in changes {
        let error = bind_json(&good.replacen(from, to, 1)).unwrap_err();
        assert!(error.to_string().starts_with("configuration"), "{error}");
    }
}

/// After a valid header, this stream makes C-Blosc 1.21 call `memset` with the size -2147483512.
#[test]
fn a_length_that_overflows_c_blosc_is_refused() {
    let mut stream = vec![0, 7, 7 << 5];
    stream.resize(stream.len() + 8_421_505, 255);
    stream.extend([0, 0]);
    let (nbytes, size) = (1_u32 << 16, u32::try_from(24 + stream.len()).unwrap());
    let mut frame = vec![2, 1, 0x10, 1];
    let stream_size = size - 24;
    for number in [nbytes, nbytes, size, 20, stream_size] {
        frame.extend(number.to_le_bytes());
    }
    frame.extend(stream);
    Header::parse(&frame).unwrap();
    refusal(&*exact(1 << 16), &frame, 1 << 16);
}
