//! Archives that lie or are damaged.

use super::*;

#[tokio::test]
async fn archives_that_lie_are_refused() {
    let corrupt = async |members: &[Made], text: &str| {
        let store = zipped(archive(members)).await;
        let error = store.get("k", &ByteRange::All, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
        assert!(error.to_string().contains(text), "{error}");
    };
    let k = || stored("k", b"0123456789");
    for name in ["../k", "/k", "a//k", "a/../k", "k\0", "."] {
        corrupt(&[stored(name, b""), k()], "member").await;
    }
    corrupt(&[Made { size: 1000, ..k() }], "1000 bytes are stored in 10").await;
    let long = Made {
        size: 1000,
        compressed: 1000,
        ..k()
    };
    corrupt(&[long], "reaches past").await;
    corrupt(
        &[
            k(),
            Made {
                shift: -48,
                ..stored("m", b"9876543210")
            },
        ],
        "reaches past",
    )
    .await;
    corrupt(&[Made { shift: 1, ..k() }], "local header").await;
    corrupt(&[Made { crc: 1, ..k() }], "checksum").await;

    let bomb = deflated("k", &[0; 100_000]);
    corrupt(
        &[Made {
            size: 4_000_000_000,
            ..bomb.clone()
        }],
        "cannot come out",
    )
    .await;
    for size in [99_999, 100_001] {
        corrupt(
            &[Made {
                size,
                ..bomb.clone()
            }],
            "do not have the declared size",
        )
        .await;
    }
    let mut broken = bomb.clone();
    broken.data[3] ^= 0xff;
    corrupt(&[broken], "member").await;

    for count in [0, 1, 3] {
        let mut bytes = archive(&[k(), stored("m", b"9876543210")]);
        let end = bytes.len() - 22;
        bytes[end + 10] = count;
        let error = zipped(bytes).await;
        let error = error.get("x", &ByteRange::All, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }

    let refused = [
        (93, 0, "Zstandard (method 93)"),
        (12, 0, "bzip2"),
        (14, 0, "LZMA"),
        (9, 0, "Deflate64"),
        (77, 0, "compressed by method 77"),
        (0, 1, "encrypted"),
    ];
    for (method, flags, named) in refused {
        let store = zipped(archive(&[Made {
            method,
            flags,
            ..k()
        }]))
        .await;
        let error = store.get("k", &ByteRange::All, None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        for part in [named, "zip -0"] {
            assert!(error.to_string().contains(part), "{error}");
        }
        assert_eq!(store.size("k").await.unwrap(), Some(10));
        let [(key, error)] = &store.unreadable().await.unwrap()[..] else {
            panic!("one member");
        };
        assert!(key == "k" && error.to_string().contains(named), "{error}");
    }
}

#[tokio::test]
async fn damage_anywhere_is_an_error_and_never_a_panic() {
    let good = archive(&[stored("a", b"0123456789"), deflated("k", &pattern(500))]);
    for at in 0..good.len() {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bad = good.clone();
            bad[at] = value;
            let store = zipped(bad).await;
            if let Ok(Some(body)) = store.get("k", &ByteRange::All, None).await {
                assert_eq!(body.bytes, pattern(500), "byte {at}");
            }
        }
        let cut = zipped(good[..at].to_vec()).await;
        assert!(
            cut.get("k", &ByteRange::All, None).await.is_err(),
            "cut at {at}"
        );
    }
}
