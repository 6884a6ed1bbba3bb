//! Generates the seeds of all targets with our own encoders, in the folder given as argument:
//! `cargo run -p zarr-fuzz --bin seeds fuzz/seeds`. Seeds that a fuzzer found are named `found-...`
//! and stay.

use std::fs;
use std::path::{Path, PathBuf};

use zarr_core::codec::{ChunkData, CodecChain};
use zarr_core::metadata::ArrayMetadata;
use zarr_core::{ArrayLayout, DataTypeKind, Registry};
use zarr_fuzz::{CHAINS, SHARDED, bag, bind};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Seeds(PathBuf);

impl Seeds {
    fn add(&self, target: &str, name: &str, data: &[u8]) -> Result {
        let folder = self.0.join(target);
        fs::create_dir_all(&folder)?;
        Ok(fs::write(folder.join(name), data)?)
    }
}

fn main() -> Result {
    let folder = std::env::args().nth(1).ok_or("usage: seeds FOLDER")?;
    let seeds = Seeds(Path::new(&folder).to_owned());
    let registry = zarr_codecs::registry();
    codec_chain(&seeds, &registry)?;
    sharded(&seeds, &registry)?;
    documents(&seeds, &registry)?;
    plans_and_keys(&seeds)
}

/// Returns elements that are valid for every data type and that compress a little.
fn sample(chain: &CodecChain) -> Result<ChunkData> {
    let spec = chain.decoded();
    let len = usize::try_from(spec.elements()?)?;
    let Some(item_size) = spec.data_type.fixed_size() else {
        let texts = (0..len).map(|number| "ab".repeat(number));
        let bytes = texts.clone().collect::<String>().into_bytes();
        let ends = texts.scan(0, |end, text| {
            *end += text.len();
            Some(*end)
        });
        let offsets = std::iter::once(0).chain(ends).collect();
        return Ok(ChunkData::Variable { offsets, bytes });
    };
    // The upper half of a code point's bytes is zero.
    let text = spec.data_type.kind() == DataTypeKind::Text;
    let numbers = (0..len * item_size)
        .map(|place| u8::from((place % 7 == 0 || place % 11 < 3) && !(text && place % 4 > 1)));
    Ok(ChunkData::Fixed(numbers.collect()))
}

fn encoded(chain: &CodecChain) -> Result<Vec<u8>> {
    let mut encoded = Vec::new();
    chain.encode_chunk(&sample(chain)?, &mut encoded)?;
    Ok(encoded)
}

fn codec_chain(seeds: &Seeds, registry: &Registry) -> Result {
    for (number, (data_type, shape, codecs)) in CHAINS.iter().enumerate() {
        let chain = bind(registry, data_type, shape, codecs.trim_start_matches('~'))?;
        let number = u8::try_from(number)?;
        let seed = [&[number], &encoded(&chain)?[..]].concat();
        seeds.add("codec_chain", &format!("chain-{number:02}"), &seed)?;
    }
    Ok(())
}

/// Returns the metadata document of a sharded array.
fn sharded_document(shape: &[u64], codecs: &str) -> String {
    let little = r#"{"name":"bytes","configuration":{"endian":"little"}}"#;
    let codecs = codecs
        .replace("LITTLE", little)
        .replace("BIG", &little.replace("little", "big"));
    format!(
        r#"{{"zarr_format":3,"node_type":"array","shape":{shape:?},"data_type":"uint16","fill_value":7,
"chunk_grid":{{"name":"regular","configuration":{{"chunk_shape":{shape:?}}}}},
"chunk_key_encoding":{{"name":"default"}},"codecs":{codecs}}}"#
    )
}

fn layout(document: &str, registry: &Registry) -> Result<ArrayLayout> {
    let metadata = ArrayMetadata::parse(document.as_bytes())?;
    Ok(ArrayLayout::bind(&metadata, registry)?)
}

