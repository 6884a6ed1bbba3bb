//! Random arrays, codec chains and selections, from a seed that failures print.

use half::f16;
use ndarray::{ArrayD, Axis, IxDyn, SliceInfo, SliceInfoElem};
use num_complex::Complex;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use zarr::{
    ArrayBuilder, ArrayMetadata, AxisIndices, BasicIndex, Element, Extension, ReadElement,
    Selection, Slice, codecs,
};

/// An element type for random tests, comparable by bits.
pub trait RandomElement: Element + ReadElement + PartialEq + std::fmt::Debug {
    /// The name of the data type.
    const DATA_TYPE: &'static str;
    /// Returns a random value.
    fn random(rng: &mut StdRng) -> Self;
}

/// Implements [`RandomElement`] for a Rust type and its data type.
macro_rules! random_element {
    ($($rust:ty => $name:literal, $value:expr;)*) => {$(
        impl RandomElement for $rust {
            const DATA_TYPE: &'static str = $name;
            fn random(rng: &mut StdRng) -> Self {
                let value: fn(&mut StdRng) -> $rust = $value;
                value(rng)
            }
        }
    )*};
}

random_element! {
    bool => "bool", |rng| rng.random();
    u8 => "uint8", |rng| rng.random();
    i16 => "int16", |rng| rng.random();
    u32 => "uint32", |rng| rng.random();
    i64 => "int64", |rng| rng.random();
    f16 => "float16", |rng| f16::from_f32(rng.random());
    f64 => "float64", |rng| rng.random();
    Complex<f32> => "complex64", |rng| Complex::new(rng.random(), rng.random());
    [u8; 3] => "r24", |rng| rng.random();
}

/// Returns a random number generator with this seed.
#[must_use]
pub fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Returns a random array: rank 0 to 5, occasionally empty dimensions, any of the core codecs.
pub fn metadata(rng: &mut StdRng, data_type: &str) -> ArrayMetadata {
    let rank = rng.random_range(0..=5);
    let most = [1, 40, 14, 9, 6, 4][rank];
    let shape = (0..rank)
        .map(|_| {
            if rng.random_ratio(1, 40) {
                0
            } else {
                rng.random_range(1..=most)
            }
        })
        .collect::<Vec<u64>>();
    let chunk = (0..rank)
        .map(|_| rng.random_range(1..=most))
        .collect::<Vec<u64>>();
    let chain = chain(rng, &chunk, 2);
    let mut builder = ArrayBuilder::new(&shape, data_type)
        .with_chunk_shape(&chunk)
        .with_codecs(chain);
    if rng.random_ratio(1, 3) {
        builder = builder.with_chunk_key_encoding(Extension::new("v2").with("separator", "."));
    }
    if rng.random_ratio(1, 4) {
        let edges = shape
            .iter()
            .zip(&chunk)
            .map(|(&len, &chunk)| edges(rng, len, chunk))
            .collect::<Vec<_>>();
        let grid = Extension::new("rectilinear")
            .with("kind", "inline")
            .with("chunk_shapes", edges);
        builder = builder.with_chunk_grid(grid);
    }
    builder.build().unwrap()
}

/// Returns chunk lengths that cover `len`, multiples of `chunk`, in the form of `rectilinear`.
fn edges(rng: &mut StdRng, len: u64, chunk: u64) -> Value {
    if rng.random_ratio(1, 4) {
        return json!(chunk);
    }
    let (mut edges, mut sum) = (Vec::new(), 0);
    while sum < len || edges.is_empty() {
        let (edge, count) = (chunk * rng.random_range(1..=3), rng.random_range(1..=2));
        edges.push(if count == 1 {
            json!(edge)
        } else {
            json!([edge, count])
        });
        sum += edge * count;
    }
    json!(edges)
}

