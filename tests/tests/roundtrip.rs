//! Every data type with every codec that binds: encode and decode keep all bits, or the precision
//! of the codec, and a plan for a selection reads the matching slice of a whole read.
//!
//! `ZARR_PROPTEST_CASES` sets the number of random chains.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use zarr::{ArrayMetadata, Registry, Selection, registry};
use zarr_core::codec::ChunkData;
use zarr_core::plan::{Body, ObjectState, ReadPlan, Work, WriteOptions, WritePlan};
use zarr_core::{ArrayLayout, ByteRange, DataType, DataTypeKind, Error, Input, Output};

static REGISTRY: LazyLock<Registry> = LazyLock::new(registry);

fn extension(name: &str, configuration: Value) -> Value {
    json!({"name": name, "configuration": configuration})
}

/// All data types, with a configuration if they require one.
fn data_types() -> Vec<Value> {
    let plain = [
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
        "complex64",
        "complex128",
        "r8",
        "r24",
        "bfloat16",
        "complex_bfloat16",
        "complex_float4_e2m1fn",
        "complex_float6_e2m3fn",
        "complex_float6_e3m2fn",
        "complex_float8_e3m4",
        "complex_float8_e4m3",
        "complex_float8_e4m3b11fnuz",
        "complex_float8_e4m3fnuz",
        "complex_float8_e5m2",
        "complex_float8_e5m2fnuz",
        "complex_float8_e8m0fnu",
        "float8_e4m3fn",
        "complex_float16",
        "complex_float32",
        "complex_float64",
        "float4_e2m1fn",
        "float6_e2m3fn",
        "float6_e3m2fn",
        "float8_e3m4",
        "float8_e4m3",
        "float8_e4m3b11fnuz",
        "float8_e4m3fnuz",
        "float8_e5m2",
        "float8_e5m2fnuz",
        "float8_e8m0fnu",
        "int2",
        "int4",
        "uint2",
        "uint4",
        "string",
        "bytes",
        "variable_length_bytes",
    ];
    let fields = json!([
        {"name": "flag", "data_type": "bool"},
        {"name": "value", "data_type": "float32"},
        {"name": "text", "data_type": extension("fixed_length_utf32", json!({"length_bytes": 8}))},
    ]);
    let configured = [
        extension("fixed_length_utf32", json!({"length_bytes": 12})),
        extension("null_terminated_bytes", json!({"length_bytes": 5})),
        extension("raw_bytes", json!({"length_bytes": 3})),
        extension(
            "numpy.datetime64",
            json!({"unit": "ns", "scale_factor": 10}),
        ),
        extension("numpy.timedelta64", json!({"unit": "s", "scale_factor": 1})),
        extension("struct", json!({"fields": fields})),
        extension("optional", json!({"name": "int16", "configuration": {}})),
        extension(
            "zarrs.optional",
            json!({"name": "bool", "configuration": {}}),
        ),
        extension(
            "structured",
            json!({"fields": [["flag", "bool"], ["value", "float32"]]}),
        ),
    ];
    plain
        .iter()
        .map(|name| json!(name))
        .chain(configured)
        .collect()
}

/// The NumPy name of a data type.
fn numpy(data_type: &Value) -> Option<&'static str> {
    let codes = [
        ("int8", "|i1"),
        ("int16", "<i2"),
        ("int32", "<i4"),
        ("int64", "<i8"),
        ("uint8", "|u1"),
        ("uint16", "<u2"),
        ("uint32", "<u4"),
        ("uint64", "<u8"),
        ("float16", "<f2"),
        ("float32", "<f4"),
        ("float64", "<f8"),
    ];
    codes
        .iter()
        .find(|(name, _)| data_type == name)
        .map(|(_, code)| *code)
}

/// The guarantee of a codec about its elements.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Law {
    /// Decoding restores all bits.
    Lossless,
    /// Decoded elements survive another round trip unchanged.
    FixedPoint,
    /// Decoding restores numbers within this distance.
    Within(f64),
}

use Law::{FixedPoint, Lossless, Within};

