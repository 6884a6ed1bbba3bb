#![expect(clippy::unwrap_used, reason = "tests")]

use zarr_core::{Limits, Registry};

use super::*;
use crate::registry;
use crate::testing::{extension, spec};

const BYTES: &str = r#"{"name": "bytes", "configuration": {"endian": "little"}}"#;
const CRC32C: &str = r#"{"name": "crc32c"}"#;

/// Binds a chain of one `sharding_indexed` codec with these configuration members.
fn chain(members: &str, spec: ChunkSpec) -> Result<CodecChain> {
    chain_of(&registry(), &[&shard(members)], spec)
}

fn chain_of(registry: &Registry, codecs: &[&str], spec: ChunkSpec) -> Result<CodecChain> {
    let codecs: Vec<_> = codecs.iter().map(|json| extension(json)).collect();
    registry.bind_codecs(&codecs, spec)
}

fn shard(members: &str) -> String {
    format!(r#"{{"name": "sharding_indexed", "configuration": {{{members}}}}}"#)
}

fn members(chunk_shape: &str, codecs: &[&str], index_codecs: &[&str]) -> String {
    let (codecs, index_codecs) = (codecs.join(", "), index_codecs.join(", "));
    format!(
        r#""chunk_shape": {chunk_shape}, "codecs": [{codecs}], "index_codecs": [{index_codecs}]"#
    )
}

fn at_start(members: &str) -> String {
    format!(r#"{members}, "index_location": "start""#)
}

fn numbers(numbers: &[u16]) -> ChunkData {
    ChunkData::Fixed(
        numbers
            .iter()
            .flat_map(|number| number.to_ne_bytes())
            .collect(),
    )
}

/// Returns the data of the fixtures: 0 to 23, but zeros in the inner chunk at (0, 1).
fn fixture_data() -> ChunkData {
    let mut values: Vec<u16> = (0..24).collect();
    [2, 3, 8, 9].into_iter().for_each(|place| values[place] = 0);
    numbers(&values)
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/fixtures/{name}.bin", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap()
}

/// Returns the chains that wrote the fixtures.
fn fixture_chains() -> [(&'static str, CodecChain); 2] {
    let gzip = r#"{"name": "gzip", "configuration": {"level": 1}}"#;
    let big = r#"{"name": "bytes", "configuration": {"endian": "big"}}"#;
    let end = members("[2, 2]", &[BYTES, gzip], &[BYTES, CRC32C]);
    let start = at_start(&members("[2, 2]", &[big], &[big]));
    [("shard_end", end), ("shard_start", start)]
        .map(|(name, members)| (name, chain(&members, spec(&[4, 6], "uint16")).unwrap()))
}

#[test]
fn shards_of_another_implementation_are_read() {
    for (name, chain) in fixture_chains() {
        assert_eq!(
            chain.decode_chunk(&fixture(name)).unwrap(),
            fixture_data(),
            "{name}"
        );
    }
}

#[test]
fn shards_round_trip_and_leave_out_what_is_fill() {
    for (name, chain) in fixture_chains() {
        let mut encoded = Vec::new();
        chain.encode_chunk(&fixture_data(), &mut encoded).unwrap();
        chain.encoded_size().check("shard", encoded.len()).unwrap();
        assert_eq!(
            chain.decode_chunk(&encoded).unwrap(),
            fixture_data(),
            "{name}"
        );
        let sharding = chain.sharding().unwrap();
        let range = sharding.index_range().resolve(encoded.len() as u64);
        let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
        let index = sharding.decode_index(&encoded[range]).unwrap();
        assert_eq!(index.entries()[1], ShardIndex::EMPTY);
        assert_eq!(index.entries().len(), 6);
    }
}

#[test]
fn damaged_shards_are_survived() {
    for (name, chain) in fixture_chains() {
        let valid = fixture(name);
        for end in 0..valid.len() {
            chain.decode_chunk(&valid[..end]).unwrap_err();
        }
        let mut damaged = valid.clone();
        for place in 0..valid.len() {
            for change in [1, 0x80, 0xFF] {
                damaged[place] = valid[place] ^ change;
                let _ = chain.decode_chunk(&damaged);
            }
            damaged[place] = valid[place];
        }
    }
}

#[test]
fn offsets_count_from_the_start_of_the_shard() {
    let members = members("[2]", &[BYTES], &[BYTES]);
    for (members, first) in [(members.clone(), 0), (at_start(&members), 48)] {
        let chain = chain(&members, spec(&[6], "uint16")).unwrap();
        let sharding = chain.sharding().unwrap();
        let inner = [Some("aa"), None, Some("bbbb")].map(|it| it.map(Bytes::from));
        let shard = sharding
            .assemble(inner.into_iter().collect())
            .unwrap()
            .concat();
        let (index, chunks) = if first > 0 {
            assert_eq!(sharding.index_range(), ByteRange::Range(0..48));
            (&shard[..48], &shard[48..])
        } else {
            assert_eq!(sharding.index_range(), ByteRange::Suffix(48));
            (&shard[6..], &shard[..6])
        };
        assert_eq!(chunks, b"aabbbb");
        let index = sharding.decode_index(index).unwrap();
        let expected = [[first, 2], ShardIndex::EMPTY, [first + 2, 4]];
        assert_eq!(index.entries(), expected);
    }
}

#[test]
fn shard_of_nothing_is_its_index() {
    let chain = chain(
        &members("[2]", &[BYTES], &[BYTES, CRC32C]),
        spec(&[4], "uint16"),
    )
    .unwrap();
    let sharding = chain.sharding().unwrap();
    let pieces = sharding.assemble(InnerChunks::absent(2)).unwrap();
    assert_eq!(pieces.len(), 1);
    assert_eq!(pieces[0][..32], [0xFF; 32]);
    assert_eq!(pieces[0].len(), 36);
    sharding.assemble(InnerChunks::absent(3)).unwrap_err();
    sharding
        .assemble([Some(Bytes::new()), None].into_iter().collect())
        .unwrap_err();
}

#[test]
fn index_codecs_of_fixed_size_stack() {
    let big = r#"{"name": "bytes", "configuration": {"endian": "big"}}"#;
    let swap = r#"{"name": "transpose", "configuration": {"order": [1, 0]}}"#;
    for (codecs, size) in [
        (vec![BYTES], 32),
        (vec![big, CRC32C, CRC32C], 40),
        (vec![swap, big, CRC32C], 36),
    ] {
        let chain = chain(&members("[2]", &[BYTES], &codecs), spec(&[4], "uint16")).unwrap();
        let sharding = chain.sharding().unwrap();
        assert_eq!(sharding.index_range(), ByteRange::Suffix(size));
        let chunks = vec![Some(Bytes::from("abcd")), None];
        let shard = sharding
            .assemble(chunks.into_iter().collect())
            .unwrap()
            .concat();
        assert_eq!(shard.len(), 4 + usize::try_from(size).unwrap());
        let decoded = sharding.decode_index(&shard[4..]).unwrap();
        assert_eq!(decoded.entries(), [[0, 4], ShardIndex::EMPTY]);
    }
}

#[test]
fn small_pieces_are_joined_and_large_ones_are_not_copied() {
    let large = Bytes::from(vec![1; 1 << 20]);
    let small = Bytes::from(vec![2; 1000]);
    let pieces = [&small, &large, &small, &small, &large].map(Clone::clone);
    let packed = super::pack(pieces.clone().into_iter());
    assert_eq!(packed.concat(), pieces.concat());
    assert_eq!(
        packed.iter().map(Bytes::len).collect::<Vec<_>>(),
        [1000, 1 << 20, 2000, 1 << 20]
    );
    assert_eq!(packed[1].as_ptr(), large.as_ptr());
    let many = super::pack(std::iter::repeat_n(small, 2000));
    assert_eq!(
        many.iter().map(Bytes::len).collect::<Vec<_>>(),
        [1_048_000, 952_000]
    );
}

#[test]
fn damaged_index_is_refused() {
    let chain = chain(
        &members("[2]", &[BYTES], &[BYTES, CRC32C]),
        spec(&[4], "uint16"),
    )
    .unwrap();
    let sharding = chain.sharding().unwrap();
    let index = sharding.assemble(InnerChunks::absent(2)).unwrap().remove(0);
    for size in [0, 35] {
        let error = sharding.decode_index(&index[..size]).unwrap_err();
        assert!(matches!(error, Error::Size { .. }), "{error}");
    }
    let mut damaged = index.to_vec();
    damaged[7] ^= 1;
    let error = sharding.decode_index(&damaged).unwrap_err();
    assert!(matches!(error.root(), Error::Checksum { .. }), "{error}");
}

#[test]
fn inner_chunks_divide_what_the_codec_receives() {
    let transpose = r#"{"name": "transpose", "configuration": {"order": [1, 0]}}"#;
    let bind = |chunk_shape| {
        let shard = shard(&members(chunk_shape, &[BYTES], &[BYTES]));
        chain_of(&registry(), &[transpose, &shard], spec(&[4, 6], "uint16"))
    };
    // The shard codec receives a shape of 6 x 4.
    let chain = bind("[3, 4]").unwrap();
    assert_eq!(chain.sharding().unwrap().chunks_per_shard(), [2, 1]);
    let error = bind("[4, 3]").unwrap_err().to_string();
    let expected = "codecs[1].configuration.chunk_shape: found [4, 3], expected divisors of [6, 4]";
    assert!(error.starts_with(expected), "{error}");
    let mut encoded = Vec::new();
    let data = numbers(&(0..24).collect::<Vec<_>>());
    chain.encode_chunk(&data, &mut encoded).unwrap();
    assert_eq!(chain.decode_chunk(&encoded).unwrap(), data);
}

#[test]
fn shard_without_dimensions_has_one_inner_chunk() {
    let chain = chain(&members("[]", &[BYTES], &[BYTES]), spec(&[], "uint16")).unwrap();
    let mut encoded = Vec::new();
    chain.encode_chunk(&numbers(&[7]), &mut encoded).unwrap();
    assert_eq!(encoded.len(), 2 + 16);
    assert_eq!(chain.decode_chunk(&encoded).unwrap(), numbers(&[7]));
}

#[test]
fn nested_shards_and_codecs_around_them_round_trip() {
    let nested = at_start(&members("[1, 2]", &[BYTES, CRC32C], &[BYTES, CRC32C]));
    let members = members("[2, 2]", &[&shard(&nested)], &[BYTES, CRC32C]);
    let gzip = r#"{"name": "gzip", "configuration": {"level": 5}}"#;
    for codecs in [
        vec![shard(&members)],
        vec![shard(&members), gzip.to_owned()],
    ] {
        let codecs: Vec<&str> = codecs.iter().map(String::as_str).collect();
        let chain = chain_of(&registry(), &codecs, spec(&[4, 6], "uint16")).unwrap();
        let mut encoded = Vec::new();
        chain.encode_chunk(&fixture_data(), &mut encoded).unwrap();
        assert_eq!(chain.decode_chunk(&encoded).unwrap(), fixture_data());
        assert_eq!(chain.sharding().is_some(), codecs.len() == 1);
    }
}

#[test]
fn failures_in_nested_chains_have_their_place() {
    let bad = r#"{"name": "gzip", "configuration": {"level": 10}}"#;
    let cases = [
        (
            members("[2]", &[BYTES, bad], &[BYTES]),
            "codecs[0].configuration.codecs[1].configuration.level: found 10",
        ),
        (
            members("[2]", &[BYTES], &[BYTES, r#"{"name": "nothing"}"#]),
            "codecs[0].configuration.index_codecs[1]: unknown codec \"nothing\"",
        ),
        (
            members("[2]", &[BYTES, "7"], &[BYTES]),
            "codecs[0].configuration.codecs[1]: found 7",
        ),
        (
            members("[2]", &[BYTES], &[r#"{"title": "bytes"}"#]),
            "codecs[0].configuration.index_codecs[0]: ",
        ),
        (
            members("[2]", &[], &[BYTES]),
            "codecs[0].configuration.codecs: found no array -> bytes codec",
        ),
        (
            members("[2]", &[BYTES], &[r#"{"name": "bytes"}"#]),
            "codecs[0].configuration.index_codecs[0].configuration: missing member",
        ),
        (
            members("[2]", &[BYTES], &[BYTES, &bad.replace("10", "1")]),
            "codecs[0].configuration.index_codecs: found an index codec whose encoded size varies",
        ),
    ];
    for (members, expected) in cases {
        let error = chain(&members, spec(&[4], "uint16"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with(expected),
            "{error:?} should start with {expected:?}"
        );
    }
}

#[test]
fn bad_configurations_are_refused() {
    let good = members("[2]", &[BYTES], &[BYTES]);
    let index_codecs = format!(r#", "index_codecs": [{BYTES}]"#);
    let cases = [
        good.replace("[2]", "[0]"),
        good.replace("[2]", "[3]"),
        good.replace("[2]", "[8]"),
        good.replace("[2]", "[2, 2]"),
        good.replace("[2]", "[]"),
        good.replace("[2]", "[-2]"),
        good.replace("[2]", "[2.0]"),
        good.replace("[2]", "2"),
        good.replace(r#""chunk_shape": [2], "#, ""),
        good.replace(&index_codecs, ""),
        good.replace(r#""codecs": ["#, r#""kodecs": ["#),
        format!(r#"{good}, "index_location": "middle""#),
        format!(r#"{good}, "index_location": null"#),
        format!(r#"{good}, "more": 1"#),
    ];
    chain(&good, spec(&[4], "uint16")).unwrap();
    for case in cases {
        let error = chain(&case, spec(&[4], "uint16")).unwrap_err().to_string();
        assert!(
            error.starts_with("codecs[0].configuration"),
            "{case}: {error}"
        );
    }
}

#[test]
fn index_size_is_bounded_when_the_codec_is_bound() {
    let members = members("[1, 1]", &[BYTES], &[BYTES]);
    // The index needs 2^64 bytes or more.
    for shape in [[1 << 30, 1 << 30], [1 << 32, 1 << 28], [u64::MAX, 1]] {
        let error = chain(&members, spec(&shape, "uint8")).unwrap_err();
        assert!(matches!(error.root(), Error::TooLarge { .. }), "{error}");
    }
    let limits = Limits {
        max_index_size: 16 * 100,
        ..Limits::default()
    };
    let registry = registry().with_limits(limits);
    let bind = |len| chain_of(&registry, &[&shard(&members)], spec(&[len, 10], "uint8"));
    bind(10).unwrap();
    bind(11).unwrap_err();
}

#[test]
fn shards_nested_too_deep_are_refused() {
    let nest = |depth: usize| {
        let innermost = BYTES.to_owned();
        (0..depth).fold(innermost, |codec, _| {
            shard(&members("[1]", &[&codec], &[BYTES]))
        })
    };
    let bind = |depth| chain_of(&registry(), &[&nest(depth)], spec(&[1], "uint16"));
    bind(8).unwrap();
    let error = bind(9).unwrap_err();
    assert!(matches!(error.root(), Error::TooLarge { .. }), "{error}");
}
