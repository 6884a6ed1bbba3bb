//! Listings, deletions and names on every store.

use super::*;

#[tokio::test]
async fn listings_end_at_segments_and_have_every_page() {
    on_each(async |store| {
        for key in ["foo/a", "foo/b/c", "foo/b/d/e", "foo-bar/x", "foo.x", "z"] {
            put(&store, key, b"12").await;
        }
        for number in 0..47 {
            put(&store, &format!("many/c/{number:02}"), b"x").await;
        }
        assert_eq!(keys(&store, "foo").await, ["foo/a", "foo/b/c", "foo/b/d/e"]);
        assert_eq!(keys(&store, "foo/b").await, ["foo/b/c", "foo/b/d/e"]);
        assert_eq!(keys(&store, "fo").await, [""; 0]);
        assert_eq!(keys(&store, "none").await, [""; 0]);
        assert_eq!(keys(&store, "many").await.len(), 47);
        assert_eq!(keys(&store, "").await.len(), 6 + 47);
        assert!(
            entries(&store, "foo")
                .await
                .iter()
                .all(|entry| entry.size == 2)
        );

        let directory = store.list_dir("foo").await.unwrap();
        assert_eq!(
            (directory.keys, directory.prefixes),
            (vec!["a".to_owned()], vec!["b".to_owned()])
        );
        let directory = store.list_dir("").await.unwrap();
        assert_eq!(directory.keys, ["foo.x", "z"]);
        assert_eq!(directory.prefixes, ["foo", "foo-bar", "many"]);
        assert_eq!(store.list_dir("many/c").await.unwrap().keys.len(), 47);
        assert_eq!(
            store.list_dir("none").await.unwrap(),
            zarr_store::Listing::default()
        );

        let part = store.with_prefix("foo/b").unwrap();
        assert_eq!(keys(&part, "").await, ["c", "d/e"]);
        assert_eq!(
            get(&part, "d/e", ByteRange::All).await.unwrap().bytes,
            b"12"[..]
        );
    })
    .await;
}

/// Servers list a few thousand objects per page.
#[tokio::test]
async fn more_objects_than_a_page_are_listed_and_deleted() {
    const OBJECTS: usize = 1100;
    on_each(async |store| {
        let puts = (0..OBJECTS).map(|number| {
            let store = &store;
            async move { put(store, &format!("p/{}/{number}", number % 3), b"x").await }
        });
        let puts = futures::stream::iter(puts).buffer_unordered(32);
        puts.for_each(async |_| ()).await;
        put(&store, "q", b"x").await;
        let found = keys(&store, "p").await;
        assert_eq!(found.iter().collect::<HashSet<_>>().len(), OBJECTS);
        assert_eq!(found.len(), OBJECTS);
        assert_eq!(store.list_dir("p").await.unwrap().prefixes, ["0", "1", "2"]);
        store.delete_prefix("p").await.unwrap();
        assert_eq!(keys(&store, "").await, ["q"]);
    })
    .await;
}

#[tokio::test]
async fn deletions_take_what_they_name_only() {
    on_each(async |store| {
        for key in ["foo/a", "foo/b/c", "foo-bar/x", "foo.x", "z"] {
            put(&store, key, b"12").await;
        }
        store.delete("none").await.unwrap();
        store.delete("none/none").await.unwrap();
        store.delete("foo").await.unwrap();
        assert_eq!(keys(&store, "").await.len(), 5);
        store.delete("z").await.unwrap();
        store.delete("z").await.unwrap();
        store.delete_prefix("fo").await.unwrap();
        assert_eq!(
            keys(&store, "").await,
            ["foo-bar/x", "foo.x", "foo/a", "foo/b/c"]
        );
        store.delete_prefix("foo").await.unwrap();
        store.delete_prefix("foo").await.unwrap();
        assert_eq!(keys(&store, "").await, ["foo-bar/x", "foo.x"]);
        let reader = store.clone().read_only();
        assert_eq!(
            reader.delete("foo.x").await.unwrap_err().kind(),
            ErrorKind::ReadOnly
        );
        assert_eq!(
            reader.delete_prefix("").await.unwrap_err().kind(),
            ErrorKind::ReadOnly
        );
        store.delete_prefix("").await.unwrap();
        assert_eq!(keys(&store, "").await, [""; 0]);
    })
    .await;
}

/// Names that clients escape, servers unescape, and libraries rewrite.
const NAMES: [&str; 22] = [
    "a~b[0]",
    "100%",
    "%7E",
    "%2F",
    "a#b",
    "c d",
    "a+b",
    "a&b=c",
    "?x=1",
    "it's",
    "\"q\"",
    "é",
    "e\u{301}",
    "😀",
    "a:b",
    "a*b",
    "a|b",
    "{x}",
    "<y>",
    ".hidden",
    "...",
    "a;b,c@d!$(e)^`",
];

#[tokio::test]
async fn odd_names_are_kept_as_they_are() {
    let fill = async |store: Store| {
        for (number, name) in NAMES.iter().enumerate() {
            for key in [format!("odd/{name}"), format!("odd.d/{name}/c/{name}")] {
                let text = format!("{number} {key}");
                store
                    .put(&key, vec![text.into()], Precondition::None)
                    .await
                    .unwrap();
            }
        }
    };
    on_each_filled(fill, async |store| {
        for (number, name) in NAMES.iter().enumerate() {
            for key in [format!("odd/{name}"), format!("odd.d/{name}/c/{name}")] {
                let body = get(&store, &key, ByteRange::All).await;
                let body = body.unwrap_or_else(|| panic!("{key} is absent"));
                assert_eq!(body.bytes, format!("{number} {key}").as_bytes(), "{key}");
            }
        }
        // The names above after erroneous unescaping or truncation.
        for other in ["odd/~", "odd//", "odd/a", "odd/a b", "odd/100", "odd/a%23b"] {
            if let Ok(found) = store.get(other, &ByteRange::All, None).await {
                assert_eq!(found, None, "{other}");
            }
        }
    })
    .await;
    on_each(async |store| {
        fill(store.clone()).await;
        let mut names = NAMES.map(str::to_owned);
        names.sort();
        assert_eq!(store.list_dir("odd").await.unwrap().keys, names);
        assert_eq!(store.list_dir("odd.d").await.unwrap().prefixes, names);
        let expected = names.clone().map(|name| format!("odd/{name}"));
        assert_eq!(keys(&store, "odd").await, expected);
        for name in NAMES {
            store.delete(&format!("odd/{name}")).await.unwrap();
            let prefix = format!("odd.d/{name}");
            let found = keys(&store, &prefix).await;
            assert_eq!(found, [format!("{prefix}/c/{name}")]);
            store.delete_prefix(&prefix).await.unwrap();
        }
        assert_eq!(keys(&store, "").await, [""; 0]);
    })
    .await;
}