/// Returns a random codec chain for chunks of this shape, with shards nested at most `depth` deep.
fn chain(rng: &mut StdRng, shape: &[u64], depth: usize) -> Vec<Extension> {
    let mut chain = Vec::new();
    let mut shape = shape.to_vec();
    while rng.random_ratio(2, 5) && chain.len() < 2 {
        let mut order = (0..shape.len()).collect::<Vec<_>>();
        order.shuffle(rng);
        shape = order.iter().map(|&axis| shape[axis]).collect();
        chain.push(codecs::transpose(&order));
    }
    if depth > 0 && rng.random_ratio(3, 5) {
        let inner = shape
            .iter()
            .map(|&len| divisor(rng, len))
            .collect::<Vec<_>>();
        let codecs = self::chain(rng, &inner, depth - 1);
        chain.push(sharding(rng, &inner, &codecs));
        if rng.random_ratio(1, 8) {
            chain.push(bytes_to_bytes(rng));
        }
        return chain;
    }
    chain.push(if rng.random() {
        codecs::bytes(true)
    } else {
        codecs::bytes_big_endian()
    });
    while rng.random_ratio(2, 5) {
        chain.push(bytes_to_bytes(rng));
    }
    chain
}

fn divisor(rng: &mut StdRng, len: u64) -> u64 {
    let divisors = (1..=len)
        .filter(|&divisor| len.is_multiple_of(divisor))
        .collect::<Vec<_>>();
    divisors[rng.random_range(0..divisors.len())]
}

fn sharding(rng: &mut StdRng, inner: &[u64], codecs: &[Extension]) -> Extension {
    let mut index_codecs = vec![if rng.random() {
        codecs::bytes(true)
    } else {
        codecs::bytes_big_endian()
    }];
    if rng.random_ratio(3, 4) {
        index_codecs.push(codecs::crc32c());
    }
    Extension::new("sharding_indexed")
        .with("chunk_shape", inner)
        .with("codecs", codecs)
        .with("index_codecs", index_codecs)
        .with("index_location", if rng.random() { "start" } else { "end" })
}

fn bytes_to_bytes(rng: &mut StdRng) -> Extension {
    let cnames = ["blosclz", "lz4", "lz4hc", "zlib", "zstd", "snappy"];
    let shuffles = ["noshuffle", "shuffle", "bitshuffle"];
    match rng.random_range(0..4) {
        0 => codecs::gzip(rng.random_range(0..=9)),
        1 => codecs::zstd(rng.random_range(-3..=5)),
        2 => codecs::blosc(
            cnames[rng.random_range(0..6)],
            rng.random_range(0..=9),
            shuffles[rng.random_range(0..3)],
            rng.random_range(1..=8),
        ),
        _ => codecs::crc32c(),
    }
}

/// Returns a random selection of an array of this shape.
pub fn selection(rng: &mut StdRng, shape: &[usize]) -> Selection {
    match rng.random_range(0..8) {
        0 => Selection::Orthogonal(shape.iter().map(|&len| axis_indices(rng, len)).collect()),
        1 if !shape.contains(&0) && !shape.is_empty() => {
            let len = rng.random_range(0..12);
            let list = |&length: &usize| {
                (0..len)
                    .map(|_| rng.random_range(0..length as u64))
                    .collect()
            };
            Selection::Coordinates(shape.iter().map(list).collect())
        }
        2 => Selection::all(),
        _ => Selection::Slices(slices(rng, shape)),
    }
}

fn axis_indices(rng: &mut StdRng, len: usize) -> AxisIndices {
    match rng.random_range(0..4) {
        3 if len > 0 => AxisIndices::Index(rng.random_range(0..len as u64)),
        0 => {
            let (from, to) = bounds(rng, len);
            Slice::new(from, Some(to), 1).into()
        }
        1 if len > 0 => {
            let count = rng.random_range(0..=len);
            (0..count)
                .map(|_| rng.random_range(0..len as u64))
                .collect::<Vec<_>>()
                .into()
        }
        _ => AxisIndices::Mask((0..len).map(|_| rng.random()).collect()),
    }
}

fn bounds(rng: &mut StdRng, len: usize) -> (isize, isize) {
    let (a, b) = (rng.random_range(0..=len), rng.random_range(0..=len));
    (a.min(b).cast_signed(), a.max(b).cast_signed())
}

