//! Inflates and checks members with libdeflate: behind the feature `deflate`, because libdeflate is
//! C.

/// Inflates stored bytes to a member, if it has exactly `size` bytes and this checksum.
#[cfg(feature = "deflate")]
pub(super) fn inflate(bytes: &[u8], size: u64, crc: u32) -> Result<Vec<u8>, &'static str> {
    let size = usize::try_from(size).map_err(|_| "larger than memory")?;
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(size)
        .map_err(|_| "larger than memory")?;
    buffer.resize(size, 0);
    match libdeflater::Decompressor::new().deflate_decompress(bytes, &mut buffer) {
        Ok(inflated) if inflated == size => check(&buffer, crc).map(|()| buffer),
        _ => Err("the deflated data are damaged, or do not have the declared size"),
    }
}

#[cfg(not(feature = "deflate"))]
pub(super) fn inflate(_: &[u8], _: u64, _: u32) -> Result<Vec<u8>, &'static str> {
    Err("zarr-store is built without its feature \"deflate\"")
}

/// Compares the bytes of a member with their checksum; without the feature, checks nothing.
pub(super) fn check(bytes: &[u8], crc: u32) -> Result<(), &'static str> {
    #[cfg(feature = "deflate")]
    if libdeflater::crc32(bytes) != crc {
        return Err("the checksum does not match");
    }
    let _ = (bytes, crc);
    Ok(())
}
