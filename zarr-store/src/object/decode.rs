//! Decodes objects stored with `Content-Encoding` (RFC 9110, 8.4.1): gzip and deflate. Only HTTP
//! clients receive such objects.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// Returns the codings in a `Content-Encoding` header that change bytes. Unregistered names, such
/// as `utf-8`, are mistakes of whoever stored the object.
pub(crate) fn codings(field: &str) -> Vec<String> {
    const KNOWN: [&str; 10] = [
        "gzip",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "x-compress",
        "dcb",
        "dcz",
        "exi",
    ];
    let names = field
        .split(',')
        .map(|name| name.trim().to_ascii_lowercase());
    names
        .filter(|name| KNOWN.contains(&name.as_str()))
        .collect()
}

/// Decodes stored bytes to the object, of at most `most` bytes.
pub(super) fn decode(stored: &[u8], field: &str, most: u64) -> Result<Bytes, String> {
    let codings = codings(field);
    match codings.as_slice() {
        [name] if name == "gzip" || name == "x-gzip" => inflate(MultiGzDecoder::new(stored), most),
        // Some servers omit the zlib frame that `deflate` stands for (RFC 9110, 8.4.1.2).
        [name] if name == "deflate" => inflate(ZlibDecoder::new(stored), most)
            .or_else(|reason| inflate(DeflateDecoder::new(stored), most).map_err(|_| reason)),
        _ => Err(
            "only one gzip or deflate encoding can be decoded; store the object without \
                  Content-Encoding"
                .to_owned(),
        ),
    }
}

fn inflate(mut decoder: impl Read, most: u64) -> Result<Bytes, String> {
    let mut bytes = Vec::new();
    let read = decoder
        .by_ref()
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(|error| format!("its bytes are damaged: {error}"))?;
    match bytes.len() as u64 > most {
        true => Err(format!(
            "it decodes to more than {most} bytes, the limit for objects that must be decoded as a whole"
        )),
        false => Ok(bytes.into()),
    }
}
