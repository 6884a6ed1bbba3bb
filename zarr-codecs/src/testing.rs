//! Functions that the tests of the codecs share.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use serde_json::value::RawValue;
use zarr_core::codec::{BytesToBytes, ChunkData, ChunkSpec, CodecChain, EncodedSize};
use zarr_core::{Binder, DataType, Error, Extension, Registry, Result};

/// Parses an extension from its JSON text.
pub(crate) fn extension(json: &str) -> Extension {
    serde_json::from_str(json).expect("an extension object")
}

/// Returns a binder for all codecs of this crate.
pub(crate) fn binder() -> Binder<'static> {
    static REGISTRY: LazyLock<Registry> = LazyLock::new(crate::registry);
    Binder::new(&REGISTRY)
}

/// Returns the specification of a chunk of this shape and core data type, with the fill value zero.
pub(crate) fn spec(shape: &[u64], data_type: &str) -> ChunkSpec {
    let data_type = DataType::core(data_type).expect("a core data type");
    ChunkSpec {
        shape: shape.into(),
        fill_value: data_type.zero(),
        data_type,
    }
}

/// Returns bytes that compress a little; the fixtures of `tests/fixtures/make.py` decode to them.
pub(crate) fn sample(size: usize) -> Vec<u8> {
    let numbers = (0..).flat_map(|i: u32| (i.wrapping_mul(i) / 4096).to_le_bytes());
    numbers.take(size).collect()
}

/// Returns the fixtures whose names start with `prefix`: name, encoded bytes, and decoded size.
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

/// Encodes bytes, then checks their size and both ways of decoding.
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

/// Returns the error of both ways of decoding to `size` bytes, after checking that neither leaves
/// bytes behind.
pub(crate) fn refusal(codec: &dyn BytesToBytes, encoded: &[u8], size: usize) -> Error {
    let mut decoded = b"before".to_vec();
    let error = codec.decode(encoded, &mut decoded).expect_err("decode");
    assert_eq!(decoded, b"before");
    codec
        .decode_exact(encoded, &mut vec![0; size])
        .expect_err("decode_exact");
    error
}

/// Cuts valid bytes at every position and changes each byte in several ways: nothing may panic, and
/// any decoded result must have the size due.
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
    for_each_damage(encoded, &mut try_both);
}

fn for_each_damage(encoded: &[u8], mut visit: impl FnMut(&[u8])) {
    (0..encoded.len()).for_each(|end| visit(&encoded[..end]));
    let mut damaged = encoded.to_vec();
    for place in 0..encoded.len() {
        for change in [0x01, 0x08, 0x20, 0x80, 0x7F, 0xFF] {
            damaged[place] = encoded[place] ^ change;
            visit(&damaged);
        }
        damaged[place] = encoded[place];
    }
}

/// Binds a comma-separated list of codecs to a chunk with the fill value zero.
pub(crate) fn chain(codecs: &str, shape: &[u64], data_type: &str) -> Result<CodecChain> {
    filled_chain(codecs, shape, data_type, None)
}

/// Binds a comma-separated list of codecs to a chunk with a given fill value.
pub(crate) fn filled_chain(
    codecs: &str,
    shape: &[u64],
    data_type: &str,
    fill: Option<&RawValue>,
) -> Result<CodecChain> {
    let codecs: Vec<Extension> = serde_json::from_str(&format!("[{codecs}]"))?;
    let registry = crate::registry().with_registered_data_types();
    let data_type = registry.bind_data_type(&Extension::new(data_type))?;
    let fill = fill.map(|fill| data_type.parse_fill_value(fill));
    let spec = ChunkSpec {
        shape: shape.into(),
        fill_value: fill.transpose()?.unwrap_or_else(|| data_type.zero()),
        data_type,
    };
    registry.bind_codecs(&codecs, spec)
}

/// Encodes a chunk, checks the size, and checks that it decodes to the same bits.
pub(crate) fn assert_chunk_round_trip(chain: &CodecChain, elements: Vec<u8>) {
    let decoded = ChunkData::Fixed(elements);
    let mut encoded = Vec::new();
    chain.encode_chunk(&decoded, &mut encoded).expect("encode");
    chain
        .encoded_size()
        .check("encoded", encoded.len())
        .expect("encoded_size");
    assert!(chain.decode_chunk(&encoded).expect("decode") == decoded);
}

/// Damages an encoded chunk at every position: nothing may panic, and any decoded result must have
/// the size due.
pub(crate) fn assert_chunks_survive_damage(chain: &CodecChain, encoded: &[u8]) {
    let size = chain.decoded().decoded_size(u64::MAX).expect("a size");
    for_each_damage(encoded, |damaged| {
        if let Ok(ChunkData::Fixed(bytes)) = chain.decode_chunk(damaged) {
            assert_eq!(Some(bytes.len()), size);
        }
    });
}

/// Checks that a codec refuses each of the configurations.
pub(crate) fn assert_refused(
    bind: fn(&Extension, EncodedSize, &Binder<'_>) -> Result<Arc<dyn BytesToBytes>>,
    configurations: &[&str],
) {
    for configuration in configurations {
        let json = format!(r#"{{"name": "x", "configuration": {configuration}}}"#);
        let bound = bind(&extension(&json), EncodedSize::Exact(1), &binder());
        assert!(bound.is_err(), "{json}");
    }
}

/// Checks a compressor against the fixtures of a prefix and against hostile bytes; `more` is one
/// more hostile input, for 500 bytes.
pub(crate) fn assert_compressor(
    prefix: &str,
    bind: impl Fn(EncodedSize) -> Result<Arc<dyn BytesToBytes>>,
    more: &[u8],
) {
    let exact = |size| bind(EncodedSize::Exact(size)).expect("bound");
    let at_most = |size| bind(EncodedSize::AtMost(size)).expect("bound");
    for (name, encoded, size) in fixtures(prefix) {
        println!("{name}");
        assert_decodes(&*exact(size), &encoded, &sample(size));
        assert_decodes(&*at_most(size + 1), &encoded, &sample(size));
        let decoded = if encoded.len() < 700 {
            sample(size)
        } else {
            sample(300)
        };
        let mut encoded = Vec::new();
        let codec = exact(decoded.len());
        codec.encode(&decoded, &mut encoded).expect("encode");
        assert_survives_damage(&*codec, &encoded, decoded.len());
        refusal(&*codec, &[&encoded[..], b"x"].concat(), decoded.len());
        for end in 0..encoded.len() {
            refusal(&*codec, &encoded[..end], decoded.len());
        }
        refusal(&*exact(decoded.len() - 1), &encoded, decoded.len() - 1);
        refusal(&*exact(decoded.len() + 1), &encoded, decoded.len() + 1);
    }
    refusal(&*exact(500), more, 500);
    for size in [1, 2, 100, 70_000, 300_000] {
        assert_round_trip(&*exact(size), &sample(size));
        assert_round_trip(&*at_most(1 << 40), &sample(size));
    }
    let mut bomb = Vec::new();
    let zeros = vec![0; 64 << 20];
    exact(zeros.len())
        .encode(&zeros, &mut bomb)
        .expect("encode");
    for codec in [exact(1000), at_most(1000)] {
        let mut buffer = Vec::new();
        codec.decode(&bomb, &mut buffer).expect_err("a bomb");
        assert!(buffer.capacity() < 4096);
    }
}
