//! Real rasters between this engine, zarr-python, xarray and tensorstore: each reads the arrays of
//! the others bit for bit.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use ndarray::{ArrayD, IxDyn, Slice, SliceInfoElem, s};
use serde_json::{Value, json};
use zarr::blocking::{Hierarchy, open};
use zarr::{ArrayBuilder, Element, Extension, Selection, codecs};
use zarr_core::element_bytes;
use zarr_tests::{elements_of, python};

/// Collects arrays for the peers to check.
#[derive(Default)]
struct Checks(Vec<Value>);

impl Checks {
    fn add<T: Element + zarr::ReadElement>(
        &mut self,
        root: &Path,
        array: &str,
        dtype: &str,
        data: &ArrayD<T>,
        readers: &[&str],
    ) {
        let elements = format!("check-{}.bin", self.0.len());
        let data = data.as_standard_layout();
        std::fs::write(
            root.join(&elements),
            element_bytes(data.as_slice().unwrap()),
        )
        .unwrap();
        self.0.push(json!({
            "array": array, "dtype": dtype, "shape": data.shape(), "elements": elements, "readers": readers,
        }));
    }
}

#[test]
fn rasters_of_the_peers_are_read_changed_resized_and_resharded() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("data");
    python::run("peers.py", &["write", root.to_str().unwrap()]);
    let rasters: BTreeMap<String, Value> =
        serde_json::from_slice(&std::fs::read(root.join("rasters.json")).unwrap()).unwrap();
    let mut checks = Checks::default();
    for writer in ["zarr-python", "xarray", "tensorstore"] {
        let hierarchy = open(root.join(writer).to_str().unwrap()).unwrap();
        for (name, raster) in &rasters {
            let shape: Vec<usize> = serde_json::from_value(raster["shape"].clone()).unwrap();
            let bytes = std::fs::read(root.join("rasters").join(format!("{name}.bin"))).unwrap();
            let place = (root.as_path(), writer, name.as_str());
            match raster["dtype"].as_str().unwrap() {
                "int16" => {
                    read_and_change::<i16>(&hierarchy, place, &shape, &bytes, &mut checks, |x| {
                        x / 2 + 3
                    })
                }
                "float32" => {
                    read_and_change::<f32>(&hierarchy, place, &shape, &bytes, &mut checks, |x| {
                        x / 2.0 + 3.0
                    })
                }
                "uint8" => {
                    read_and_change::<u8>(&hierarchy, place, &shape, &bytes, &mut checks, |x| {
                        x / 2 + 3
                    })
                }
                other => panic!("no test for {other}"),
            }
        }
    }
    read_v2(&root, &rasters);
    let mut group = open(root.join("xarray").to_str().unwrap())
        .unwrap()
        .group("")
        .unwrap();
    group.consolidate().unwrap();
    std::fs::write(root.join("check-xarray"), "").unwrap();
    check(&root, "check.json", &checks);

    write_ours(&root, &rasters);
}

/// Zarr v2 arrays, which are found and read, but listed under their v3 names.
fn read_v2(root: &Path, rasters: &BTreeMap<String, Value>) {
    let group = open(root.join("v2").to_str().unwrap())
        .unwrap()
        .group("")
        .unwrap();
    assert_eq!(group.walk().unwrap().len(), rasters.len());
    assert_eq!(
        group.attributes().get::<String>("made").unwrap().as_deref(),
        Some("v2")
    );
    for (name, raster) in rasters {
        let array = group.array(name).unwrap();
        let bytes = match raster["dtype"].as_str().unwrap() {
            "int16" => bytes_of(&array.read::<i16>(..).unwrap()),
            "float32" => bytes_of(&array.read::<f32>(..).unwrap()),
            _ => bytes_of(&array.read::<u8>(..).unwrap()),
        };
        assert!(
            bytes == std::fs::read(root.join("rasters").join(format!("{name}.bin"))).unwrap(),
            "{name}"
        );
    }
}

fn check(root: &Path, name: &str, checks: &Checks) {
    std::fs::write(root.join(name), serde_json::to_string(&checks.0).unwrap()).unwrap();
    println!(
        "{}",
        python::run("peers.py", &["check", root.to_str().unwrap()])
    );
}

fn data<T: Element + zarr::ReadElement>(shape: &[usize], bytes: &[u8]) -> ArrayD<T> {
    ArrayD::from_shape_vec(IxDyn(shape), elements_of::<T>(bytes)).unwrap()
}

