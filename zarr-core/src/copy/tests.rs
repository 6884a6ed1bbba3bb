//! Copies, checked against the results of NumPy's indexing.

#![expect(clippy::unwrap_used, reason = "tests")]
use super::*;
use crate::buffer::{Input, Output};
use crate::selection::{Selection, Slice};

/// The shape of the chunk of every test.
const SHAPE: [u64; 2] = [4, 5];

fn wanted(selection: &Selection, strides: &[isize]) -> Wanted {
    selection.resolve(&SHAPE).unwrap().place(strides)
}

/// Returns the copy of elements of two bytes.
fn copy_of(wanted: &Wanted) -> ChunkCopy<'_> {
    ChunkCopy {
        shape: &SHAPE,
        wanted,
        item_size: 2,
        swap_size: 1,
    }
}

/// Scatters a chunk of [4, 5] uint16 in which each element is its own number.
fn scatter(selection: &Selection, strides: &[isize], len: usize, swap_size: usize) -> Vec<u16> {
    let wanted = wanted(selection, strides);
    let chunk = (0..20_u16).flat_map(u16::to_ne_bytes).collect::<Vec<_>>();
    let output = Output::zeroed::<u16>(len).unwrap();
    let copy = ChunkCopy {
        swap_size,
        ..copy_of(&wanted)
    };
    copy.scatter(&chunk, output.lease().unwrap().span())
        .unwrap();
    output.into_vec(len).unwrap()
}

#[test]
fn slices_steps_and_transposed_buffers() {
    let corner = Selection::slices([Slice::new(1, Some(3), 1), Slice::new(2, Some(4), 1)]);
    assert_eq!(scatter(&corner, &[4, 2], 4, 1), [7, 8, 12, 13]);
    assert_eq!(scatter(&corner, &[2, 4], 4, 1), [7, 12, 8, 13]);
    let backwards = Selection::slices([Slice::new(0, None, -2), Slice::new(4, None, 1)]);
    assert_eq!(scatter(&backwards, &[2, 2], 2, 1), [19, 9]);
    assert_eq!(
        scatter(&corner, &[4, 2], 4, 2),
        [7, 8, 12, 13].map(u16::swap_bytes)
    );
    assert_eq!(
        scatter(&Selection::all(), &[10, 2], 20, 1),
        (0..20).collect::<Vec<_>>()
    );
}

#[test]
fn lists_and_points() {
    let lists = Selection::Orthogonal(vec![vec![3, 0, 3].into(), Slice::new(1, Some(3), 1).into()]);
    assert_eq!(scatter(&lists, &[4, 2], 6, 1), [16, 17, 1, 2, 16, 17]);
    let points = Selection::Coordinates(vec![vec![3, 0], vec![4, 1]]);
    assert_eq!(scatter(&points, &[2], 2, 1), [19, 1]);
}

#[test]
fn gathering_is_the_way_back() {
    let selection = Selection::slices([Slice::all(), Slice::new(0, None, -1)]);
    let wanted = wanted(&selection, &[10, 2]);
    let copy = copy_of(&wanted);
    let input = Input::from_vec((0..20_u16).collect(), 0);
    let mut chunk = [0; 40];
    copy.gather(input.span(), &mut chunk).unwrap();
    let mut chunks = vec![1, 2, 3];
    copy.append_to(&mut chunks, input.span()).unwrap();
    assert_eq!(chunks, [&[1, 2, 3], &chunk[..]].concat());
    assert_eq!(
        chunk[..4],
        [4_u16.to_ne_bytes(), 3_u16.to_ne_bytes()].concat()
    );
}

#[test]
fn what_lies_outside_is_an_error_and_not_copied() {
    let whole = wanted(&Selection::all(), &[10, 2]);
    let copy = copy_of(&whole);
    let small = Output::zeroed::<u16>(19).unwrap();
    assert!(
        copy.scatter(&[7; 40], small.lease().unwrap().span())
            .is_err()
    );
    assert_eq!(small.into_vec::<u16>(19).unwrap(), [0; 19]);
    let output = Output::zeroed::<u16>(20).unwrap();
    assert!(
        copy.scatter(&[7; 39], output.lease().unwrap().span())
            .is_err()
    );
    assert!(copy.fill(&[7], output.lease().unwrap().span()).is_err());
    let part = wanted(&Selection::slices([Slice::new(1, None, 1)]), &[10, 2]);
    assert!(
        copy_of(&part)
            .append_to(&mut vec![], Input::from_vec(vec![0_u16; 20], 0).span())
            .is_err()
    );
}

#[test]
fn a_whole_chunk_in_c_order_is_one_piece() {
    for (strides, contiguous) in [([10, 2], true), ([12, 2], false), ([2, 8], false)] {
        let wanted = wanted(&Selection::all(), &strides);
        let copy = copy_of(&wanted);
        let output = Output::zeroed::<u16>(24).unwrap();
        assert_eq!(
            copy.contiguous(output.lease().unwrap().span())
                .map(|it| it.len()),
            contiguous.then_some(40)
        );
    }
}