/// Array-to-array codecs for a data type, on chunks of shape [3, 4].
fn array_to_array(data_type: &Value) -> Vec<(Value, Law)> {
    let mut codecs = vec![
        (extension("transpose", json!({"order": [1, 0]})), Lossless),
        (extension("reshape", json!({"shape": [[0, 1]]})), Lossless),
        (extension("reshape", json!({"shape": [2, -1, 3]})), Lossless),
        (extension("bitround", json!({"keepbits": 3})), FixedPoint),
        (
            extension("numcodecs.bitround", json!({"keepbits": 3})),
            FixedPoint,
        ),
        (
            extension("scale_offset", json!({"offset": 1, "scale": 2})),
            FixedPoint,
        ),
        (json!("numcodecs.packbits"), Lossless),
    ];
    for target in ["int8", "uint16", "int64", "float16", "float32", "float64"] {
        let cast = json!({"data_type": target, "rounding": "nearest-even"});
        codecs.push((extension("cast_value", cast), FixedPoint));
    }
    if let Some(code) = numpy(data_type) {
        // Differences of integers wrap without loss.
        let law = if code.contains('f') {
            Within(0.0)
        } else {
            Lossless
        };
        codecs.extend([
            (extension("numcodecs.delta", json!({"dtype": code})), law),
            (
                extension("numcodecs.quantize", json!({"digits": 2, "dtype": code})),
                FixedPoint,
            ),
            (
                extension(
                    "numcodecs.astype",
                    json!({"encode_dtype": "<f8", "decode_dtype": code}),
                ),
                FixedPoint,
            ),
            (
                extension(
                    "numcodecs.fixedscaleoffset",
                    json!({"offset": 1, "scale": 4, "dtype": code, "astype": code}),
                ),
                FixedPoint,
            ),
        ]);
    }
    codecs
}

/// Array-to-bytes codecs.
fn array_to_bytes() -> Vec<(Value, Law)> {
    let little = extension("bytes", json!({"endian": "little"}));
    let shard = |inner: Value, location: &str| {
        let index = json!([little, "crc32c"]);
        extension(
            "sharding_indexed",
            json!({"chunk_shape": [3, 2], "codecs": inner, "index_codecs": index, "index_location": location}),
        )
    };
    let nested = shard(json!([shard(json!([little]), "start")]), "end");
    let n5 = |inner: &[Value]| {
        let order = extension("transpose", json!({"order": [1, 0]}));
        let big = extension("bytes", json!({"endian": "big"}));
        let codecs = [&[order, big], inner].concat();
        extension("n5_default", json!({"codecs": codecs}))
    };
    let optional = |name| {
        let codecs = json!({"mask_codecs": ["packbits"], "data_codecs": [little]});
        extension(name, codecs)
    };
    vec![
        (json!("bytes"), Lossless),
        (little.clone(), Lossless),
        (extension("bytes", json!({"endian": "big"})), Lossless),
        (json!("packbits"), Lossless),
        (
            extension("packbits", json!({"padding_encoding": "first_byte"})),
            Lossless,
        ),
        (
            extension("packbits", json!({"padding_encoding": "last_byte"})),
            Lossless,
        ),
        (json!("vlen-utf8"), Lossless),
        (json!("vlen-bytes"), Lossless),
        (optional("optional"), Lossless),
        (optional("zarrs.optional"), Lossless),
        (extension("zfp", json!({"mode": "reversible"})), Lossless),
        (
            extension("zfp", json!({"mode": "fixed_accuracy", "tolerance": 0.01})),
            Within(0.01),
        ),
        (
            extension("zfp", json!({"mode": "fixed_rate", "rate": 32})),
            Within(1.0),
        ),
        (
            extension("zfp", json!({"mode": "fixed_precision", "precision": 24})),
            Within(1.0),
        ),
        (json!("numcodecs.zfpy"), Within(0.01)),
        (json!("numcodecs.pcodec"), Lossless),
        (
            extension(
                "numcodecs.pcodec",
                json!({"level": 2, "delta_spec": "none"}),
            ),
            Lossless,
        ),
        (shard(json!([little]), "end"), Lossless),
        (shard(json!([little, "crc32c"]), "start"), Lossless),
        (shard(json!(["vlen-utf8"]), "end"), Lossless),
        (nested, Lossless),
        (n5(&[]), Lossless),
        (n5(&[extension("gzip", json!({"level": 1}))]), Lossless),
    ]
}

fn bytes_to_bytes() -> Vec<Value> {
    let blosc = |cname: &str, shuffle: &str| {
        extension(
            "blosc",
            json!({"cname": cname, "clevel": 3, "shuffle": shuffle, "typesize": 3, "blocksize": 0}),
        )
    };
    let mut codecs = vec![
        extension("gzip", json!({"level": 1})),
        extension("zstd", json!({"level": 1, "checksum": true})),
        json!("crc32c"),
        extension(
            "conditional",
            json!({"codecs": ["crc32c", extension("gzip", json!({"level": 1}))]}),
        ),
        json!("numcodecs.blosc"),
        extension("numcodecs.shuffle", json!({"elementsize": 1})),
        extension("numcodecs.shuffle", json!({"elementsize": 4})),
        extension("numcodecs.lzma", json!({"format": 2, "preset": 0})),
        extension(
            "numcodecs.lzma",
            json!({"format": 3, "filters": [{"id": 3, "dist": 4}, {"id": 33, "preset": 0}]}),
        ),
    ];
    for cname in ["blosclz", "lz4", "lz4hc", "zlib", "zstd", "snappy"] {
        for shuffle in ["noshuffle", "shuffle", "bitshuffle"] {
            codecs.push(blosc(cname, shuffle));
        }
    }
    for name in [
        "adler32",
        "bz2",
        "crc32",
        "crc32c",
        "fletcher32",
        "gzip",
        "jenkins_lookup3",
        "lz4",
        "lzma",
        "zlib",
        "zstd",
    ] {
        codecs.push(json!(format!("numcodecs.{name}")));
    }
    codecs
}

