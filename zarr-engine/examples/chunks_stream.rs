//! Streams an array chunk by chunk with bounded memory, and writes another array along the way.
//!
//!     cargo run --example chunks_stream

use futures::TryStreamExt;
use ndarray::Array2;
use zarr_engine::{ArrayBuilder, Result, blocking, limits, open};

pub(crate) fn main() -> Result<()> {
    blocking::runtime().block_on(scale())
}

async fn scale() -> Result<()> {
    // The decoded chunks in memory at a time are limited to this size.
    limits::set_bytes_in_flight(64 << 20);
    let hierarchy = open("memory:")?;
    let metadata = ArrayBuilder::new(&[1000, 1000], "float32")
        .with_chunk_shape(&[100, 100])
        .build()?;
    let raw = hierarchy.create_array("raw", metadata.clone()).await?;
    raw.write(.., 2.0_f32).await?;

    let scaled = hierarchy.create_array("scaled", metadata).await?;
    let chunks = raw.read_chunks::<Array2<f32>>(..)?;
    scaled
        .write_chunks(chunks.map_ok(|(chunk, data)| (chunk, data * 0.5)))
        .await?;

    let chunks = scaled.read_chunks::<f32>((..500, ..))?;
    let sum = chunks
        .try_fold(0.0, async |sum, (_, data)| Ok(sum + f64::from(data.sum())))
        .await?;
    println!("sum of the upper half: {sum}");
    assert_eq!(sum, 500_000.0);
    Ok(())
}
