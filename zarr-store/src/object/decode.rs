//! Objects that are stored with `Content-Encoding` (RFC 9110, 8.4.1): gzip and deflate. Only HTTP clients meet any.

use std::io::Read;

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// The codings of the list in a field `Content-Encoding` that change bytes. Names that are registered for nothing, as `utf-8`,
/// are slips of who stored the object.
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

/// The bytes of an object, of which there are at most `most`, out of those that are stored.
pub(super) fn decode(stored: &[u8], field: &str, most: u64) -> Result<Bytes, String> {
    let codings = codings(field);
    match codings.as_slice() {
        [name] if name == "gzip" || name == "x-gzip" => inflate(MultiGzDecoder::new(stored), most),
        // Some servers leave out the frame that the name stands for (RFC 9110, 8.4.1.2).
        [name] if name == "deflate" => inflate(ZlibDecoder::new(stored), most)
            .or_else(|reason| inflate(DeflateDecoder::new(stored), most).map_err(|_| reason)),
        _ => Err("only gzip or deflate can be decoded, once; store it without".to_owned()),
    }
}

fn inflate(mut decoder: impl Read, most: u64) -> Result<Bytes, String> {
    let mut bytes = Vec::new();
    let read = decoder
        .by_ref()
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes);
    read.map_err(|error| format!("its bytes are broken: {error}"))?;
    match bytes.len() as u64 > most {
        true => Err(format!(
            "it has more than the {most} bytes that are decoded at once"
        )),
        false => Ok(bytes.into()),
    }
}