fn sharded(seeds: &Seeds, registry: &Registry) -> Result {
    for (number, (shape, codecs)) in SHARDED.iter().enumerate() {
        let document = sharded_document(shape, codecs);
        let layout = layout(&document, registry)?;
        let shard = encoded(layout.codecs())?;
        // Half of the inner chunks hold only the fill value.
        let ChunkData::Fixed(mut elements) = sample(layout.codecs())? else {
            panic!("uint16")
        };
        let half = elements.len() / 2;
        for element in elements[half..].as_chunks_mut::<2>().0 {
            *element = 7_u16.to_ne_bytes();
        }
        let mut sparse = Vec::new();
        let chunk = ChunkData::Fixed(elements);
        layout.codecs().encode_chunk(&chunk, &mut sparse)?;
        let first = u8::try_from(number)?;
        for (name, shard) in [("full", &shard), ("sparse", &sparse)] {
            let seed = [&[first, 0, 3, 1, 5], &shard[..]].concat();
            seeds.add("shard_read", &format!("{name}-{number}"), &seed)?;
        }
        let selection = [2, 0, 0x40, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for kind in 0..3 {
            let mut selection = selection;
            selection[0] = kind;
            let seed = bag(document.as_bytes(), &selection, &[Some(&shard), None]);
            seeds.add("array_read", &format!("sharded-{number}-{kind}"), &seed)?;
        }
        if let Some(sharding) = layout.codecs().sharding() {
            let range = sharding.index_range().resolve(shard.len() as u64);
            let index = &shard[usize::try_from(range.start)?..]
                [..usize::try_from(range.end - range.start)?];
            for chain in 0..6 {
                let seed = [&[chain, 0xe8], index].concat();
                seeds.add("shard_index", &format!("index-{number}-{chain}"), &seed)?;
            }
        }
    }
    // A shard index of six entries, as many as the chains of the target have, for a chain without a
    // checksum and for one with.
    let entries = [
        [0_u64, 8],
        [8, 8],
        [u64::MAX; 2],
        [16, u64::MAX],
        [0, 0],
        [u64::MAX - 3, 8],
    ];
    let index = entries
        .as_flattened()
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect::<Vec<_>>();
    for chain in [0, 1] {
        seeds.add(
            "shard_index",
            &format!("odd-{chain}"),
            &[&[chain, 0xe8], &index[..]].concat(),
        )?;
    }
    Ok(())
}

const GROUP: &str =
    r#"{"zarr_format":3,"node_type":"group","attributes":{"a":[1,{"b":"\u00e9"}]}}"#;

const V2: &str = r#"{"zarr_format":2,"shape":[10,20],"chunks":[5,7],"dtype":"<f4","compressor":{"id":"blosc","cname":"lz4","clevel":5,"shuffle":1,"blocksize":0},"fill_value":"NaN","order":"F","filters":[{"id":"delta","dtype":"<f4"}],"dimension_separator":"/"}"#;

/// Data types, each with a fill value.
const DATA_TYPES: &[(&str, &str)] = &[
    (r#""bool""#, "true"),
    (r#""int8""#, "-128"),
    (r#""uint64""#, "18446744073709551615"),
    (r#""float16""#, r#""0x7e01""#),
    (r#""float32""#, r#""-Infinity""#),
    (r#""float64""#, "1e-300"),
    (r#""complex64""#, r#"["NaN", 1.5]"#),
    (r#""r24""#, "[1, 2, 255]"),
    (r#""bfloat16""#, "0.1"),
    (r#""float8_e5m2""#, r#""Infinity""#),
    (r#""float4_e2m1fn""#, "1.5"),
    (r#""complex_bfloat16""#, "[1, -0.0]"),
    (r#""int2""#, "-2"),
    (r#""uint4""#, "15"),
    (r#""string""#, r#""h\u00e9""#),
    (r#""bytes""#, r#""AAE=""#),
    (
        r#"{"name":"fixed_length_utf32","configuration":{"length_bytes":8}}"#,
        r#""ab""#,
    ),
    (
        r#"{"name":"null_terminated_bytes","configuration":{"length_bytes":5}}"#,
        r#""YWI=""#,
    ),
    (
        r#"{"name":"raw_bytes","configuration":{"length_bytes":3}}"#,
        r#""YWJj""#,
    ),
    (
        r#"{"name":"numpy.datetime64","configuration":{"unit":"ns","scale_factor":10}}"#,
        r#""NaT""#,
    ),
    (
        r#"{"name":"struct","configuration":{"fields":[{"name":"x","data_type":"int16"},{"name":"y","data_type":"float32"}]}}"#,
        r#"{"x": 1, "y": "NaN"}"#,
    ),
];

fn documents(seeds: &Seeds, registry: &Registry) -> Result {
    for (number, (shape, codecs)) in SHARDED.iter().enumerate() {
        let seed = [b"\0", sharded_document(shape, codecs).as_bytes()].concat();
        seeds.add("metadata_json", &format!("sharded-{number}"), &seed)?;
    }
    for (number, (data_type, fill)) in DATA_TYPES.iter().enumerate() {
        let codec = match *data_type {
            r#""string""# => r#""vlen-utf8""#,
            r#""bytes""# => r#""vlen-bytes""#,
            _ => r#"{"name":"bytes","configuration":{"endian":"little"}}"#,
        };
        let document = format!(
            r#"{{"zarr_format":3,"node_type":"array","shape":[10,4],"data_type":{data_type},"fill_value":{fill},
"chunk_grid":{{"name":"rectilinear","configuration":{{"kind":"inline","chunk_shapes":[[[2,3],4],2]}}}},
"chunk_key_encoding":{{"name":"v2","configuration":{{"separator":"."}}}},"codecs":[{codec}],
"attributes":{{"unit":"m"}},"dimension_names":["y",null],"extra":{{"must_understand":false}}}}"#
        );
        layout(&document, registry)?;
        let seed = [b"\x03", document.as_bytes()].concat();
        seeds.add("metadata_json", &format!("data-type-{number:02}"), &seed)?;
        let seed = bag(document.as_bytes(), &[2; 16], &[None, Some(&[0; 16]), None]);
        seeds.add("array_read", &format!("data-type-{number:02}"), &seed)?;
    }
    for (number, (data_type, shape, codecs)) in CHAINS.iter().enumerate() {
        let codecs = codecs.trim_start_matches('~');
        let chain = bind(registry, data_type, shape, codecs)?;
        let fill = chain
            .decoded()
            .data_type
            .fill_value_to_json(&chain.decoded().fill_value);
        let document = format!(
            r#"{{"zarr_format":3,"node_type":"array","shape":{shape:?},"data_type":{data_type},"fill_value":{fill},
"chunk_grid":{{"name":"regular","configuration":{{"chunk_shape":{shape:?}}}}},
"chunk_key_encoding":{{"name":"default"}},"codecs":{codecs}}}"#
        );
        layout(&document, registry)?;
        let seed = [b"\0", document.as_bytes()].concat();
        seeds.add("metadata_json", &format!("chain-{number:02}"), &seed)?;
        let seed = bag(document.as_bytes(), &[2; 16], &[Some(&encoded(&chain)?)]);
        seeds.add("array_read", &format!("chain-{number:02}"), &seed)?;
    }
    seeds.add(
        "metadata_json",
        "group",
        &[b"\0", GROUP.as_bytes()].concat(),
    )?;
    let consolidated = format!(
        r#"{{"zarr_format":3,"node_type":"group","consolidated_metadata":{{"kind":"inline","must_understand":false,"metadata":{{"a":{GROUP},"a/b":{}}}}}}}"#,
        sharded_document(SHARDED[0].0, SHARDED[0].1)
    );
    seeds.add(
        "metadata_json",
        "consolidated",
        &[b"\0", consolidated.as_bytes()].concat(),
    )?;
    let v2 = [b"\x01", V2.as_bytes(), b"\0", br#"{"unit":"m"}"#].concat();
    seeds.add("metadata_json", "v2-array", &v2)?;
    for (name, dtype) in [
        (
            "object",
            r#""|O","filters":[{"id":"vlen-utf8"}],"compressor":null,"fill_value":null"#,
        ),
        (
            "struct",
            r#"[["a","<i2"],["b",">f8",[2]]],"filters":null,"compressor":null,"fill_value":null"#,
        ),
        (
            "time",
            r#""<M8[ns]","filters":null,"compressor":{"id":"zlib","level":1},"fill_value":0"#,
        ),
        (
            "text",
            r#"">U5","filters":null,"compressor":null,"fill_value":"a""#,
        ),
    ] {
        let text =
            format!(r#"{{"zarr_format":2,"shape":[3],"chunks":[2],"order":"C","dtype":{dtype}}}"#);
        seeds.add(
            "metadata_json",
            &format!("v2-{name}"),
            &[b"\x01", text.as_bytes()].concat(),
        )?;
    }
    let group = [&b"\x02"[..], br#"{"zarr_format":2}"#, b"\0", br#"{"a":1}"#].concat();
    seeds.add("metadata_json", "v2-group", &group)?;
    Ok(())
}

fn plans_and_keys(seeds: &Seeds) -> Result {
    for number in 0..40_u8 {
        // Ranks from 1 to 5, then lengths, chunks, grids and selections from an arithmetic sequence
        // modulo 256.
        let bytes =
            (0..120_u8).map(|place| place.wrapping_mul(number | 1).wrapping_add(number) & 0x7f);
        let seed = std::iter::once(1 + number % 5)
            .chain(bytes)
            .collect::<Vec<_>>();
        seeds.add("plan", &format!("steps-{number:02}"), &seed)?;
    }
    let keys = [
        "",
        "/",
        "a",
        "a/b",
        "/a b/..c/%2e",
        "é/\u{10ffff}",
        "a//b",
        "../x",
        "__a",
        "zarr.json",
        "a~b[0]/c",
        "x\0y",
        "c/0/1",
    ];
    for (number, key) in keys.iter().enumerate() {
        let options = u8::try_from(number)?;
        let seed = [&[options, 3, 8, 0x25, 1, 2, 7, 9], key.as_bytes()].concat();
        seeds.add("key_roundtrip", &format!("key-{number:02}"), &seed)?;
    }
    Ok(())
}
