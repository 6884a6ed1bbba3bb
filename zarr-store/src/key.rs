//! The rules for keys and prefixes, checked once on entry to the store.
//!
//! A key is one or more segments separated by `/`: no segment is empty, `.` or `..`, or contains
//! NUL. Files and archives support all such keys. Object stores do not support ASCII control
//! characters: `object_store::path::Path::parse` refuses them, and the only alternative,
//! `Path::from`, percent-encodes them and so names another object. A key with a control character
//! is therefore an error there.

use std::borrow::Cow;

use object_store::path::Path;

/// Returns the rule that a key breaks as the error.
pub(crate) fn check(key: &str) -> Result<(), &'static str> {
    if key.is_empty() {
        return Err("empty key");
    }
    key.split('/').try_for_each(check_segment)
}

/// Strips the optional trailing `/` of a prefix. The empty prefix is the whole store.
pub(crate) fn check_prefix(prefix: &str) -> Result<&str, &'static str> {
    let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
    if !prefix.is_empty() {
        check(prefix)?;
    }
    Ok(prefix)
}

fn check_segment(segment: &str) -> Result<(), &'static str> {
    if segment.is_empty() {
        return Err("empty segment: a key cannot begin with / or contain //");
    }
    if segment == "." || segment == ".." {
        return Err("relative segment");
    }
    if segment.contains('\0') {
        return Err("null character");
    }
    Ok(())
}

/// Whether a directory entry's name can be a segment of a key.
pub(crate) fn is_segment(segment: &str) -> bool {
    check_segment(segment).is_ok()
}

/// Returns `prefix/key`, where either part may be empty.
pub(crate) fn join<'a>(prefix: &str, key: &'a str) -> Cow<'a, str> {
    match (prefix.is_empty(), key.is_empty()) {
        (true, _) => Cow::Borrowed(key),
        (false, true) => Cow::Owned(prefix.to_owned()),
        (false, false) => Cow::Owned(format!("{prefix}/{key}")),
    }
}

/// Returns the rest of a key below a prefix; `None` if the key is not below the prefix.
pub(crate) fn below<'a>(prefix: &str, key: &'a str) -> Option<&'a str> {
    let rest = if prefix.is_empty() {
        key
    } else {
        key.strip_prefix(prefix)?.strip_prefix('/')?
    };
    (!rest.is_empty()).then_some(rest)
}

/// Converts a checked key to a path with identical characters, never encoded.
pub(crate) fn to_path(key: &str) -> Result<Path, &'static str> {
    if key.bytes().any(|byte| byte.is_ascii_control()) {
        return Err("control character: object stores do not support such keys");
    }
    let path = Path::parse(key).map_err(|_| "refused by object_store")?;
    if path.as_ref() == key {
        Ok(path)
    } else {
        Err("rewritten by object_store")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn illegal_keys_are_refused() {
        for key in [
            "", "/", "/a", "a/", "a//b", ".", "a/..", "../a", "a/./b", "a\0b",
        ] {
            assert!(check(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn keys_of_files_are_not_all_keys_of_objects() {
        for key in ["a\nb", "\x7f"] {
            check(key).unwrap();
            assert!(to_path(key).is_err(), "{key:?}");
        }
    }

    #[test]
    fn awkward_names_stay_as_they_are() {
        for key in [
            "a~b[0]", "100%", "%7E", "a#b", "c d", "...", "é", "e\u{301}", "a\\b", "😀", "?x=1",
        ] {
            check(key).unwrap();
            assert_eq!(to_path(key).unwrap().as_ref(), key);
        }
    }

    #[test]
    fn prefixes_end_at_segments() {
        assert_eq!(below("foo", "foo-bar/x"), None);
        assert_eq!(below("foo", "foo/x"), Some("x"));
        assert_eq!(below("foo", "foo"), None);
        assert_eq!(below("", "foo"), Some("foo"));
        assert_eq!(check_prefix("a/b/"), Ok("a/b"));
        assert!(check_prefix("/").is_ok_and(str::is_empty));
        assert!(check_prefix("a//").is_err());
    }

    proptest! {
        #[test]
        fn legal_keys_round_trip_through_paths(segments in prop::collection::vec("[^/\\x00-\\x1f\\x7f]{1,12}", 1..5)) {
            prop_assume!(segments.iter().all(|segment| segment != "." && segment != ".."));
            let key = segments.join("/");
            prop_assert_eq!(check(&key), Ok(()));
            let path = to_path(&key).unwrap();
            prop_assert_eq!(path.as_ref(), key.as_str());
        }

        #[test]
        fn any_text_is_refused_or_kept(key in "\\PC{0,24}|[./a\\x00-\\x20]{0,8}") {
            if check(&key).is_ok() && !key.contains(|c: char| c.is_ascii_control()) {
                let path = to_path(&key).unwrap();
                prop_assert_eq!(path.as_ref(), key.as_str());
            }
        }
    }
}
