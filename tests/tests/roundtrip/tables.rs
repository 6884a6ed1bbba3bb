//! The data types and codecs that are combined.

use super::*;

pub(super) fn extension(name: &str, configuration: Value) -> Value {
    json!({"name": name, "configuration": configuration})
}

/// All data types, with a configuration if they require one.
pub(super) fn data_types() -> Vec<Value> {
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
pub(super) fn numpy(data_type: &Value) -> Option<&'static str> {
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
pub(super) enum Law {
    /// Decoding restores all bits.
    Lossless,
    /// Decoded elements survive another round trip unchanged.
    FixedPoint,
    /// Decoding restores numbers within this distance.
    Within(f64),
}

/// Array-to-array codecs for a data type, on chunks of shape [3, 4].
pub(super) fn array_to_array(data_type: &Value) -> Vec<(Value, Law)> {
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
pub(super) fn array_to_bytes() -> Vec<(Value, Law)> {
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

pub(super) fn bytes_to_bytes() -> Vec<Value> {
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
