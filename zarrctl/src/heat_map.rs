//! Pictures as SVG: the stored chunks of an array, and histograms.

use std::collections::HashMap;

use zarr::StoredChunk;
use zarr::blocking::Array;

use crate::text;

/// The most squares of a picture: chunks beyond are left out.
const MOST: usize = 20_000;

/// The side of a square of the grid, in units of the picture.
const SIDE: f64 = 48.0;
const GAP: f64 = 3.0;

/// A picture: its elements, and the size of its coordinates.
pub(crate) struct Picture {
    drawn: String,
    width: f64,
    height: f64,
}

impl Picture {
    /// Returns the picture as a part of a web page.
    pub(crate) fn html(&self) -> String {
        let Self {
            drawn,
            width,
            height,
        } = self;
        let shown = width.min(960.0);
        format!("<svg width=\"{shown:.0}\" viewBox=\"0 0 {width} {height}\">{drawn}</svg>")
    }

    /// Returns the picture as a part of another, at a place and at most of a size there.
    pub(crate) fn placed(&self, [left, top]: [f64; 2], [width, height]: [f64; 2]) -> String {
        let scale = (width / self.width).min(height / self.height).min(1.0);
        let drawn = &self.drawn;
        format!("<g transform=\"translate({left} {top}) scale({scale:.4})\">{drawn}</g>")
    }
}

/// Draws the chunks of an array: rows and columns are the last two dimensions, with one plane for
/// each index of the others, one below another. Darker squares are better compressed, white squares
/// are not stored, and red edges have dead space.
/// `None` if there are too many chunks. The second number is that of the chunks left out.
pub(crate) fn map(array: &Array, stored: &[StoredChunk]) -> Option<(Picture, usize)> {
    let grid = array.grid_shape();
    let lens = grid
        .iter()
        .map(|&len| usize::try_from(len).unwrap_or(usize::MAX))
        .collect::<Vec<_>>();
    let (rows, columns) = match lens[..] {
        [] => (1, 1),
        [columns] => (1, columns),
        [.., rows, columns] => (rows, columns),
    };
    let plane = rows.saturating_mul(columns);
    let all = lens
        .iter()
        .fold(1_usize, |all, &len| all.saturating_mul(len));
    if plane == 0 || plane > MOST {
        return None;
    }
    let planes = (all / plane).min((MOST / plane).max(1));
    let by_place = stored
        .iter()
        .map(|chunk| (position(&chunk.indices, &grid), chunk));
    let by_place = by_place.collect::<HashMap<_, _>>();
    let step = SIDE + GAP;
    let (width, height) = (
        columns as f64 * step + GAP,
        (rows as f64 * step + 2.0 * GAP) * planes as f64,
    );
    let mut drawn = String::new();
    let fine = stored.len() * inner_len(stored) <= MOST;
    for number in 0..planes * plane {
        let (row, column) = (number % plane / columns, number % columns);
        let top =
            (number / plane) as f64 * (rows as f64 * step + 2.0 * GAP) + GAP + row as f64 * step;
        let left = GAP + column as f64 * step;
        drawn += &square(
            array,
            by_place.get(&(number as u64)).copied(),
            left,
            top,
            fine,
        );
    }
    let picture = Picture {
        drawn,
        width,
        height,
    };
    Some((picture, all - planes * plane))
}

/// Returns the chunks of an array as a part of a web page.
pub(crate) fn html(array: &Array, stored: &[StoredChunk]) -> String {
    let grid = array.grid_shape();
    let all = grid.iter().fold(1_u64, |all, &len| all.saturating_mul(len));
    let summary = summary(stored, all);
    match map(array, stored) {
        None => summary + "<p>The grid is too large for a picture.</p>",
        Some((picture, 0)) => summary + &picture.html(),
        Some((picture, left)) => {
            let left = text::count(left as u64);
            format!(
                "{summary}{}<p>{left} more chunks are not drawn.</p>",
                picture.html()
            )
        }
    }
}

fn summary(stored: &[StoredChunk], all: u64) -> String {
    let size = stored.iter().map(|chunk| chunk.size).sum();
    let shards = stored
        .iter()
        .filter_map(|chunk| chunk.shard.as_ref())
        .collect::<Vec<_>>();
    let mut summary = format!(
        "<p>{} of {} stored, {}",
        text::count(stored.len() as u64),
        text::count(all),
        text::size(size)
    );
    if !shards.is_empty() {
        let inner = shards.iter().map(|shard| shard.inner.len() as u64).sum();
        let present = shards
            .iter()
            .map(|shard| shard.inner.iter().flatten().count() as u64)
            .sum();
        let dead = shards.iter().map(|shard| shard.dead).sum();
        summary += &format!(
            "; inner chunks: {} of {} in these shards; dead space {}",
            text::count(present),
            text::count(inner),
            text::size(dead)
        );
    }
    summary + ".</p>"
}

