//! Fuzzes shards: the first byte selects an array, the next bytes a selection, the rest is the
//! stored shard.
//!
//! Each shard is read whole, by its index, and inner chunk by inner chunk. The whole must be
//! readable exactly if all inner chunks are, and each part must equal its slice of the whole.

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use zarr_core::metadata::ArrayMetadata;
use zarr_core::plan::{Body, ReadPlan, Work};
use zarr_core::{ArrayLayout, ByteRange, Error, Output, Selection};

use crate::source::Source;

/// The arrays, of one chunk each: shape and codecs.
pub const ARRAYS: &[(&[u64], &str)] = &[
    (
        &[8],
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[2],"codecs":[LITTLE],"index_codecs":[LITTLE]}}]"#,
    ),
    (
        &[6, 4],
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[3,2],"codecs":[LITTLE,"crc32c"],"index_codecs":[LITTLE,"crc32c"],"index_location":"start"}}]"#,
    ),
    (
        &[6, 4],
        r#"[{"name":"transpose","configuration":{"order":[1,0]}},{"name":"sharding_indexed","configuration":{"chunk_shape":[2,3],"codecs":[{"name":"transpose","configuration":{"order":[1,0]}},BIG],"index_codecs":[BIG]}}]"#,
    ),
    (
        &[4, 8],
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[4,4],"codecs":[{"name":"sharding_indexed","configuration":{"chunk_shape":[2,2],"codecs":[LITTLE],"index_codecs":[LITTLE]}}],"index_codecs":[LITTLE]}}]"#,
    ),
    (
        &[4, 8],
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[4,4],"codecs":[{"name":"transpose","configuration":{"order":[1,0]}},{"name":"sharding_indexed","configuration":{"chunk_shape":[2,4],"codecs":[LITTLE,{"name":"zstd","configuration":{"level":1,"checksum":false}}],"index_codecs":[LITTLE],"index_location":"start"}}],"index_codecs":[LITTLE,"crc32c"]}}]"#,
    ),
    (
        &[4, 8],
        r#"[{"name":"sharding_indexed","configuration":{"chunk_shape":[2,4],"codecs":[LITTLE,{"name":"gzip","configuration":{"level":1}}],"index_codecs":[LITTLE]}}]"#,
    ),
    (
        &[4, 4],
        r#"[{"name":"reshape","configuration":{"shape":[16]}},{"name":"sharding_indexed","configuration":{"chunk_shape":[4],"codecs":[LITTLE],"index_codecs":[LITTLE]}}]"#,
    ),
];

pub(crate) static LAYOUTS: LazyLock<Vec<Arc<ArrayLayout>>> = LazyLock::new(|| {
    let registry = zarr_codecs::registry();
    let layouts = ARRAYS.iter().map(|(shape, codecs)| {
        let codecs = codecs
            .replace(
                "LITTLE",
                r#"{"name":"bytes","configuration":{"endian":"little"}}"#,
            )
            .replace(
                "BIG",
                r#"{"name":"bytes","configuration":{"endian":"big"}}"#,
            );
        let text = format!(
            r#"{{"zarr_format":3,"node_type":"array","shape":{shape:?},"data_type":"uint16","fill_value":7,
            "chunk_grid":{{"name":"regular","configuration":{{"chunk_shape":{shape:?}}}}},
            "chunk_key_encoding":{{"name":"default"}},"codecs":{codecs}}}"#
        );
        let metadata = ArrayMetadata::parse(text.as_bytes()).expect("metadata");
        Arc::new(ArrayLayout::bind(&metadata, &registry).expect("binds"))
    });
    layouts.collect()
});

pub(crate) fn run(data: &[u8]) -> usize {
    LazyLock::force(&LAYOUTS);
    let mut source = Source(data);
    let layout = &LAYOUTS[source.below(LAYOUTS.len())];
    let mut choice = Source(source.take(4));
    let shard = Bytes::copy_from_slice(source.0);
    let whole = read(layout, &shard, &Selection::all(), false);
    assert_same(
        &whole,
        &read(layout, &shard, &Selection::all(), true),
        "by its index",
    );
    // Decodes the whole shard as one codec of a chain.
    let decoded = layout.codecs().decode_chunk(&shard);
    assert_eq!(decoded.is_ok(), whole.is_ok(), "{decoded:?} {whole:?}");
    if let (Ok(decoded), Ok(whole)) = (&decoded, &whole) {
        assert!(decoded.fixed() == Ok(whole), "as a plain codec");
    }
    let parts = inner_chunks(layout);
    let read_parts = parts
        .iter()
        .map(|ranges| (ranges, read_ranges(layout, &shard, ranges)))
        .collect::<Vec<_>>();
    let all = read_parts.iter().all(|(_, part)| part.is_ok());
    assert_eq!(all, whole.is_ok(), "{read_parts:?} {whole:?}");
    if let Ok(whole) = &whole {
        let choice = random_ranges(layout.shape(), &mut choice);
        let part = read_ranges(layout, &shard, &choice).expect("a part of what can be read");
        assert_eq!(part, slice(layout, whole, &choice), "{choice:?}");
        for (ranges, part) in read_parts {
            assert_eq!(part.expect("above"), slice(layout, whole, ranges));
        }
    }
    64 * data.len()
}