fn slices(rng: &mut StdRng, shape: &[usize]) -> Vec<BasicIndex> {
    let mut slices = Vec::new();
    for &len in shape {
        if rng.random_ratio(1, 12) {
            slices.push(BasicIndex::NewAxis);
        }
        if len > 0 && rng.random_ratio(1, 5) {
            let index = rng.random_range(0..len).cast_signed();
            let from_end = rng.random_ratio(1, 3);
            slices.push(BasicIndex::Integer(if from_end {
                index - len.cast_signed()
            } else {
                index
            }));
            continue;
        }
        let (start, end) = bounds(rng, len);
        let whole = rng.random_ratio(1, 4);
        let step = if rng.random_ratio(1, 2) {
            1
        } else {
            [-3, -2, -1, 2, 3, 7][rng.random_range(0..6)]
        };
        let (start, end) = if whole { (0, None) } else { (start, Some(end)) };
        slices.push(Slice::new(start, end, step).into());
    }
    slices
}

fn info_of(index: &BasicIndex) -> SliceInfoElem {
    match *index {
        BasicIndex::Slice(Slice { start, end, step }) => SliceInfoElem::Slice { start, end, step },
        BasicIndex::Integer(index) => SliceInfoElem::Index(index),
        BasicIndex::NewAxis => SliceInfoElem::NewAxis,
    }
}

/// Returns the C-order positions of the selected elements, arranged as NumPy arranges them.
#[must_use]
pub fn indices_of(selection: &Selection, shape: &[usize]) -> ArrayD<usize> {
    let numbers = ArrayD::from_shape_fn(IxDyn(shape), |index| {
        let axes = shape.iter().enumerate();
        axes.fold(0, |number, (axis, &len)| number * len + index[axis])
    });
    match selection {
        Selection::Slices(slices) => {
            let taken = slices
                .iter()
                .filter(|slice| !matches!(slice, BasicIndex::NewAxis))
                .count();
            let whole = BasicIndex::Slice(Slice::all());
            let rest = std::iter::repeat_n(&whole, shape.len() - taken);
            let slices = slices.iter().chain(rest).map(info_of).collect::<Vec<_>>();
            let info = SliceInfo::<_, IxDyn, IxDyn>::try_from(slices).unwrap();
            numbers.slice(info).to_owned()
        }
        Selection::Orthogonal(axes) => {
            let lists = axes.iter().zip(shape).map(|(axis, &len)| match axis {
                AxisIndices::Slice(slice) => {
                    let info = [info_of(&BasicIndex::Slice(*slice))];
                    let info = SliceInfo::<_, IxDyn, IxDyn>::try_from(info.to_vec()).unwrap();
                    ArrayD::from_shape_fn(IxDyn(&[len]), |index| index[0])
                        .slice(info)
                        .iter()
                        .copied()
                        .collect()
                }
                AxisIndices::Index(index) => vec![usize::try_from(*index).unwrap()],
                AxisIndices::Indices(indices) => indices
                    .iter()
                    .map(|&index| usize::try_from(index).unwrap())
                    .collect(),
                AxisIndices::Mask(mask) => {
                    (0..len).filter(|&index| mask[index]).collect::<Vec<_>>()
                }
            });
            let lists = lists.collect::<Vec<_>>();
            let lengths = lists.iter().map(Vec::len).collect::<Vec<_>>();
            let all = ArrayD::from_shape_fn(IxDyn(&lengths), |index| {
                let index = lists
                    .iter()
                    .enumerate()
                    .map(|(axis, list)| list[index[axis]])
                    .collect::<Vec<_>>();
                numbers[IxDyn(&index)]
            });
            let single = axes.iter().enumerate().rev();
            single
                .filter(|(_, axis)| matches!(axis, AxisIndices::Index(_)))
                .fold(all, |all, (axis, _)| all.index_axis_move(Axis(axis), 0))
        }
        Selection::Coordinates(lists) => {
            let len = lists.first().map_or(1, Vec::len);
            ArrayD::from_shape_fn(IxDyn(&[len]), |row| {
                let index = lists
                    .iter()
                    .map(|list| usize::try_from(list[row[0]]).unwrap())
                    .collect::<Vec<_>>();
                numbers[IxDyn(&index)]
            })
        }
    }
}