fn inner_len(stored: &[StoredChunk]) -> usize {
    let lens = stored
        .iter()
        .filter_map(|chunk| Some(chunk.shard.as_ref()?.inner.len()));
    lens.max().unwrap_or(1).max(1)
}

fn position(indices: &[u64], grid: &[u64]) -> u64 {
    let axes = indices.iter().zip(grid);
    axes.fold(0, |position: u64, (index, len)| {
        position.saturating_mul(*len).saturating_add(*index)
    })
}

fn square(array: &Array, chunk: Option<&StoredChunk>, left: f64, top: f64, fine: bool) -> String {
    let Some(chunk) = chunk else {
        return rect([left, top, SIDE, SIDE], "#fff", "#bbb", "not stored");
    };
    let shard = chunk.shard.as_ref();
    let size = decoded_size(array, shard.is_some());
    let count = shard.map_or(1, |shard| shard.inner.iter().flatten().count().max(1));
    let dead = shard.map_or(0, |shard| shard.dead);
    let edge = if dead > 0 { "#c33" } else { "#888" };
    let dead = if dead > 0 {
        format!(", dead space {dead}")
    } else {
        String::new()
    };
    let text = format!("{}: {} bytes{dead}", chunk.key, chunk.size);
    let mut drawn = rect(
        [left, top, SIDE, SIDE],
        &shade(chunk.size, size.map(|size| size * count as f64)),
        edge,
        &text,
    );
    if let Some(shard) = shard.filter(|_| fine) {
        let chunk = array.chunk(&chunk.indices);
        let grid = chunk
            .ok()
            .and_then(|chunk| chunk.inner_grid_shape())
            .unwrap_or_default();
        let columns = grid
            .last()
            .map_or(1, |&len| usize::try_from(len).unwrap_or(1))
            .max(1);
        let rows = shard.inner.len().div_ceil(columns).max(1);
        let (width, height) = ((SIDE - 4.0) / columns as f64, (SIDE - 4.0) / rows as f64);
        for (number, inner) in shard.inner.iter().enumerate() {
            let (row, column) = (number / columns, number % columns);
            let (fill, text) = match inner {
                Some(bytes) => (
                    shade(*bytes, size),
                    format!("inner chunk {number}: {bytes} bytes"),
                ),
                None => (
                    "#fff".to_owned(),
                    format!("inner chunk {number}: not stored"),
                ),
            };
            let place = [
                left + 2.0 + column as f64 * width,
                top + 2.0 + row as f64 * height,
                width,
                height,
            ];
            drawn += &rect(place, &fill, "#fff", &text);
        }
    }
    drawn
}

/// Returns the decoded size of a chunk or inner chunk, in bytes.
fn decoded_size(array: &Array, inner: bool) -> Option<f64> {
    let item = array.data_type().fixed_size()? as f64;
    let layout = array.layout();
    let shape = match inner {
        true => layout.inner_chunk_shape()?,
        false => layout.chunk_shape().to_vec(),
    };
    Some(shape.iter().map(|&len| len as f64).product::<f64>() * item)
}

/// Returns a colour from light (not compressed) to dark (compressed to 1/100).
fn shade(size: u64, decoded: Option<f64>) -> String {
    let Some(decoded) = decoded.filter(|decoded| *decoded > 0.0) else {
        return "#4a7ab5".to_owned();
    };
    let part = (size as f64 / decoded).clamp(0.01, 1.0);
    format!("hsl(212,50%,{:.0}%)", 25.0 + 60.0 * part.sqrt())
}

fn rect([left, top, width, height]: [f64; 4], fill: &str, stroke: &str, title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<rect x=\"{left:.2}\" y=\"{top:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" fill=\"{fill}\" \
         stroke=\"{stroke}\" stroke-width=\".5\"><title>{title}</title></rect>"
    )
}

/// Draws a histogram.
pub(crate) fn bars(low: f64, high: f64, counts: &[u64]) -> Picture {
    let most = counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let width = 600.0 / counts.len() as f64;
    let step = (high - low) / counts.len() as f64;
    let bars = counts.iter().enumerate().map(|(number, &count)| {
        let height = 120.0 * count as f64 / most;
        let from = low + step * number as f64;
        let title = format!("{from:.6} to {:.6}: {}", from + step, text::count(count));
        rect(
            [number as f64 * width, 120.0 - height, width, height],
            "#4a7ab5",
            "#fff",
            &title,
        )
    });
    Picture {
        drawn: bars.collect(),
        width: 600.0,
        height: 120.0,
    }
}
