//! Fuzzes reading an array: the input holds a metadata document, and objects that answer, in order,
//! whichever keys the plan requests.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use zarr_core::metadata::ArrayMetadata;
use zarr_core::plan::{ReadPlan, Work};
use zarr_core::{ArrayLayout, AxisIndices, Error, Limits, Output, Registry, Selection, Slice};

use crate::shard_read::body;
use crate::source::Source;

const MAX_CHUNK: u64 = 1 << 18;
const MAX_INDEX: u64 = 1 << 14;
const MAX_RESULT: usize = 1 << 16;
const MAX_OBJECTS: u64 = 64;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    zarr_codecs::registry().with_limits(Limits {
        max_chunk_size: MAX_CHUNK,
        max_index_size: MAX_INDEX,
        ..Limits::default()
    })
});

/// Builds an input from a document, the choice of a selection, and the objects in order; `None` is
/// an object that is not stored.
#[must_use]
pub fn bag(document: &[u8], selection: &[u8; 16], objects: &[Option<&[u8]>]) -> Vec<u8> {
    let piece = |bytes: &[u8]| {
        let len = u16::try_from(bytes.len()).expect("small");
        [&len.to_le_bytes(), bytes].concat()
    };
    let objects = objects.iter().flat_map(|object| match object {
        Some(object) => [vec![1], piece(object)].concat(),
        None => vec![0],
    });
    let mut bag = piece(document);
    bag.extend(selection);
    bag.extend(objects);
    bag
}

/// Objects by key: each new key gets the next object of the input. Once the input ends, further
/// objects are not stored.
struct Objects<'a> {
    source: Source<'a>,
    known: HashMap<String, Option<Bytes>>,
}

impl Objects<'_> {
    fn get(&mut self, key: &str) -> Option<Bytes> {
        if let Some(known) = self.known.get(key) {
            return known.clone();
        }
        let stored = self.source.bool();
        let object = stored.then(|| Bytes::copy_from_slice(self.source.piece()));
        self.known.insert(key.to_owned(), object.clone());
        object
    }
}

pub(crate) fn run(data: &[u8]) -> usize {
    LazyLock::force(&REGISTRY);
    let mut source = Source(data);
    let document = source.piece();
    // A document costs as much as in `metadata_json`; results, chunks and shard indexes cost as
    // much as their limits allow.
    let mut declared = 256 * document.len() + 4 * data.len();
    let layout =
        ArrayMetadata::parse(document).and_then(|metadata| ArrayLayout::bind(&metadata, &REGISTRY));
    let Ok(layout) = layout else {
        return declared;
    };
    let choice = source.take(16);
    let selection = selection(&mut Source(choice), layout.shape());
    let objects = Objects {
        source,
        known: HashMap::new(),
    };
    declared += 16 * usize::try_from(MAX_CHUNK + MAX_INDEX).expect("small") + 16 * MAX_RESULT;
    // Like `codec_chain`, allows for the blocks that the bzip2 library keeps.
    if document.windows(4).any(|word| word == b".bz2") {
        declared += 16 << 20;
    }
    match read(&Arc::new(layout), &selection, objects) {
        Ok(()) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    declared
}

/// Chooses a selection of a few elements: a box, or lists of coordinates or indices.
fn selection(source: &mut Source<'_>, shape: &[u64]) -> Selection {
    let kind = source.u8();
    let below = |source: &mut Source<'_>, len: u64| source.length() % len.max(1);
    if kind & 3 == 0 {
        let lists = shape.iter().map(|&len| {
            let count = if len == 0 { 0 } else { 3 };
            (0..count).map(|_| below(source, len)).collect()
        });
        return Selection::Coordinates(lists.collect());
    }
    if kind & 3 == 1 {
        let axes = shape.iter().map(|&len| {
            let count = if len == 0 { 0 } else { 2 };
            AxisIndices::Indices((0..count).map(|_| below(source, len)).collect())
        });
        return Selection::Orthogonal(axes.collect());
    }
    let slices = shape.iter().map(|&len| {
        let start = below(source, len);
        let end = start
            .saturating_add(source.length())
            .saturating_add(1)
            .min(len);
        let step = if kind & 4 == 0 { 1 } else { -3 };
        let (start, end) = (start.cast_signed(), end.cast_signed());
        let (start, end) = (
            isize::try_from(start).unwrap_or(0),
            isize::try_from(end).ok(),
        );
        Slice::new(start, end, step)
    });
    Selection::slices(slices)
}

fn read(
    layout: &Arc<ArrayLayout>,
    selection: &Selection,
    mut objects: Objects<'_>,
) -> Result<(), Error> {
    let resolved = selection.resolve(layout.shape())?;
    let len = resolved.elements()?;
    let item_size = layout.data_type().fixed_size();
    let size = item_size.unwrap_or(8).saturating_mul(len);
    if size > MAX_RESULT {
        return Ok(());
    }
    let plan = ReadPlan::new(layout.clone(), "a/".into(), &resolved);
    if plan.objects() > MAX_OBJECTS {
        return Ok(());
    }
    let output = Output::zeroed::<u8>(size)?;
    for mut object in plan.start(&output)? {
        let mut stack = vec![Work::Fetch(object.attempt()?)];
        while let Some(work) = stack.pop() {
            match work {
                Work::Fetch(fetch) => {
                    let object = objects.get(fetch.key());
                    if let Some(object) = &object {
                        fetch.check_size(object.len() as u64)?;
                    }
                    let body = object.map(|object| body(&object, fetch.range()));
                    for next in fetch.supply(body)? {
                        stack.push(next?);
                    }
                }
                Work::Decode(job) if item_size.is_some() => job.run()?,
                Work::Decode(job) => {
                    let (chunk, encoded) = job.into_parts();
                    if let Some(encoded) = encoded {
                        let (offsets, bytes) = chunk.decode_variable(&encoded)?;
                        assert_eq!(offsets.last(), Some(&bytes.len()));
                    }
                    chunk.place_variable(1)?;
                }
            }
        }
    }
    Ok(())
}
