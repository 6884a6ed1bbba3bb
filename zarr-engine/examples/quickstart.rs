//! Writes a sharded, compressed 3-d array to local disk, explains and reads a slice of it, and
//! draws the slice.
//!
//!     cargo run --release -p zarr-engine --example quickstart [FOLDER]

#![expect(
    clippy::cast_possible_truncation,
    reason = "shades and heights are small"
)]

use std::time::Instant;

use ndarray::{Array3, ArrayD, s};
use zarr_engine::blocking::open;
use zarr_engine::{ArrayBuilder, Attributes, codecs};

const SHAPE: [usize; 3] = [128, 256, 256];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "target/quickstart.zarr".to_owned());
    let hierarchy = open(&folder)?;
    if hierarchy.group("").is_ok() {
        hierarchy.delete("")?;
    }

    // Inner chunks of 32 x 64 x 64 elements; each shard holds 4 x 4 x 4 inner chunks in one file.
    let metadata = ArrayBuilder::new(&SHAPE.map(|len| len as u64), "uint16")
        .with_chunk_shape(&[32, 64, 64])
        .with_shard_shape(&[128, 256, 256])
        .with_codecs([codecs::bytes(true), codecs::zstd(3), codecs::crc32c()])
        .with_dimension_names(["z", "y", "x"])
        .with_attributes(Attributes::new().with("title", "two drops")?)
        .build()?;
    let array = hierarchy.create_array("drops", metadata)?;
    let data = drops();
    let start = Instant::now();
    array.write(s![.., .., ..], &data)?;
    println!(
        "wrote {:?} uint16 ({} MiB) to {folder} in {:.0?}",
        SHAPE,
        (2 * data.len()) >> 20,
        start.elapsed()
    );

    // One plane: before the read, the plan shows what the read will touch.
    let plane = s![64, .., ..];
    println!("\n{}\n", array.plan_read(plane)?);
    let start = Instant::now();
    let slice: ArrayD<u16> = array.read::<u16>(plane)?;
    println!(
        "read {:?} in {:.0?}; maximum {}",
        slice.shape(),
        start.elapsed(),
        slice.iter().max().unwrap_or(&0)
    );
    assert_eq!(slice, data.slice(plane).into_dyn());
    draw(&slice);

    // A partial write of a shard: only the inner chunks that it touches are decoded and encoded
    // again.
    let corner = s![60..70, 0..40, 0..40];
    println!("\n{}", array.plan_write(corner)?);
    array.write(corner, 999_u16)?;
    println!(
        "drops[64, 20, 20] is now {}",
        array.read::<u16>(s![64, 20, 20])?.sum()
    );

    println!("\nIn Python:\n  import zarr\n  zarr.open_array({folder:?}, path=\"drops\")[64]");
    Ok(())
}

/// Returns the sum of two waves around two centres.
fn drops() -> Array3<u16> {
    Array3::from_shape_fn(SHAPE, |(z, y, x)| {
        let height = |cz: f32, cy: f32, cx: f32| {
            let [dz, dy, dx] = [z as f32 - cz, y as f32 - cy, x as f32 - cx];
            let distance = (4.0 * dz * dz + dy * dy + dx * dx).sqrt();
            (distance / 7.0).cos() * (-distance / 80.0).exp()
        };
        (1000.0 + 400.0 * (height(64.0, 90.0, 80.0) + height(50.0, 170.0, 190.0))) as u16
    })
}

/// Draws a plane with one character per 8 x 4 elements.
fn draw(plane: &ArrayD<u16>) {
    let shades: Vec<char> = " .:-=+*#%@".chars().collect();
    let (low, high) = plane
        .iter()
        .fold((u16::MAX, 0), |(low, high), &x| (low.min(x), high.max(x)));
    for y in (0..SHAPE[1]).step_by(8) {
        let row = (0..SHAPE[2]).step_by(4).map(|x| {
            let shade = f32::from(plane[[y, x]] - low) / f32::from((high - low).max(1));
            shades[(shade * 9.0) as usize]
        });
        println!("{}", row.collect::<String>());
    }
}
