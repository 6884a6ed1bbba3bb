//! Every data type with every codec that binds: encode and decode keep all bits, or the precision
//! of the codec, and a plan for a selection reads the matching slice of a whole read.
//!
//! `ZARR_PROPTEST_CASES` sets the number of random chains.

#![expect(clippy::unwrap_used, reason = "tests")]

mod chunks;
mod tables;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use Law::{FixedPoint, Lossless, Within};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use zarr::{ArrayMetadata, Registry, Selection, registry};
use zarr_core::codec::ChunkData;
use zarr_core::plan::{Body, ObjectState, ReadPlan, Work, WriteOptions, WritePlan};
use zarr_core::{ArrayLayout, ByteRange, DataType, DataTypeKind, Error, Input, Output};

use self::chunks::*;
use self::tables::*;

static REGISTRY: LazyLock<Registry> = LazyLock::new(registry);

/// Legitimate refusals: `numcodecs.shuffle` takes whole elements of its own size, which compressed
/// bytes may not form; zfp cannot store all unsigned integers; strings in a shard with outer codecs
/// are unsupported.
const REFUSALS: [&str; 3] = [
    "shuffled bytes",
    "outside the range that zfp stores",
    "unsupported: variable-size elements",
];

/// Checks the law of a chain; false if the codecs refuse the elements.
fn check(data_type: &Value, codecs: &[Value], law: Law, random: &[u8]) -> Option<bool> {
    let layout = bind(data_type, codecs).ok()?;
    let what = || format!("{data_type} {}", json!(codecs));
    let bound = layout.data_type().clone();
    // The data type has no zero, and rounding to zero is a decoding error.
    if law != Lossless && bound.name().contains("e8m0fnu") {
        return Some(false);
    }
    let elements = match law {
        Lossless => any_elements(&bound, random),
        FixedPoint | Within(_) => small_numbers(&bound, random)?,
    };
    let stored = match Stored::new(layout.clone(), &elements) {
        Ok(stored) => stored,
        Err(error)
            if law == Lossless
                && !REFUSALS
                    .iter()
                    .any(|refusal| error.to_string().contains(refusal)) =>
        {
            panic!("{}: {error}", what())
        }
        Err(_) => return Some(false),
    };
    let whole = stored
        .read(&Selection::all())
        .unwrap_or_else(|error| panic!("{}: {error}", what()));
    match law {
        Lossless if what().contains("zfp") && bound.fixed_size() <= Some(2) => {
            assert_eq!(
                known(&bound, &whole),
                known(&bound, &elements),
                "{}",
                what()
            );
        }
        Lossless => assert_eq!(whole, elements, "{}", what()),
        FixedPoint => {
            let again =
                Stored::new(layout, &whole).and_then(|stored| stored.read(&Selection::all()));
            assert_eq!(again.as_ref(), Ok(&whole), "{}", what());
        }
        // These modes of zfp guarantee nothing for integers.
        Within(_) if bound.kind() != DataTypeKind::Float => {}
        Within(distance) => {
            for (found, due) in whole.iter().zip(&elements) {
                let (found, due) = (number(&bound, found), number(&bound, due));
                assert!(
                    (found - due).abs() <= distance,
                    "{}: {found}, {due}",
                    what()
                );
            }
        }
    }
    let edge = |place: usize, len: u64| u64::from(random[place % random.len()]) % (len + 1);
    let ranges = [0, 1].map(|axis| {
        let (a, b) = (edge(2 * axis, SHAPE[axis]), edge(2 * axis + 1, SHAPE[axis]));
        a.min(b)..a.max(b)
    });
    for ranges in [ranges, [2..4, 3..6], [4..5, 5..6]] {
        let part = stored.read(&Selection::ranges(&ranges).unwrap());
        assert_eq!(part, Ok(slice(&whole, &ranges)), "{} {ranges:?}", what());
    }
    Some(true)
}

/// The first array-to-bytes codec that supports this data type.
fn plain(data_type: &Value) -> Value {
    let mut codecs = array_to_bytes().into_iter();
    codecs
        .find(|(codec, _)| bind(data_type, std::slice::from_ref(codec)).is_ok())
        .unwrap()
        .0
}