/// Reads an array of a peer whole and in parts, overwrites a part, grows and shrinks it, and copies
/// it to other shards.
fn read_and_change<T: Element + zarr::ReadElement>(
    hierarchy: &Hierarchy,
    (root, writer, name): (&Path, &str, &str),
    shape: &[usize],
    bytes: &[u8],
    checks: &mut Checks,
    change: impl Fn(T) -> T,
) {
    let mut model = data::<T>(shape, bytes);
    let dtype = hierarchy.array(name).unwrap().data_type().name().to_owned();
    let mut array = hierarchy.array(name).unwrap();
    assert!(
        same(&array.read::<T>(..).unwrap(), &model),
        "{writer} {name}"
    );

    let part = shape
        .iter()
        .map(|&len| Slice::new(len.cast_signed() / 3, Some(len.cast_signed() * 2 / 3), 1));
    let part = part.map(SliceInfoElem::from).collect::<Vec<_>>();
    let view = |model: &ArrayD<T>| {
        model
            .slice_each_axis(|axis| slice_of(&part[axis.axis.index()]))
            .to_owned()
    };
    assert!(same(&array.read::<T>(&part).unwrap(), &view(&model)));
    let steps = s![..;-3, 1..;2];
    let expected = model.slice_each_axis(|axis| match axis.axis.index() {
        0 => Slice::new(0, None, -3),
        1 => Slice::new(1, None, 2),
        _ => Slice::new(0, None, 1),
    });
    assert!(same(&array.read::<T>(steps).unwrap(), &expected.to_owned()));

    let changed = view(&model).mapv(&change);
    array.write(&part, changed.view()).unwrap();
    model
        .slice_each_axis_mut(|axis| slice_of(&part[axis.axis.index()]))
        .assign(&changed);
    assert!(same(&array.read::<T>(..).unwrap(), &model));

    let mut longer = shape.to_vec();
    longer[0] += 5;
    array
        .resize(&longer.iter().map(|&len| len as u64).collect::<Vec<_>>())
        .unwrap();
    let mut shorter = longer.clone();
    shorter[1] -= 7;
    array
        .resize(&shorter.iter().map(|&len| len as u64).collect::<Vec<_>>())
        .unwrap();
    let fill = elements_of::<T>(array.as_async().fill_value().bytes())[0];
    let old = model;
    let mut model = ArrayD::from_elem(IxDyn(&shorter), fill);
    let kept = (shape[0], shorter[1]);
    model
        .slice_axis_mut(ndarray::Axis(0), Slice::from(..kept.0))
        .assign(&old.slice_axis(ndarray::Axis(1), Slice::from(..kept.1)));
    assert!(same(&array.read::<T>(..).unwrap(), &model));
    checks.add(
        root,
        &format!("{writer}/{name}"),
        &dtype,
        &model,
        &["zarr-python", "tensorstore"],
    );

    // Copies to other shards, a few rows at a time.
    let target = open(root.join("ours").to_str().unwrap()).unwrap();
    let lengths = shorter.iter().map(|&len| len as u64).collect::<Vec<_>>();
    let inner = lengths.iter().map(|&len| len.min(16)).collect::<Vec<_>>();
    let shard = inner.iter().map(|&len| 3 * len).collect::<Vec<_>>();
    let metadata = ArrayBuilder::new(&lengths, &dtype)
        .with_chunk_shape(&inner)
        .with_shard_shape(&shard);
    let path = format!("{writer}/{name}");
    let copy = target
        .create_array(&path, metadata.build().unwrap())
        .unwrap();
    let rows = usize::try_from(shard[0]).unwrap();
    for start in (0..shorter[0]).step_by(rows) {
        let rows = s![start.cast_signed()..(start + rows).min(shorter[0]).cast_signed()];
        copy.write(rows, array.read::<T>(rows).unwrap().view())
            .unwrap();
    }
    checks.add(
        root,
        &format!("ours/{path}"),
        &dtype,
        &model,
        &["zarr-python", "tensorstore"],
    );
}

/// Whether two arrays are equal bit for bit, including NaNs.
fn same<T: Element + zarr::ReadElement>(a: &ArrayD<T>, b: &ArrayD<T>) -> bool {
    let bytes = |array: &ArrayD<T>| bytes_of(&array.as_standard_layout().into_owned());
    a.shape() == b.shape() && bytes(a) == bytes(b)
}

fn slice_of(element: &SliceInfoElem) -> Slice {
    match *element {
        SliceInfoElem::Slice { start, end, step } => Slice { start, end, step },
        _ => unreachable!("only slices here"),
    }
}

/// Writes each raster with several codec chains, has the peers check and change the arrays, and
/// reads the changes.
fn write_ours(root: &Path, rasters: &BTreeMap<String, Value>) {
    std::fs::remove_dir_all(root.join("ours")).unwrap();
    let hierarchy = open(root.join("ours").to_str().unwrap()).unwrap();
    let mut checks = Checks::default();
    for (name, raster) in rasters {
        let shape: Vec<usize> = serde_json::from_value(raster["shape"].clone()).unwrap();
        let bytes = std::fs::read(root.join("rasters").join(format!("{name}.bin"))).unwrap();
        match raster["dtype"].as_str().unwrap() {
            "int16" => write_chains(
                &hierarchy,
                root,
                name,
                &data::<i16>(&shape, &bytes),
                "int16",
                &mut checks,
            ),
            "float32" => write_chains(
                &hierarchy,
                root,
                name,
                &data::<f32>(&shape, &bytes),
                "float32",
                &mut checks,
            ),
            _ => write_chains(
                &hierarchy,
                root,
                name,
                &data::<u8>(&shape, &bytes),
                "uint8",
                &mut checks,
            ),
        }
    }
    check(root, "check.json", &checks);
    python::run("peers.py", &["change", root.to_str().unwrap()]);
    let changed: Vec<Value> =
        serde_json::from_slice(&std::fs::read(root.join("changed.json")).unwrap()).unwrap();
    assert_eq!(changed.len(), checks.0.len());
    for entry in changed {
        let path = entry["array"]
            .as_str()
            .unwrap()
            .strip_prefix("ours/")
            .unwrap();
        let expected = std::fs::read(root.join(entry["elements"].as_str().unwrap())).unwrap();
        let array = hierarchy.array(path).unwrap();
        let found = match entry["dtype"].as_str().unwrap() {
            "int16" => bytes_of(&array.read::<i16>(&Selection::all()).unwrap()),
            "float32" => bytes_of(&array.read::<f32>(&Selection::all()).unwrap()),
            _ => bytes_of(&array.read::<u8>(&Selection::all()).unwrap()),
        };
        assert!(found == expected, "{path} after the peers' change");
    }
}

