//! Proofs that no two elements of a read go to the same bytes, so that its jobs may run
//! concurrently.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::error::{Error, Result};
use crate::selection::{Axis, Layout, Points, Wanted};

/// Whether the shape of a buffer, its strides in bytes and the size of an element in bytes prove
/// that no two elements share bytes: each stride is at least the span of all shorter strides.
#[must_use]
pub fn strides_are_disjoint(shape: &[usize], strides: &[isize], item_size: usize) -> bool {
    if shape.contains(&0) {
        return true;
    }
    let axes = shape.iter().zip(strides).filter(|(len, _)| **len > 1);
    let mut axes = axes
        .map(|(&len, stride)| (stride.unsigned_abs(), len))
        .collect::<Vec<_>>();
    axes.sort_unstable();
    let mut reach = item_size;
    for (stride, len) in axes {
        if stride < reach {
            return false;
        }
        reach = stride.saturating_mul(len - 1).saturating_add(reach);
    }
    true
}

/// Rejects parts of chunks unless all their elements provably go to different bytes of the buffer.
///
/// Parts are points, or boxes of one grid of positions, as splitting a selection along a chunk grid
/// produces.
pub(super) fn parts_are_disjoint<'a>(
    parts: impl Iterator<Item = &'a Wanted>,
    item_size: usize,
) -> Result<()> {
    let (mut boxes, mut points) = (Vec::new(), Vec::new());
    for part in parts.filter(|part| part.len() > 0) {
        match part {
            Wanted::Box(axes) => boxes.push(axes.as_slice()),
            Wanted::Points(part) => points.push(&**part),
        }
    }
    let disjoint = match (boxes.is_empty(), points.is_empty()) {
        (_, true) => boxes_are_disjoint(&boxes, item_size),
        (true, false) => points_are_disjoint(&points, item_size),
        (false, false) => false,
    };
    if disjoint {
        return Ok(());
    }
    Err(Error::selection(
        "two elements have the same position in the buffer, or the positions of the chunks do not form a grid",
    ))
}

/// The positions of one axis.
#[derive(PartialEq, Eq, Hash)]
enum Positions {
    /// The first and the last of consecutive positions.
    Range(u64, u64),
    /// Positions in ascending order.
    List(Vec<u64>),
}

impl Positions {
    /// Returns the positions of an axis; `None` if a position occurs twice.
    fn of(axis: &Axis) -> Option<Self> {
        match axis.layout() {
            Layout::Range(steps) => {
                let last = steps.position.checked_add(steps.count - 1)?;
                Some(Self::Range(steps.position, last))
            }
            Layout::List(pairs) => {
                let mut positions = pairs.map(|(_, position)| position).collect::<Vec<_>>();
                positions.sort_unstable();
                let unique = positions.windows(2).all(|pair| pair[0] < pair[1]);
                unique.then_some(Self::List(positions))
            }
        }
    }

    fn first(&self) -> u64 {
        match self {
            Self::Range(first, _) => *first,
            Self::List(positions) => positions[0],
        }
    }

    fn last(&self) -> u64 {
        match self {
            Self::Range(_, last) => *last,
            Self::List(positions) => positions[positions.len() - 1],
        }
    }
}

fn boxes_are_disjoint(boxes: &[&[Axis]], item_size: usize) -> bool {
    let Some(rank) = boxes.first().map(|axes| axes.len()) else {
        return true;
    };
    let mut cells = vec![Vec::with_capacity(rank); boxes.len()];
    let (mut shape, mut strides) = (Vec::new(), Vec::new());
    for dimension in 0..rank {
        let mut sets = HashMap::new();
        let (mut longest, mut stride) = (0, 0);
        for (axes, cell) in boxes.iter().zip(&mut cells) {
            let Some(axis) = axes.get(dimension) else {
                return false;
            };
            let Some(positions) = Positions::of(axis) else {
                return false;
            };
            if positions.last() > 0 {
                if longest > 0 && stride != axis.stride {
                    return false;
                }
                stride = axis.stride;
                longest = longest.max(positions.last());
            }
            let number = sets.len();
            cell.push(*sets.entry(positions).or_insert(number));
        }
        let Some(len) = usize::try_from(longest)
            .ok()
            .and_then(|last| last.checked_add(1))
        else {
            return false;
        };
        shape.push(len);
        strides.push(stride);
        if !sets_are_disjoint(sets.into_keys().collect()) {
            return false;
        }
    }
    all_different(cells.iter()) && strides_are_disjoint(&shape, &strides, item_size)
}

/// Whether no position is in two of the sets.
fn sets_are_disjoint(mut sets: Vec<Positions>) -> bool {
    sets.sort_by_key(Positions::first);
    if sets.windows(2).all(|pair| pair[0].last() < pair[1].first()) {
        return true;
    }
    // Lists can interleave, with ranges in their gaps, and still be disjoint.
    let (mut ranges, mut listed) = (Vec::new(), Vec::new());
    for set in sets {
        match set {
            Positions::Range(first, last) => ranges.push((first, last)),
            Positions::List(positions) => listed.extend(positions),
        }
    }
    listed.sort_unstable();
    let is_free = |&(first, last): &(u64, u64)| {
        let next = listed.partition_point(|&position| position < first);
        listed.get(next).is_none_or(|&position| position > last)
    };
    listed.windows(2).all(|pair| pair[0] < pair[1])
        && ranges.windows(2).all(|pair| pair[0].1 < pair[1].0)
        && ranges.iter().all(is_free)
}

fn points_are_disjoint(parts: &[&Points], item_size: usize) -> bool {
    let mut places = parts.iter().map(|part| part.stride());
    let stride = places.next().unwrap_or(0);
    let alike = places.all(|other| other == stride);
    let len = parts.iter().map(|part| part.len()).sum::<usize>();
    alike
        && (len <= 1 || stride.unsigned_abs() >= item_size)
        && all_different(parts.iter().flat_map(|part| part.positions()))
}

fn all_different<T: Eq + Hash>(mut items: impl Iterator<Item = T>) -> bool {
    let mut seen = HashSet::with_capacity(items.size_hint().0);
    items.all(|item| seen.insert(item))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_may_interleave_with_lists_and_ranges() {
        let range = Positions::Range;
        let list = |positions: &[u64]| Positions::List(positions.to_vec());
        let disjoint = |sets: Vec<Positions>| sets_are_disjoint(sets);
        assert!(disjoint(vec![range(3, 3), range(0, 1), list(&[2, 4])]));
        assert!(disjoint(vec![
            list(&[0, 9]),
            range(1, 3),
            list(&[4, 8]),
            range(5, 7)
        ]));
        assert!(!disjoint(vec![list(&[0, 9]), range(1, 4), list(&[4, 8])]));
        assert!(!disjoint(vec![list(&[0, 2]), range(1, 3)]));
        assert!(!disjoint(vec![list(&[0, 2]), list(&[2, 4])]));
        assert!(!disjoint(vec![range(0, 2), range(2, 3), list(&[5, 7])]));
    }
}