const RANDOM: [u8; 37] = [
    7, 0, 255, 128, 1, 64, 3, 200, 17, 90, 33, 0, 0, 254, 127, 5, 11, 13, 250, 99, 41, 80, 160, 31,
    2, 240, 15, 72, 9, 180, 60, 143, 21, 192, 224, 110, 77,
];

#[test]
fn every_data_type_keeps_its_bits_in_every_codec_that_binds() {
    let (mut bound, mut run) = (BTreeMap::<String, u32>::new(), 0);
    let mut count = |codec: &Value, result: Option<bool>| {
        let name = codec
            .as_str()
            .or(codec["name"].as_str())
            .unwrap()
            .to_owned();
        *bound.entry(name).or_default() += u32::from(result.is_some());
        run += u32::from(result == Some(true));
    };
    let data_types = data_types();
    for data_type in &data_types {
        let plain = plain(data_type);
        for (codec, law) in array_to_array(data_type) {
            // The codec may change the data type.
            let chains = array_to_bytes()
                .into_iter()
                .filter(|(_, law)| *law == Lossless);
            for (bytes, _) in chains {
                count(
                    &codec,
                    check(data_type, &[codec.clone(), bytes], law, &RANDOM),
                );
            }
        }
        for (codec, law) in array_to_bytes() {
            count(
                &codec,
                check(data_type, std::slice::from_ref(&codec), law, &RANDOM),
            );
        }
        for codec in bytes_to_bytes() {
            count(
                &codec,
                check(
                    data_type,
                    &[plain.clone(), codec.clone()],
                    Lossless,
                    &RANDOM,
                ),
            );
        }
    }
    let total = bound.values().sum::<u32>();
    println!("{total} combinations bind, {run} run: {bound:?}");
    // Additions to the registry must be added to the lists above.
    for name in registered("codecs") {
        assert!(bound.get(&name).is_some_and(|&count| count > 0), "{name}");
    }
    for name in registered("data_types") {
        let listed = |data_type: &Value| data_type == &json!(name) || data_type["name"] == name;
        assert!(data_types.iter().any(listed), "{name}");
    }
    assert!(total >= 6159 && run >= 6093, "{total} bind, {run} run");
}

/// Returns the registered names of one kind of extension.
fn registered(sort: &str) -> Vec<String> {
    let all = format!("{:?}", *REGISTRY);
    let (_, names) = all.split_once(&format!("{sort}: [")).unwrap();
    let names = names.split(']').next().unwrap().split(", ");
    names
        .map(|name| name.trim_matches('"').to_owned())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_chains_keep_all_bits(
        data_type in 0..data_types().len(),
        transposed: bool,
        first in 0..array_to_bytes().len(),
        compressors in prop::collection::vec(0..bytes_to_bytes().len(), 0..4),
        shards in 0_usize..3,
        random in prop::collection::vec(any::<u8>(), 8..300),
    ) {
        let data_type = &data_types()[data_type];
        let (bytes, law) = array_to_bytes()[first].clone();
        let bytes = if law == Lossless && bind(data_type, std::slice::from_ref(&bytes)).is_ok() { bytes } else { plain(data_type) };
        let compressed = compressors.iter().map(|&number| bytes_to_bytes()[number].clone());
        let mut chain = std::iter::once(bytes).chain(compressed).collect::<Vec<_>>();
        let index = json!([extension("bytes", json!({"endian": "little"})), "crc32c"]);
        for depth in 0..shards {
            // The codec's own inner chunks are [3, 2].
            let large = depth + 1 == shards || chain[0]["name"] == "sharding_indexed";
            let shape = if large { [3, 2] } else { [1, 2] };
            let shard = json!({"chunk_shape": shape, "codecs": chain, "index_codecs": index});
            let outer = extension("sharding_indexed", shard);
            chain = vec![outer];
        }
        if transposed && chain[0]["name"] != "sharding_indexed" {
            chain.insert(0, extension("transpose", json!({"order": [1, 0]})));
        }
        let result = check(data_type, &chain, Lossless, &random);
        // Only whole elements can be shuffled.
        let shuffled = json!(chain).to_string().contains("numcodecs.shuffle");
        prop_assert!(result.is_some() || shuffled, "{} does not bind", json!(chain));
    }
}

fn cases() -> u32 {
    let wanted = std::env::var("ZARR_PROPTEST_CASES").ok();
    wanted.map_or(300, |wanted| wanted.parse().unwrap())
}
