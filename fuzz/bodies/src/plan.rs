//! Fuzzes plans with any shape, grid and selection. Planning and printing must read nothing and
//! never panic, and their time and memory must not grow with the numbers in the plan.

use std::sync::{Arc, LazyLock};

use zarr_core::metadata::ArrayBuilder;
use zarr_core::plan::{ReadPlan, WriteOptions, WritePlan};
use zarr_core::{
    ArrayLayout, AxisIndices, BasicIndex, Error, Extension, Output, Resolved, Selection, Slice,
};

use crate::metadata_json::REGISTRY;
use crate::shard_read::strides;
use crate::source::Source;

/// The largest number of objects of a plan that are visited.
const LOOKED_AT: usize = 50;

pub(crate) fn run(data: &[u8]) -> usize {
    LazyLock::force(&REGISTRY);
    let mut source = Source(data);
    if let Ok((layout, resolved)) = prepare(&mut source) {
        let strides = strides(resolved.shape(), 1);
        visit_read(&ReadPlan::new(layout.clone(), "a/".into(), &resolved));
        let options = WriteOptions::default();
        let write = WritePlan::new(layout, "a/".into(), &resolved, &strides, options);
        visit_write(&write);
    }
    1024 * data.len()
}

fn prepare(source: &mut Source<'_>) -> Result<(Arc<ArrayLayout>, Resolved), Error> {
    let rank = source.below(6);
    let lengths = |source: &mut Source<'_>| {
        let lengths = (0..rank).map(|_| source.length());
        lengths.collect::<Vec<_>>()
    };
    let shape = lengths(source);
    let chunk = lengths(source);
    let mut builder = ArrayBuilder::new(&shape, "uint8").with_chunk_shape(&chunk);
    match source.u8() % 4 {
        0 => {}
        1 => {
            let inner = chunk.iter().map(|&len| divisor(source, len));
            builder = builder.with_codecs([sharding(&inner.collect::<Vec<_>>(), false)]);
        }
        2 => {
            let order = (0..rank).rev().collect::<Vec<_>>();
            let inner = chunk.iter().rev().map(|&len| divisor(source, len));
            let sharding = sharding(&inner.collect::<Vec<_>>(), true);
            let transpose = Extension::new("transpose").with("order", order);
            builder = builder.with_codecs([transpose, sharding]);
        }
        _ => {
            let edges = shape.iter().map(|&len| edges(source, len));
            let grid = Extension::new("rectilinear")
                .with("kind", "inline")
                .with("chunk_shapes", edges.collect::<Vec<_>>());
            builder = builder.with_chunk_grid(grid);
        }
    }
    let layout = ArrayLayout::bind(&builder.build()?, &REGISTRY)?;
    let resolved = selection(source, &shape).resolve(&shape)?;
    Ok((Arc::new(layout), resolved))
}

fn divisor(source: &mut Source<'_>, len: u64) -> u64 {
    let wanted = source.length();
    [wanted, len / 2, len / 3]
        .into_iter()
        .find(|&divisor| divisor > 0 && len.is_multiple_of(divisor))
        .unwrap_or(len)
}

fn sharding(inner: &[u64], nested: bool) -> Extension {
    let bytes = vec![Extension::new("bytes")];
    let codecs = if nested {
        vec![sharding(inner, false)]
    } else {
        bytes.clone()
    };
    let little = [Extension::new("bytes").with("endian", "little")];
    Extension::new("sharding_indexed")
        .with("chunk_shape", inner)
        .with("codecs", codecs)
        .with("index_codecs", little)
}

/// Chooses runs of chunks that reach `len`.
fn edges(source: &mut Source<'_>, len: u64) -> Vec<(u64, u64)> {
    let mut edges = Vec::new();
    let mut sum = 0_u64;
    for _ in 0..3 {
        let (edge, count) = (source.length().max(1), source.length().max(1));
        edges.push((edge, count));
        sum = sum.saturating_add(edge.saturating_mul(count));
    }
    if sum < len {
        edges.push((len - sum, 1));
    }
    edges
}

fn selection(source: &mut Source<'_>, shape: &[u64]) -> Selection {
    match source.u8() % 4 {
        0 => Selection::all(),
        1 => {
            let lists = shape.iter().map(|&len| {
                (0..3)
                    .map(|_| source.length() % len.max(1))
                    .collect::<Vec<_>>()
            });
            Selection::Coordinates(lists.collect())
        }
        2 => {
            let axes = shape.iter().map(|&len| {
                let count = source.below(5);
                AxisIndices::Indices((0..count).map(|_| source.length() % len.max(1)).collect())
            });
            Selection::Orthogonal(axes.collect())
        }
        _ => Selection::Slices(shape.iter().map(|&len| slice(source, len)).collect()),
    }
}

fn slice(source: &mut Source<'_>, len: u64) -> BasicIndex {
    let index = |source: &mut Source<'_>| {
        let index = source.length();
        let within = if index.is_multiple_of(16) {
            index
        } else {
            index % (len + u64::from(len < u64::MAX))
        };
        isize::try_from(within).unwrap_or(isize::MIN)
    };
    match source.u8() % 8 {
        0 => BasicIndex::NewAxis,
        1 => BasicIndex::Integer(index(source)),
        kind => {
            let (start, end) = (index(source), index(source));
            let step = match source.length().cast_signed() {
                step if kind == 2 => isize::try_from(step).unwrap_or(1),
                step if kind == 3 => isize::try_from(step).unwrap_or(1).wrapping_neg(),
                _ => 1,
            };
            Slice::new(start, (kind != 4).then_some(end), step).into()
        }
    }
}

fn visit_read(plan: &ReadPlan) {
    let output = Output::zeroed::<u8>(0).expect("no memory is needed");
    let objects = plan.start(&output).expect("the first read of it");
    let fetches = objects
        .take(LOOKED_AT)
        .map(|mut object| object.attempt().expect("the first attempt"))
        .collect::<Vec<_>>();
    let objects = usize::try_from(plan.objects()).unwrap_or(usize::MAX);
    assert_eq!(fetches.len(), objects.min(LOOKED_AT));
    let mut keys = fetches
        .iter()
        .map(|fetch| fetch.key().clone())
        .collect::<Vec<_>>();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), fetches.len(), "an object twice");
    for fetch in &fetches {
        let _ = (fetch.max_size(), fetch.decoded_size(), fetch.range());
    }
    assert!(plan.to_string().starts_with("read "));
}

fn visit_write(plan: &WritePlan) {
    let objects = plan.objects().take(LOOKED_AT).collect::<Vec<_>>();
    let len = usize::try_from(plan.len()).unwrap_or(usize::MAX);
    assert_eq!(objects.len(), len.min(LOOKED_AT));
    for object in &objects {
        let _ = (object.key(), object.action());
    }
    assert!(plan.to_string().starts_with("write "));
}
