//! Names of objects that are not part of a hierarchy.

use super::rules::{Rule, SYSTEM_LEFTOVER, WRITER_LEFTOVER};

/// Returns the rule that an object breaks by its name alone: leftovers of writers, editors, file
/// managers and operating systems.
pub(super) fn leftover(key: &str) -> Option<&'static Rule> {
    key.split('/').find_map(of_segment)
}

fn of_segment(name: &str) -> Option<&'static Rule> {
    let staged = name.rsplit_once('#').is_some_and(|(start, digits)| {
        !start.is_empty() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    let ends = [
        ".__lock",
        ".partial",
        ".tmp",
        ".temp",
        ".part",
        ".lock",
        ".crdownload",
    ];
    let starts = [".zarr-store-probe-", ".tmp", ".nfs", ".fuse_hidden", ".#"];
    if staged
        || ends.iter().any(|end| name.ends_with(end))
        || starts.iter().any(|start| name.starts_with(start))
    {
        return Some(&WRITER_LEFTOVER);
    }
    let system = [
        ".DS_Store",
        "__MACOSX",
        "Thumbs.db",
        "desktop.ini",
        ".directory",
        ".AppleDouble",
        ".Spotlight-V100",
        ".Trashes",
        ".fseventsd",
        ".ipynb_checkpoints",
        "lost+found",
    ];
    let is_system = system
        .iter()
        .any(|system| name.eq_ignore_ascii_case(system))
        || name.starts_with("._")
        || [".swp", ".swo", "~"].iter().any(|end| name.ends_with(end));
    is_system.then_some(&SYSTEM_LEFTOVER)
}

/// Splits a key that looks like the key of a chunk, in any encoding, into the directory of its
/// array and the rest: `a/c/0/1`, `a/c.0.1`, `a/0.1`, `a/0/1`.
pub(super) fn chunk_like(key: &str) -> Option<(&str, &str)> {
    let is_index = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let are_indices = |text: &str| text.split('.').all(is_index);
    let mut start = key.len() + 1;
    for segment in key.rsplit('/') {
        let begin = start - 1 - segment.len();
        let in_dots = segment.strip_prefix("c.").is_some_and(are_indices);
        if segment == "c" || (in_dots && start == key.len() + 1) {
            start = begin;
            break;
        }
        if !are_indices(segment) {
            break;
        }
        start = begin;
    }
    let (directory, rest) = key.split_at_checked(start)?;
    (rest != "c").then_some((directory.trim_end_matches('/'), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_chunks_in_all_encodings() {
        for (key, found) in [
            ("a/c/0/1", Some(("a", "c/0/1"))),
            ("a/b/c.0.1", Some(("a/b", "c.0.1"))),
            ("a/0.1", Some(("a", "0.1"))),
            ("a/0/1", Some(("a", "0/1"))),
            ("0.0", Some(("", "0.0"))),
            ("c/00/1", Some(("", "c/00/1"))),
            ("a/README", None),
            ("a/c", None),
            ("c", None),
            ("a/1.x", None),
            ("", None),
        ] {
            assert_eq!(chunk_like(key), found, "{key}");
        }
    }

    #[test]
    fn leftovers_are_known_by_name() {
        for key in [
            "a/c/0#0",
            "c/0.3f.partial",
            "zarr.json.__lock",
            ".zarr-store-probe-0f",
            "a/.DS_Store",
            "._c/0",
            "zarr.json~",
            "__MACOSX/a",
            ".zarray.swp",
            "c/.nfs01",
        ] {
            assert!(leftover(key).is_some(), "{key}");
        }
        for key in ["a/c/0", "#1", "a#b", "__xarray__", "README.md", "tmp/c/0"] {
            assert!(leftover(key).is_none(), "{key}");
        }
    }
}