fn bytes_of<T: Element + zarr::ReadElement>(data: &ArrayD<T>) -> Vec<u8> {
    element_bytes(data.as_slice().unwrap()).to_vec()
}

fn write_chains<T: Element + zarr::ReadElement>(
    hierarchy: &Hierarchy,
    root: &Path,
    name: &str,
    data: &ArrayD<T>,
    dtype: &str,
    checks: &mut Checks,
) {
    let both = ["zarr-python", "tensorstore"];
    let swaps = size_of::<T>() > 1;
    let bytes = codecs::bytes(swaps);
    let shape = data
        .shape()
        .iter()
        .map(|&len| len as u64)
        .collect::<Vec<_>>();
    let inner = shape.iter().map(|&len| len.min(24)).collect::<Vec<_>>();
    let shard = inner.iter().map(|&len| 4 * len).collect::<Vec<_>>();
    let reversed = (0..shape.len()).rev().collect::<Vec<_>>();
    let half = inner
        .iter()
        .map(|&len| if len % 2 == 0 { len / 2 } else { len })
        .collect::<Vec<_>>();
    let start = |chunk: &[u64], codecs: Vec<Extension>| {
        Extension::new("sharding_indexed")
            .with("chunk_shape", chunk)
            .with("codecs", codecs)
            .with("index_codecs", [codecs::bytes_big_endian()])
            .with("index_location", "start")
    };
    let blosc = |cname: &str, shuffle: &str| codecs::blosc(cname, 5, shuffle, size_of::<T>());
    let chains: Vec<(&str, &[&str], Vec<Extension>)> = vec![
        ("zstd", &both, vec![bytes.clone(), codecs::zstd(3)]),
        (
            "gzip-crc",
            &both,
            vec![bytes.clone(), codecs::gzip(6), codecs::crc32c()],
        ),
        ("lz4", &both, vec![bytes.clone(), blosc("lz4", "shuffle")]),
        (
            "blosc-zstd-bits",
            &both,
            vec![bytes.clone(), blosc("zstd", "bitshuffle")],
        ),
        (
            "blosclz",
            &both,
            vec![bytes.clone(), blosc("blosclz", "noshuffle")],
        ),
        (
            "blosc-zlib",
            &both,
            vec![bytes.clone(), blosc("zlib", "shuffle")],
        ),
        (
            "reversed",
            &both,
            vec![codecs::transpose(&reversed), bytes.clone(), codecs::zstd(1)],
        ),
        (
            "nested",
            &both,
            vec![start(
                &half,
                vec![bytes.clone(), codecs::zstd(2), codecs::crc32c()],
            )],
        ),
        (
            "plain",
            &both,
            vec![if swaps {
                codecs::bytes_big_endian()
            } else {
                bytes.clone()
            }],
        ),
    ];
    for (chain, readers, codecs) in chains {
        let metadata = ArrayBuilder::new(&shape, dtype)
            .with_chunk_shape(&inner)
            .with_shard_shape(&shard);
        let path = format!("{name}/{chain}");
        let array = hierarchy
            .create_array(&path, metadata.with_codecs(codecs).build().unwrap())
            .unwrap();
        array.write(.., data.view()).unwrap();
        assert!(same(&array.read::<T>(..).unwrap(), data));
        checks.add(root, &format!("ours/{path}"), dtype, data, readers);
    }
    // A codec after sharding, which tensorstore refuses, and chunks without shards.
    let outer = vec![start(&half, vec![bytes.clone()]), codecs::gzip(3)];
    for (chain, readers, codecs) in [
        ("outer", &both[..1], outer),
        ("chunks", &both, vec![bytes, codecs::zstd(0)]),
    ] {
        let metadata = ArrayBuilder::new(&shape, dtype)
            .with_chunk_shape(&inner)
            .with_codecs(codecs);
        let path = format!("{name}/{chain}");
        let array = hierarchy
            .create_array(&path, metadata.build().unwrap())
            .unwrap();
        array.write(.., data.view()).unwrap();
        checks.add(root, &format!("ours/{path}"), dtype, data, readers);
    }
}
