//! The codec calls of the limit, each with the contexts of its thread.

use std::cell::RefCell;
use std::ffi::CString;

use serde_json::Value;
use zstd_safe::{CCtx, CParameter, DCtx};

/// The compressor of a cube.
pub enum Codec {
    Raw,
    Zstd { level: i32 },
    Gzip { level: i32 },
    Blosc { compressor: CString, level: i32 },
}

thread_local! {
    static ZSTD: RefCell<(CCtx<'static>, DCtx<'static>)> = RefCell::new((CCtx::create(), DCtx::create()));
}

impl Codec {
    /// Returns the codec with this name and configuration; of none, the elements are raw.
    pub fn new(codec: &Value) -> Self {
        let configuration = &codec["configuration"];
        let level = |name: &str| configuration[name].as_i64().expect("a level") as i32;
        match codec["name"].as_str() {
            None => Self::Raw,
            Some("zstd") => Self::Zstd {
                level: level("level"),
            },
            Some("gzip") => Self::Gzip {
                level: level("level"),
            },
            Some("blosc") => {
                let compressor = configuration["cname"].as_str().expect("a compressor");
                Self::Blosc {
                    compressor: CString::new(compressor).expect("no zero"),
                    level: level("clevel"),
                }
            }
            Some(other) => panic!("the limit of {other} is not measured"),
        }
    }

    pub fn decode(&self, encoded: &[u8], decoded: &mut [u8]) {
        let size = match self {
            Self::Raw => unreachable!("raw elements are read in place"),
            Self::Zstd { .. } => ZSTD.with_borrow_mut(|(_, context)| {
                context.decompress(decoded, encoded).expect("a frame")
            }),
            Self::Gzip { .. } => libdeflater::Decompressor::new()
                .gzip_decompress(encoded, decoded)
                .expect("a member"),
            Self::Blosc { .. } => {
                // SAFETY: the frame was written by this process or a peer, for a buffer of this size.
                let size = unsafe {
                    blosc_src::blosc_decompress_ctx(
                        encoded.as_ptr().cast(),
                        decoded.as_mut_ptr().cast(),
                        decoded.len(),
                        1,
                    )
                };
                size as usize
            }
        };
        assert_eq!(size, decoded.len());
    }

    /// Appends the encoded bytes.
    pub fn encode(&self, decoded: &[u8], encoded: &mut Vec<u8>) {
        let start = encoded.len();
        match self {
            Self::Raw => encoded.extend_from_slice(decoded),
            Self::Zstd { level } => ZSTD.with_borrow_mut(|(context, _)| {
                context
                    .set_parameter(CParameter::CompressionLevel(*level))
                    .expect("a level");
                encoded.reserve(zstd_safe::compress_bound(decoded.len()));
                let mut end = zstd_safe::OutBuffer::around_pos(encoded, start);
                let mut all = zstd_safe::InBuffer::around(decoded);
                context
                    .set_pledged_src_size(Some(decoded.len() as u64))
                    .expect("a size");
                let left = context.compress_stream2(
                    &mut end,
                    &mut all,
                    zstd_safe::zstd_sys::ZSTD_EndDirective::ZSTD_e_end,
                );
                assert_eq!(left.expect("a frame"), 0);
            }),
            Self::Gzip { level } => {
                let level = libdeflater::CompressionLvl::new(*level).expect("a level");
                let mut compressor = libdeflater::Compressor::new(level);
                encoded.resize(start + compressor.gzip_compress_bound(decoded.len()), 0);
                let size = compressor
                    .gzip_compress(decoded, &mut encoded[start..])
                    .expect("room");
                encoded.truncate(start + size);
            }
            Self::Blosc { compressor, level } => {
                encoded.resize(start + decoded.len() + 16, 0);
                let to = &mut encoded[start..];
                // SAFETY: both buffers have the sizes that the call is told.
                let size = unsafe {
                    blosc_src::blosc_compress_ctx(
                        *level,
                        1,
                        2,
                        decoded.len(),
                        decoded.as_ptr().cast(),
                        to.as_mut_ptr().cast(),
                        to.len(),
                        compressor.as_ptr(),
                        0,
                        1,
                    )
                };
                encoded.truncate(start + usize::try_from(size).expect("a frame"));
            }
        }
    }
}

pub fn bytes_of(elements: &[u16]) -> &[u8] {
    // SAFETY: every element is two bytes, and bytes need no alignment.
    unsafe { std::slice::from_raw_parts(elements.as_ptr().cast(), 2 * elements.len()) }
}

pub fn bytes_of_mut(elements: &mut [u16]) -> &mut [u8] {
    // SAFETY: as above; any bytes are elements.
    unsafe { std::slice::from_raw_parts_mut(elements.as_mut_ptr().cast(), 2 * elements.len()) }
}

/// Returns zeros, in huge pages if they are many.
pub fn large<T: Copy + Default>(len: usize) -> Vec<T> {
    // The kernel zeroes the pages of a large allocation when they are first touched.
    let mut elements = vec![T::default(); len];
    let size = size_of_val(&*elements);
    if size >= 4 << 20 {
        let start = elements.as_mut_ptr().cast::<u8>();
        let skipped = start.align_offset(4096);
        // SAFETY: the pages are inside the allocation, and the advice does not change their content.
        unsafe {
            libc::madvise(
                start.add(skipped).cast(),
                size - skipped,
                libc::MADV_HUGEPAGE,
            )
        };
    }
    elements
}