type Ranges = Vec<std::ops::Range<u64>>;

fn random_ranges(shape: &[u64], source: &mut Source<'_>) -> Ranges {
    let ranges = shape.iter().map(|&len| {
        let (a, b) = (
            u64::from(source.u8()) % (len + 1),
            u64::from(source.u8()) % (len + 1),
        );
        a.min(b)..a.max(b)
    });
    ranges.collect()
}

/// Returns the ranges of each inner chunk, or of the whole array if inner chunks cannot be read
/// alone.
fn inner_chunks(layout: &ArrayLayout) -> Vec<Ranges> {
    let Some(inner) = layout.inner_chunk_shape() else {
        return vec![layout.shape().iter().map(|&len| 0..len).collect()];
    };
    let mut parts: Vec<Ranges> = vec![vec![]];
    for (&len, &inner) in layout.shape().iter().zip(&inner) {
        let longer = parts.iter().flat_map(|part| {
            (0..len / inner).map(move |cell| {
                let mut part = part.clone();
                part.push(cell * inner..(cell + 1) * inner);
                part
            })
        });
        parts = longer.collect();
    }
    parts
}

fn read_ranges(
    layout: &Arc<ArrayLayout>,
    shard: &Bytes,
    ranges: &Ranges,
) -> Result<Vec<u8>, Error> {
    read(layout, shard, &Selection::ranges(ranges)?, true)
}

fn read(
    layout: &Arc<ArrayLayout>,
    shard: &Bytes,
    selection: &Selection,
    by_index: bool,
) -> Result<Vec<u8>, Error> {
    let resolved = selection.resolve(layout.shape())?;
    let len = resolved.elements()?;
    let output = Output::zeroed::<u16>(len)?;
    let plan = ReadPlan::new(layout.clone(), "a/".into(), &resolved);
    for mut object in plan.start(&output)? {
        let fetch = object.attempt()?;
        let fetch = if by_index { fetch.by_index() } else { fetch };
        let mut stack = vec![Work::Fetch(fetch)];
        while let Some(work) = stack.pop() {
            match work {
                Work::Decode(job) => job.run()?,
                Work::Fetch(fetch) => {
                    let body = body(shard, fetch.range());
                    for next in fetch.supply(Some(body))? {
                        stack.push(next?);
                    }
                }
            }
        }
    }
    let elements = output.into_vec::<u16>(len).expect("the only handle");
    Ok(elements.into_iter().flat_map(u16::to_ne_bytes).collect())
}

/// Returns the answer of a store that holds `object` to a request for `range`.
pub(crate) fn body(object: &Bytes, range: &ByteRange) -> Body {
    let size = object.len() as u64;
    let range = range.resolve(size);
    let index = |offset| usize::try_from(offset).expect("within the object");
    Body {
        bytes: object.slice(index(range.start)..index(range.end)),
        object_size: size,
    }
}

/// Returns the strides of a result in C order, in bytes.
pub(crate) fn strides(shape: &[usize], item_size: usize) -> Vec<isize> {
    let mut stride = item_size;
    let mut strides = vec![0; shape.len()];
    for (place, &len) in strides.iter_mut().zip(shape).rev() {
        *place = stride.cast_signed();
        stride = stride.saturating_mul(len.max(1));
    }
    strides
}

fn slice(layout: &ArrayLayout, whole: &[u8], ranges: &Ranges) -> Vec<u8> {
    let mut indices = vec![0_u64];
    for (&len, range) in layout.shape().iter().zip(ranges) {
        let longer = indices
            .iter()
            .flat_map(|index| range.clone().map(move |next| index * len + next));
        indices = longer.collect();
    }
    let element = |index| {
        let start = 2 * usize::try_from(index).expect("small");
        [whole[start], whole[start + 1]]
    };
    indices.into_iter().flat_map(element).collect()
}

fn assert_same(a: &Result<Vec<u8>, Error>, b: &Result<Vec<u8>, Error>, how: &str) {
    match (a, b) {
        (Ok(a), Ok(b)) => assert_eq!(a, b, "{how}"),
        (Err(_), Err(_)) => {}
        _ => panic!("{how}: {a:?}, {b:?}"),
    }
}
