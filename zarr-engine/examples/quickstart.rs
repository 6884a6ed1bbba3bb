//! Writes a sharded, compressed 3-d array to local disk, explains and reads a slice of it, and
//! draws the slice.
//!
//!     cargo run --release -p zarr-engine --example quickstart [FOLDER]

use std::time::Instant;

use ndarray::{Array2, Array3, s};
use zarr_engine::blocking::open;
use zarr_engine::{ArrayBuilder, Attributes, Scalar, codecs};

const SHAPE: [usize; 3] = [128, 256, 256];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1);
    let folder = folder.unwrap_or_else(|| "target/quickstart.zarr".to_owned());
    let hierarchy = open(&folder)?;
    if hierarchy.exists("")? {
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
    let (size, start) = ((2 * data.len()) >> 20, Instant::now());
    array.write(.., &data)?;
    let time = start.elapsed();
    println!("wrote {SHAPE:?} uint16 ({size} MiB) to {folder} in {time:.0?}");

    // One plane: before the read, the plan shows what the read will touch.
    let plane = s![64, .., ..];
    println!("\n{}\n", array.plan_read(plane)?);
    let start = Instant::now();
    let slice = array.read::<Array2<u16>>(plane)?;
    let (time, most) = (start.elapsed(), slice.iter().max().unwrap_or(&0));
    println!("read {:?} in {time:.0?}; maximum {most}", slice.shape());
    assert_eq!(slice, data.slice(plane));
    draw(&slice);

    // A partial write of a shard: only the inner chunks that it touches are decoded and encoded
    // again.
    let corner = s![60..70, 0..40, 0..40];
    println!("\n{}", array.plan_write(corner)?);
    array.write(corner, 999_u16)?;
    let element = array.read::<Scalar<u16>>((64, 20, 20))?;
    println!("drops[64, 20, 20] is now {element}");

    println!("\nIn Python:\n  import zarr\n  zarr.open_array({folder:?}, path=\"drops\")[64]");
    Ok(())
}

/// Returns the sum of two waves around two centres.
#[expect(clippy::cast_possible_truncation, reason = "heights are small")]
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
fn draw(plane: &Array2<u16>) {
    let (low, high) = (
        plane.iter().min().unwrap_or(&0),
        plane.iter().max().unwrap_or(&0),
    );
    let shade = |height: &u16| usize::from(height - low) * 9 / usize::from(high - low).max(1);
    for row in plane.rows().into_iter().step_by(8) {
        let row = row.iter().step_by(4);
        println!(
            "{}",
            row.map(|height| char::from(b" .:-=+*#%@"[shade(height)]))
                .collect::<String>()
        );
    }
}
