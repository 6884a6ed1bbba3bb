//! Fuzzes chunks: the first byte selects a codec chain, the rest is the encoded chunk. The table
//! covers all codecs.
//!
//! A decoded chunk must have the size due. If the chain is lossless, encoding the chunk and
//! decoding it again must yield the same bits.

use std::sync::LazyLock;

use zarr_core::codec::{ChunkData, ChunkSpec, CodecChain};
use zarr_core::{Error, Extension, Registry};

/// Data types, shapes and codecs of the chains. The codecs of a lossy chain start with `~`.
pub const CHAINS: &[(&str, &[u64], &str)] = &[
    (r#""uint8""#, &[64], r#"["bytes"]"#),
    (
        r#""uint16""#,
        &[3, 5],
        r#"[{"name":"bytes","configuration":{"endian":"big"}}]"#,
    ),
    (r#""bool""#, &[9], r#"["bytes"]"#),
    (r#""int16""#, &[4, 3, 2], TRANSPOSE),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"gzip","configuration":{"level":1}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"zstd","configuration":{"level":1,"checksum":true}}]"#,
    ),
    (
        r#""uint8""#,
        &[3000],
        r#"["bytes",{"name":"zstd","configuration":{"level":3,"checksum":false}}]"#,
    ),
    (r#""uint8""#, &[40], r#"["bytes","crc32c"]"#),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"blosc","configuration":{"cname":"blosclz","clevel":5,"shuffle":"noshuffle","typesize":1,"blocksize":0}}]"#,
    ),
    (
        r#""uint32""#,
        &[300],
        r#"[{"name":"bytes","configuration":{"endian":"little"}},{"name":"blosc","configuration":{"cname":"lz4","clevel":5,"shuffle":"shuffle","typesize":4,"blocksize":0}}]"#,
    ),
    (
        r#""uint16""#,
        &[400],
        r#"[{"name":"bytes","configuration":{"endian":"little"}},{"name":"blosc","configuration":{"cname":"zstd","clevel":5,"shuffle":"bitshuffle","typesize":2,"blocksize":128}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"blosc","configuration":{"cname":"zlib","clevel":5,"shuffle":"noshuffle","typesize":3,"blocksize":0}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"blosc","configuration":{"cname":"snappy","clevel":5,"shuffle":"shuffle","typesize":7,"blocksize":0}}]"#,
    ),
    (r#""uint8""#, &[300], r#"["bytes","numcodecs.blosc"]"#),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"conditional","configuration":{"codecs":["crc32c",{"name":"gzip","configuration":{"level":1}}]}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"gzip","configuration":{"level":1}},"crc32c",{"name":"zstd","configuration":{"level":1,"checksum":false}}]"#,
    ),
    (
        r#""uint16""#,
        &[3, 4],
        r#"[{"name":"n5_default","configuration":{"codecs":[{"name":"transpose","configuration":{"order":[1,0]}},{"name":"bytes","configuration":{"endian":"big"}},{"name":"gzip","configuration":{"level":1}}]}}]"#,
    ),
    (
        r#""uint16""#,
        &[3, 4],
        r#"[{"name":"n5_default","configuration":{"codecs":[{"name":"transpose","configuration":{"order":[1,0]}},{"name":"bytes","configuration":{"endian":"big"}}]}}]"#,
    ),
    (
        r#""bool""#,
        &[19],
        r#"[{"name":"packbits","configuration":{"padding_encoding":"first_byte"}}]"#,
    ),
    (r#""int4""#, &[7], r#"["packbits"]"#),
    (
        r#""uint16""#,
        &[7],
        r#"[{"name":"packbits","configuration":{"padding_encoding":"last_byte"}}]"#,
    ),
    (
        r#""uint8""#,
        &[4, 6],
        r#"[{"name":"reshape","configuration":{"shape":[[0],2,3]}},"bytes"]"#,
    ),
    (
        r#""float32""#,
        &[6],
        r#"~[{"name":"bitround","configuration":{"keepbits":4}},{"name":"bytes","configuration":{"endian":"little"}}]"#,
    ),
    (
        r#""float64""#,
        &[6],
        r#"~[{"name":"cast_value","configuration":{"data_type":"int16","rounding":"nearest-even","out_of_range":"clamp","scalar_map":{"encode":[["NaN",7]]}}},{"name":"bytes","configuration":{"endian":"little"}}]"#,
    ),
    (
        r#""int32""#,
        &[6],
        r#"~[{"name":"scale_offset","configuration":{"offset":5,"scale":2}},{"name":"bytes","configuration":{"endian":"little"}}]"#,
    ),
    (
        r#""float32""#,
        &[4, 8],
        r#"[{"name":"zfp","configuration":{"mode":"reversible"}}]"#,
    ),
    (
        r#""float64""#,
        &[5, 3, 2],
        r#"~[{"name":"zfp","configuration":{"mode":"fixed_accuracy","tolerance":0.001}}]"#,
    ),
    (
        r#""int32""#,
        &[9],
        r#"~[{"name":"zfp","configuration":{"mode":"fixed_rate","rate":24}}]"#,
    ),
    (
        r#""int64""#,
        &[9],
        r#"~[{"name":"zfp","configuration":{"mode":"fixed_precision","precision":28}}]"#,
    ),
    (r#""float64""#, &[4, 5], r#"~["numcodecs.zfpy"]"#),
    (r#""uint8""#, &[40], r#"["bytes","numcodecs.adler32"]"#),
    (r#""uint8""#, &[40], r#"["bytes","numcodecs.crc32"]"#),
    (
        r#""uint8""#,
        &[40],
        r#"["bytes",{"name":"numcodecs.crc32c","configuration":{"location":"end"}}]"#,
    ),
    (r#""uint8""#, &[41], r#"["bytes","numcodecs.fletcher32"]"#),
    (
        r#""uint8""#,
        &[40],
        r#"["bytes",{"name":"numcodecs.jenkins_lookup3","configuration":{"initval":7,"prefix":null}}]"#,
    ),
    (
        r#""int32""#,
        &[6],
        r#"~[{"name":"numcodecs.astype","configuration":{"encode_dtype":"<i8","decode_dtype":"<i4"}},{"name":"bytes","configuration":{"endian":"little"}}]"#,
    ),
    (
        r#""float32""#,
        &[6],
        r#"~[{"name":"numcodecs.bitround","configuration":{"keepbits":4}},{"name":"bytes","configuration":{"endian":"little"}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"numcodecs.bz2","configuration":{"level":1}}]"#,
    ),
    (
        r#""int32""#,
        &[6],
        r#"~[{"name":"numcodecs.delta","configuration":{"dtype":"<i4"}},{"name":"bytes","configuration":{"endian":"little"}}]"#,
    ),
    (
        r#""float64""#,
        &[6],
        r#"~[{"name":"numcodecs.fixedscaleoffset","configuration":{"offset":5,"scale":0.1,"dtype":"<f8","astype":"<i4"}},{"name":"bytes","configuration":{"endian":"little"}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"numcodecs.gzip","configuration":{"level":1}}]"#,
    ),
    (r#""uint8""#, &[300], r#"["bytes","numcodecs.lz4"]"#),
    (r#""uint8""#, &[300], r#"["bytes","numcodecs.lzma"]"#),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"numcodecs.lzma","configuration":{"format":2,"preset":1}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"numcodecs.lzma","configuration":{"format":3,"filters":[{"id":3,"dist":4},{"id":33,"preset":1}]}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"numcodecs.lzma","configuration":{"format":1,"filters":[{"id":4},{"id":33,"dict_size":65536}]}}]"#,
    ),
    (r#""bool""#, &[19], r#"["numcodecs.packbits","bytes"]"#),
    (r#""float32""#, &[60], r#"["numcodecs.pcodec"]"#),
    (
        r#""uint16""#,
        &[60],
        r#"[{"name":"numcodecs.pcodec","configuration":{"level":4,"delta_spec":"try_consecutive","delta_encoding_order":2}}]"#,
    ),
    (r#""int64""#, &[3, 20], r#"["numcodecs.pcodec"]"#),
    (
        r#""float64""#,
        &[6],
        r#"~[{"name":"numcodecs.quantize","configuration":{"digits":2,"dtype":"<f8"}},{"name":"bytes","configuration":{"endian":"little"}}]"#,
    ),
    (
        r#""uint8""#,
        &[44],
        r#"["bytes",{"name":"numcodecs.shuffle","configuration":{"elementsize":4}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"numcodecs.zlib","configuration":{"level":1}}]"#,
    ),
    (
        r#""uint8""#,
        &[300],
        r#"["bytes",{"name":"numcodecs.zstd","configuration":{"level":1}}]"#,
    ),
    (r#""string""#, &[4], r#"["vlen-utf8"]"#),
    (
        r#""bytes""#,
        &[2, 3],
        r#"["vlen-bytes",{"name":"zstd","configuration":{"level":1,"checksum":false}}]"#,
    ),
    (
        r#""string""#,
        &[2, 3],
        r#"[{"name":"transpose","configuration":{"order":[1,0]}},"vlen-utf8",{"name":"gzip","configuration":{"level":1}}]"#,
    ),
    (
        r#"{"name":"fixed_length_utf32","configuration":{"length_bytes":12}}"#,
        &[3],
        r#"[{"name":"bytes","configuration":{"endian":"big"}}]"#,
    ),
    (
        r#"{"name":"struct","configuration":{"fields":[{"name":"a","data_type":"bool"},{"name":"b","data_type":"float32"}]}}"#,
        &[4],
        r#"[{"name":"bytes","configuration":{"endian":"big"}},"crc32c"]"#,
    ),
    (
        r#""float8_e4m3""#,
        &[20],
        r#"["bytes",{"name":"gzip","configuration":{"level":1}}]"#,
    ),
    (
        r#""uint8""#,
        &[8],
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[4],"codecs":["bytes"],"index_codecs":[{"name":"bytes","configuration":{"endian":"little"}}]}},{"name":"gzip","configuration":{"level":1}}]"#,
    ),
    (
        r#""int16""#,
        &[4, 4],
        r#"[{"name":"reshape","configuration":{"shape":[2,8]}},{"name":"sharding_indexed","configuration":{"chunk_shape":[2,4],"codecs":[{"name":"bytes","configuration":{"endian":"little"}},"crc32c"],"index_codecs":[{"name":"bytes","configuration":{"endian":"little"}},"crc32c"]}}]"#,
    ),
];

const TRANSPOSE: &str = r#"[{"name":"transpose","configuration":{"order":[2,0,1]}},{"name":"transpose","configuration":{"order":[1,0,2]}},{"name":"bytes","configuration":{"endian":"big"}}]"#;

static BOUND: LazyLock<Vec<CodecChain>> = LazyLock::new(|| {
    let registry = zarr_codecs::registry();
    let all = CHAINS.iter().map(|&(data_type, shape, codecs)| {
        bind(&registry, data_type, shape, codecs.trim_start_matches('~')).expect("binds")
    });
    all.collect()
});

/// Binds a chain of codecs to chunks of a shape and a data type, with the fill value zero.
pub fn bind(
    registry: &Registry,
    data_type: &str,
    shape: &[u64],
    codecs: &str,
) -> Result<CodecChain, Error> {
    let codecs: Vec<Extension> = serde_json::from_str(codecs)?;
    let data_type = registry.bind_data_type(&serde_json::from_str(data_type)?)?;
    let spec = ChunkSpec {
        shape: shape.into(),
        fill_value: data_type.zero(),
        data_type,
    };
    registry.bind_codecs(&codecs, spec)
}

pub(crate) fn run(data: &[u8]) -> usize {
    LazyLock::force(&BOUND);
    let Some((&number, encoded)) = data.split_first() else {
        return 0;
    };
    let number = usize::from(number) % BOUND.len();
    let (chain, lossless) = (&BOUND[number], !CHAINS[number].2.starts_with('~'));
    let declared = chain.decoded().decoded_size(1 << 20).expect("small");
    if let Ok(decoded) = chain.decode_chunk(encoded) {
        check_size(chain, &decoded, declared);
        if lossless {
            check_again(chain, &decoded);
        }
    }
    // Each codec holds its own copy. A chunk without a declared size may decode to as much as the
    // densest format allows. The bzip2 library keeps blocks of 900 kB.
    let inflated = match declared {
        None => 4 * (1 << 15) * encoded.len(),
        Some(_) => 0,
    };
    let state = if CHAINS[number].2.contains("bz2") {
        8 << 20
    } else {
        0
    };
    16 * (declared.unwrap_or(0) + data.len()) + inflated + state
}

fn check_size(chain: &CodecChain, decoded: &ChunkData, declared: Option<usize>) {
    match decoded {
        ChunkData::Fixed(bytes) => assert_eq!(Some(bytes.len()), declared),
        ChunkData::Variable { offsets, bytes } => {
            let len = chain.decoded().elements().expect("small");
            assert_eq!(offsets.len() as u64, len + 1);
            assert_eq!(offsets.last(), Some(&bytes.len()));
        }
    }
}

fn check_again(chain: &CodecChain, decoded: &ChunkData) {
    let mut encoded = Vec::new();
    let done = chain.encode_chunk(decoded, &mut encoded);
    done.expect("what was decoded can be encoded");
    let size = chain.encoded_size().check("encoded", encoded.len());
    size.expect("within the bound of the chain");
    let again = chain.decode_chunk(&encoded).expect("decodes again");
    assert!(&again == decoded, "encode and decode changed bits");
}
