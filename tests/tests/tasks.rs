//! Reads and writes cut into tasks: no two share an object, and together they are the whole.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use ndarray::{Array2, ArrayD, Axis, Ix2, SliceInfoElem, s};
use zarr::blocking::{Array, open};
use zarr::{ArrayBuilder, ArrayMetadata, ErrorKind, Task, points};
use zarr_core::{BasicIndex, Selection, Slice};

/// Chunks, shards, and chunks of several lengths.
fn grids() -> Vec<ArrayMetadata> {
    let new = || {
        let array = ArrayBuilder::new(&[47, 31], "int32");
        array.with_fill_value(-1_i32).unwrap()
    };
    let chunks = new().with_chunk_shape(&[10, 8]).build().unwrap();
    let shards = new().with_chunk_shape(&[4, 3]).with_shard_shape(&[12, 9]);
    let one = new().with_chunk_shape(&[64, 64]).build().unwrap();
    let grid = r#""chunk_grid": {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": [[5, 17, 3, 22], 11]}}"#;
    let text = chunks.to_text().unwrap();
    let start = text.find("\"chunk_grid\"").unwrap();
    let end = text.find("\"chunk_key_encoding\"").unwrap();
    let varying = format!("{}{grid}, {}", &text[..start], &text[end..]);
    let varying = ArrayMetadata::parse(varying.as_bytes()).unwrap();
    vec![chunks, shards.build().unwrap(), one, varying]
}

fn selections() -> Vec<Selection> {
    let slice = |start, end, step| BasicIndex::Slice(Slice::new(start, end, step));
    vec![
        Selection::all(),
        Selection::slices([slice(3, Some(41), 1)]),
        Selection::slices([slice(0, None, -1)]),
        Selection::slices([slice(5, Some(40), 3), slice(0, None, -2)]),
        Selection::slices([slice(2, Some(40), -7), BasicIndex::Integer(4)]),
        Selection::slices([BasicIndex::Integer(-1), BasicIndex::Integer(-3)]),
        Selection::slices([slice(10, Some(10), 1)]),
        Selection::slices([slice(0, None, 19), slice(0, None, 17)]),
    ]
}

fn create(metadata: ArrayMetadata) -> Array {
    open("memory:")
        .unwrap()
        .create_array("a", metadata)
        .unwrap()
}

/// Returns the part of data that belongs to a task.
fn part<T: Clone>(data: &ArrayD<T>, task: &Task) -> ArrayD<T> {
    let index = task.part.iter().map(|range| SliceInfoElem::Slice {
        start: isize::try_from(range.start).unwrap(),
        end: Some(isize::try_from(range.end).unwrap()),
        step: 1,
    });
    let index = index.collect::<Vec<_>>();
    data.slice(&index[..]).to_owned().into_dyn()
}

#[test]
fn tasks_are_the_whole_and_share_no_object() {
    for metadata in grids() {
        for selection in selections() {
            for workers in [None, Some(1), Some(3), Some(7), Some(1000)] {
                check(metadata.clone(), &selection, workers);
            }
        }
    }
}

