//! Responses of web servers that RFC 9110 allows, and those that servers, proxies and caches
//! actually send.

mod bodies;
mod encodings;
mod headers;
mod parts;
mod servers;

use std::time::{Duration, Instant};

use super::raw::{Asked, Raw, chunked, orderly, sized, without_body};
use super::{pattern, read_ranges};
use crate::{Body, ByteRange, Error, ErrorKind, Result, Store};

const TAG: &str = "ETag: \"v1\"\r\n";

fn open(server: &Raw, options: &[(&str, &str)]) -> Store {
    let few = [("max_retries", "0"), ("timeout", "3s")];
    let url = format!("{}/data", server.address);
    Store::open_with(&url, few.into_iter().chain(options.iter().copied())).unwrap()
}

const ALL: [ByteRange; 7] = [
    ByteRange::All,
    ByteRange::Range(0..9),
    ByteRange::Range(20..100),
    ByteRange::Range(90..150),
    ByteRange::From(40),
    ByteRange::Suffix(10),
    ByteRange::Suffix(1000),
];

fn check(range: &ByteRange, body: Result<Option<Body>>) {
    let body = body.unwrap_or_else(|error| panic!("{range}: {error}"));
    let body = body.unwrap_or_else(|| panic!("{range}: absent"));
    let place = range.resolve(100);
    assert_eq!(
        (body.range, body.object_size),
        (place.clone(), 100),
        "{range}"
    );
    let expected = pattern(100).slice(place.start as usize..place.end as usize);
    assert_eq!(body.bytes, expected, "{range}");
}

/// Reads all ranges of a 100-byte object from a server.
async fn reads(answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static) {
    let server = Raw::start(answer);
    for range in ALL {
        // First from a store that has seen nothing, then from one that has.
        let store = open(&server, &[]);
        check(&range, store.get("k", &range, None).await);
        check(&range, store.get("k", &range, None).await);
    }
    let store = open(&server, &[]);
    assert_eq!(store.size("k").await.unwrap(), Some(100));
    let bodies = read_ranges(&store, "k", &[3..5, 90..100], None).await;
    let expected = [pattern(100).slice(3..5), pattern(100).slice(90..100)];
    assert_eq!(bodies.unwrap(), expected);
    let bodies = read_ranges(&store, "k", &[90..101], None).await;
    assert_eq!(bodies.unwrap_err().kind(), ErrorKind::ShortBody);
}

/// Returns the error of reading a range.
async fn fails(
    range: ByteRange,
    answer: impl Fn(&Asked) -> Vec<u8> + Send + Sync + 'static,
) -> Error {
    let server = Raw::start(answer);
    let body = open(&server, &[]).get("k", &range, None).await;
    body.expect_err("an answer that cannot be right")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut buffer = vec![0; compressor.gzip_compress_bound(bytes.len())];
    let size = compressor.gzip_compress(bytes, &mut buffer).unwrap();
    buffer.truncate(size);
    buffer
}