/// An array of shape [5, 6] in encoded chunks of [3, 4].
struct Stored {
    layout: Arc<ArrayLayout>,
    objects: BTreeMap<String, Bytes>,
}

const SHAPE: [u64; 2] = [5, 6];
const CHUNK: [u64; 2] = [3, 4];

fn bind(data_type: &Value, codecs: &[Value]) -> Result<Arc<ArrayLayout>, Error> {
    let bound = REGISTRY.bind_data_type(&serde_json::from_value(data_type.clone()).unwrap())?;
    let fill: Value = serde_json::from_str(&bound.fill_value_to_json(&bound.zero())).unwrap();
    let document = json!({
        "zarr_format": 3, "node_type": "array", "shape": SHAPE, "data_type": data_type, "fill_value": fill,
        "chunk_grid": extension("regular", json!({"chunk_shape": CHUNK})),
        "chunk_key_encoding": {"name": "default"}, "codecs": codecs,
    });
    let metadata = ArrayMetadata::parse(document.to_string().as_bytes())?;
    Ok(Arc::new(ArrayLayout::bind(&metadata, &REGISTRY)?))
}

fn chunk_data(data_type: &DataType, elements: &[Vec<u8>]) -> ChunkData {
    let bytes = elements.concat();
    if data_type.fixed_size().is_some() {
        return ChunkData::Fixed(bytes);
    }
    let ends = elements.iter().scan(0, |end, element| {
        *end += element.len();
        Some(*end)
    });
    ChunkData::Variable {
        offsets: std::iter::once(0).chain(ends).collect(),
        bytes,
    }
}

/// Returns the elements of a chunk.
fn elements_of(data_type: &DataType, data: &ChunkData) -> Vec<Vec<u8>> {
    match data {
        ChunkData::Fixed(bytes) => {
            let size = data_type.fixed_size().unwrap();
            bytes.chunks(size).map(<[u8]>::to_vec).collect()
        }
        ChunkData::Variable { offsets, bytes } => offsets
            .windows(2)
            .map(|ends| bytes[ends[0]..ends[1]].to_vec())
            .collect(),
    }
}

impl Stored {
    /// Encodes the elements of the array through a plan.
    fn new(layout: Arc<ArrayLayout>, elements: &[Vec<u8>]) -> Result<Self, Error> {
        let input = match chunk_data(layout.data_type(), elements) {
            ChunkData::Fixed(bytes) => Input::from_vec(bytes, 0),
            ChunkData::Variable { offsets, bytes } => Input::variable(offsets, bytes),
        };
        let resolved = Selection::all().resolve(&SHAPE)?;
        let strides = c_strides(resolved.shape(), layout.data_type());
        let options = WriteOptions::default();
        let plan = WritePlan::new(layout.clone(), "".into(), &resolved, &strides, options);
        let mut objects = BTreeMap::new();
        for object in plan.objects() {
            let mut encode = object.encode(ObjectState::Absent)?;
            let encoded = encode
                .by_ref()
                .map(|job| job.run(&input))
                .collect::<Result<Vec<_>, Error>>()?;
            if let Some(pieces) = object.assemble(encode.finish(encoded))? {
                objects.insert(object.key().to_string(), pieces.concat().into());
            }
        }
        Ok(Self { layout, objects })
    }