fn check(metadata: ArrayMetadata, selection: &Selection, workers: Option<u64>) {
    let (array, expected) = (create(metadata.clone()), create(metadata));
    let shape = expected.read::<i32>(selection).unwrap().shape().to_vec();
    let len = i32::try_from(shape.iter().product::<usize>()).unwrap();
    let data = ArrayD::from_shape_vec(shape, (0..len).collect()).unwrap();
    expected.write(selection, data.clone()).unwrap();

    let tasks = array.write_tasks(selection, workers).unwrap();
    let (mut keys, mut replaced, mut bytes) = (BTreeSet::new(), 0, 0);
    for (number, task) in (0_u64..).zip(tasks.iter()) {
        let text = serde_json::to_string(&task).unwrap();
        assert_eq!(serde_json::from_str::<Task>(&text).unwrap(), task);
        assert_eq!(tasks.get(number), Some(task.clone()));
        let plan = array.plan_write(&task.selection).unwrap();
        let actions = plan.objects().map(|object| object.action());
        let whole = actions.filter(|action| *action == zarr_core::plan::WriteAction::Replace);
        assert_eq!(
            (plan.len(), whole.count() as u64),
            (task.objects, task.replaced)
        );
        assert_eq!(task.requests, 2 * task.objects - task.replaced);
        let own = plan.objects().map(|object| Arc::clone(object.key()));
        assert!(
            own.into_iter().all(|key| keys.insert(key)),
            "a shared object"
        );
        array.write(&task.selection, part(&data, &task)).unwrap();
        (replaced, bytes) = (replaced + task.replaced, bytes + task.bytes);
    }
    assert_eq!(tasks.objects(), keys.len() as u64);
    assert_eq!((tasks.replaced(), bytes), (replaced, 4 * data.len() as u64));
    assert!(workers.is_none_or(|workers| tasks.len() <= workers));
    let lengths = tasks.lengths().into_iter().map(|line| line.iter().sum());
    assert_eq!(lengths.collect::<Vec<u64>>(), tasks.shape());
    assert_eq!(
        array.read::<i32>(..).unwrap(),
        expected.read::<i32>(..).unwrap()
    );

    let reads = array.read_tasks(selection, workers).unwrap();
    assert_eq!((reads.len(), reads.replaced()), (tasks.len(), 0));
    for task in reads.iter() {
        let plan = array.plan_read(&task.selection).unwrap();
        assert_eq!((plan.requests(), plan.bytes()), (task.requests, task.bytes));
        assert_eq!(
            array.read::<i32>(&task.selection).unwrap(),
            part(&data, &task)
        );
    }
}

#[test]
fn a_list_of_tasks_is_small() {
    let shape = [10_000_000, 10_000];
    let metadata = ArrayBuilder::new(&shape, "uint8").with_chunk_shape(&[1000, 100]);
    let array = create(metadata.build().unwrap());
    let tasks = array.write_tasks(.., None).unwrap();
    assert_eq!((tasks.len(), tasks.replaced()), (1_000_000, 1_000_000));
    let last = tasks.get(999_999).unwrap();
    assert_eq!(last.part, [9_999_000..10_000_000, 9_900..10_000]);
    assert_eq!(tasks.get(1_000_000), None);
    for workers in [3, 64, 1000] {
        assert_eq!(array.write_tasks(.., Some(workers)).unwrap().len(), workers);
    }
}

#[test]
fn only_slices_and_indices_are_cut() {
    let array = create(grids().remove(0));
    let lists = array.write_tasks((vec![1, 2], ..), None).map(drop);
    let single = array.read_tasks(points([[1, 2]]), None).map(drop);
    let new_axis = array
        .read_tasks(s![.., .., ndarray::NewAxis], None)
        .map(drop);
    for result in [lists, single, new_axis] {
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Selection);
    }
}

#[test]
fn the_last_chunk_is_merged_while_others_append() {
    let metadata = ArrayBuilder::new(&[0, 3], "int32").with_chunk_shape(&[4, 3]);
    let mut array = create(metadata.build().unwrap());
    let range = array.reserve(0, 6).unwrap();
    let tasks = array.write_tasks((range, ..), None).unwrap();
    let replaced = tasks.iter().map(|task| task.replaced);
    assert_eq!(replaced.collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn published_appends_are_seen_whole_and_in_order() {
    let metadata = ArrayBuilder::new(&[0, 2], "int32").with_chunk_shape(&[4, 2]);
    let mut array = create(metadata.build().unwrap());
    let hierarchy = array.hierarchy();
    let stored = || {
        let read = hierarchy.array("a").unwrap().read::<i32>(..).unwrap();
        read.into_dimensionality::<Ix2>()
            .unwrap()
            .column(0)
            .to_vec()
    };
    let (first, early) = array.reserve_ahead(0, 3).unwrap();
    let mut other = hierarchy.array("a").unwrap();
    assert_eq!(
        other
            .append_published(0, Array2::from_elem((2, 2), 7))
            .unwrap(),
        3..5
    );
    assert!(stored().is_empty());
    let error = other.append(0, Array2::from_elem((1, 2), 9)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    first.write((early.clone(), ..), 5).unwrap();
    array.publish(0, early.clone()).unwrap();
    array.publish(0, early).unwrap();
    assert_eq!(stored(), [5, 5, 5, 7, 7]);
    let mut other = hierarchy.array("a").unwrap();
    assert_eq!(other.append(0, Array2::from_elem((1, 2), 9)).unwrap(), 5..6);
    assert_eq!(other.read::<i32>(..).unwrap().len_of(Axis(0)), 6);
}
