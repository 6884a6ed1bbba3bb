//! Objects with a Content-Encoding.

use super::*;

/// `pattern(100)` in gzip, as two members.
fn gzipped() -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in [&pattern(100)[..60], &pattern(100)[60..]] {
        let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
        let mut buffer = vec![0; compressor.gzip_compress_bound(part.len())];
        let size = compressor.gzip_compress(part, &mut buffer).unwrap();
        bytes.extend(&buffer[..size]);
    }
    bytes
}

/// `pattern(100)` in deflate without the zlib frame.
fn deflated_raw() -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut buffer = vec![0; compressor.deflate_compress_bound(100)];
    let size = compressor
        .deflate_compress(&pattern(100), &mut buffer)
        .unwrap();
    buffer.truncate(size);
    buffer
}

fn deflated() -> Vec<u8> {
    let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
    let mut buffer = vec![0; compressor.zlib_compress_bound(100)];
    let size = compressor
        .zlib_compress(&pattern(100), &mut buffer)
        .unwrap();
    buffer.truncate(size);
    buffer
}

#[tokio::test]
async fn encoded_objects_are_decoded() {
    for (name, stored) in [
        ("gzip", gzipped()),
        ("x-gzip", gzipped()),
        ("GZIP", gzipped()),
        ("deflate", deflated()),
        ("deflate", deflated_raw()),
        ("aws-chunked,gzip", gzipped()),
        ("identity, gzip", gzipped()),
    ] {
        let fields = format!("Content-Encoding: {name}\r\n{TAG}");
        // Regardless of the range, as static hosts do.
        let (body, coding) = (stored.clone(), fields.clone());
        reads(move |asked| match asked.method.as_str() {
            "HEAD" => without_body(sized("200 OK", &coding, &body)),
            _ => sized("200 OK", &coding, &body),
        })
        .await;
        // Ranges of the encoded bytes, as S3 does.
        let (body, coding) = (stored.clone(), fields.clone());
        reads(move |asked| match asked.range(body.len()) {
            _ if asked.method == "HEAD" => without_body(sized("200 OK", &coding, &body)),
            None => sized("200 OK", &coding, &body),
            Some(range) if range.is_empty() => sized("416 no", "", b""),
            Some(range) => {
                let total = body.len();
                let place = format!(
                    "{coding}Content-Range: bytes {}-{}/{total}\r\n",
                    range.start,
                    range.end - 1
                );
                sized("206 Partial", &place, &body[range])
            }
        })
        .await;
        // Also with a chunked transfer.
        reads(move |asked| match asked.method.as_str() {
            "HEAD" => without_body(chunked("200 OK", &fields, &[])),
            _ => chunked("200 OK", &fields, &stored),
        })
        .await;
    }
}

#[tokio::test]
async fn encodings_that_are_broken_or_unknown_are_errors() {
    for name in ["br", "zstd", "compress", "gzip, gzip"] {
        let fields = format!("Content-Encoding: {name}\r\n");
        let error = fails(ByteRange::All, move |_| {
            sized("200 OK", &fields, &gzipped())
        })
        .await;
        assert!(
            error.to_string().contains("Content-Encoding"),
            "{name}: {error}"
        );
    }
    for spoil in [
        |bytes: &mut Vec<u8>| bytes.truncate(40),
        |bytes: &mut Vec<u8>| bytes[20] ^= 1,
    ] {
        let error = fails(ByteRange::All, move |_| {
            let mut body = gzipped();
            spoil(&mut body);
            sized("200 OK", "Content-Encoding: gzip\r\n", &body)
        })
        .await;
        assert!(error.to_string().contains("gzip"), "{error}");
    }
}