    /// Reads a selection through a plan.
    fn read(&self, selection: &Selection) -> Result<Vec<Vec<u8>>, Error> {
        let resolved = selection.resolve(&SHAPE)?;
        let len = resolved.elements()?;
        let item_size = self.layout.data_type().fixed_size();
        let size = item_size.unwrap_or(8);
        let output = Output::zeroed::<u8>(len * size)?;
        let plan = ReadPlan::new(self.layout.clone(), "".into(), &resolved);
        let mut chunks = Vec::new();
        let mut objects = plan.start(&output)?.collect::<Vec<_>>();
        let fetches = objects.iter_mut().map(|object| object.attempt());
        let mut work = fetches
            .map(|fetch| fetch.map(Work::Fetch))
            .collect::<Result<Vec<_>, _>>()?;
        while let Some(next) = work.pop() {
            match next {
                Work::Fetch(fetch) => {
                    let body = self.get(fetch.key(), fetch.range());
                    for next in fetch.supply(body)? {
                        work.push(next?);
                    }
                }
                Work::Decode(job) if item_size.is_some() => job.run()?,
                Work::Decode(job) => {
                    let (chunk, encoded) = job.into_parts();
                    // Number 0 is the fill value, an empty element.
                    let number = match encoded {
                        Some(encoded) => {
                            let (offsets, bytes) = chunk.decode_variable(&encoded)?;
                            let data = ChunkData::Variable { offsets, bytes };
                            chunks.push(elements_of(self.layout.data_type(), &data));
                            chunks.len()
                        }
                        None => 0,
                    };
                    chunk.place_variable(u32::try_from(number).unwrap())?;
                }
            }
        }
        drop(objects);
        let bytes = output.into_vec::<u8>(len * size).unwrap();
        let elements = bytes.chunks(size);
        Ok(match item_size {
            Some(_) => elements.map(<[u8]>::to_vec).collect(),
            None => {
                let number = |bytes: &[u8]| u32::from_ne_bytes(bytes.try_into().unwrap()) as usize;
                let element = |place: &[u8]| match number(&place[..4]) {
                    0 => Vec::new(),
                    chunk => chunks[chunk - 1][number(&place[4..])].clone(),
                };
                elements.map(element).collect()
            }
        })
    }

    fn get(&self, key: &str, range: &ByteRange) -> Option<Body> {
        let object = self.objects.get(key)?;
        let object_size = object.len() as u64;
        let range = range.resolve(object_size);
        let index = |offset| usize::try_from(offset).unwrap();
        let bytes = object.slice(index(range.start)..index(range.end));
        Some(Body { bytes, object_size })
    }
}

/// Returns the C-order strides of an array of this shape in bytes; variable-size elements are
/// numbered.
fn c_strides(shape: &[usize], data_type: &DataType) -> Vec<isize> {
    let mut stride = data_type.fixed_size().unwrap_or(8).cast_signed();
    let mut strides = vec![0; shape.len()];
    for (place, &len) in strides.iter_mut().zip(shape).rev() {
        *place = stride;
        stride *= len.cast_signed();
    }
    strides
}

/// Builds elements from random bytes, with any bits valid for the data type.
fn any_elements(data_type: &DataType, random: &[u8]) -> Vec<Vec<u8>> {
    let len = usize::try_from(SHAPE[0] * SHAPE[1]).unwrap();
    let byte = |place: usize| {
        random[place % random.len()].wrapping_add(u8::try_from(place / random.len() % 256).unwrap())
    };
    let Some(size) = data_type.fixed_size() else {
        return (0..len)
            .map(|number| vec![byte(number) & 0x7f; usize::from(byte(number + 7) % 6)])
            .collect();
    };
    // Bools are 0 or 1, and the upper half of code points is zero.
    let masks: [fn(usize) -> u8; 3] = [|_| 0xff, |_| 1, |place| u8::from(place % 4 == 0)];
    for mask in masks {
        let mut elements = (0..len * size)
            .map(|place| byte(place) & mask(place % size))
            .collect::<Vec<_>>();
        if data_type.admit(&mut elements).is_ok() {
            return elements.chunks(size).map(<[u8]>::to_vec).collect();
        }
    }
    vec![data_type.zero().bytes().to_vec(); len]
}

/// Builds small numbers that every numeric data type holds; `None` for other data types.
fn small_numbers(data_type: &DataType, random: &[u8]) -> Option<Vec<Vec<u8>>> {
    let numbers = (0..SHAPE[0] * SHAPE[1]).map(|place| {
        let number = random[usize::try_from(place).unwrap() % random.len()] % 30 + 1;
        let number = serde_json::value::to_raw_value(&number).unwrap();
        Some(data_type.parse_fill_value(&number).ok()?.bytes().to_vec())
    });
    numbers.collect()
}

fn number(data_type: &DataType, element: &[u8]) -> f64 {
    let json = data_type.fill_value_to_json(&zarr_core::FillValue::new(element.to_vec()));
    serde_json::from_str(&json).unwrap()
}

/// Masks NaN elements: zfp has no floats below 32 bits, and widening does not preserve the bits of
/// a NaN.
fn known(data_type: &DataType, elements: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
    let known = elements.iter().map(|element| {
        let fill_value = zarr_core::FillValue::new(element.clone());
        let json = data_type.fill_value_to_json(&fill_value);
        (json != "\"NaN\"" && !json.starts_with("\"0x")).then(|| element.clone())
    });
    known.collect()
}

fn slice<T: Clone>(elements: &[T], [ys, xs]: &[std::ops::Range<u64>; 2]) -> Vec<T> {
    let places = ys
        .clone()
        .flat_map(|y| xs.clone().map(move |x| y * SHAPE[1] + x));
    places
        .map(|place| elements[usize::try_from(place).unwrap()].clone())
        .collect()
}

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
