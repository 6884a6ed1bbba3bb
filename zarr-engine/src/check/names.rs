//! Names of objects that are not part of a hierarchy.

use super::rules::{Rule, SYSTEM_LEFTOVER, WRITER_LEFTOVER};

/// What the name of an object tells about who left it behind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leftover {
    pub(super) rule: &'static Rule,
    /// Whether nobody names objects of their own like this.
    pub(super) is_certain: bool,
}

/// Recognizes leftovers of writers, editors, file managers and operating systems by their keys
/// relative to the nearest node, whose own name tells nothing.
pub(super) fn leftover(relative: &str) -> Option<Leftover> {
    let found = |rule, is_certain| Some(Leftover { rule, is_certain });
    let (above, name) = relative.rsplit_once('/').unwrap_or(("", relative));
    let starts = |all: &[&str]| all.iter().any(|start| name.starts_with(start));
    let ends = |all: &[&str]| all.iter().any(|end| name.ends_with(end));
    let is = |all: &[&str], name: &str| all.iter().any(|known| name.eq_ignore_ascii_case(known));
    if starts(&[".zarr-store-probe-", ".nfs", ".fuse_hidden"]) {
        return found(&WRITER_LEFTOVER, true);
    }
    let is_in_system_folder = above.split('/').any(|segment| is(SYSTEM_FOLDERS, segment))
        && chunk_like(relative).is_none();
    if is_in_system_folder || is(SYSTEM_FILES, name) || starts(&["._"]) {
        return found(&SYSTEM_LEFTOVER, true);
    }
    let is_staged = name.rsplit_once('#').is_some_and(|(start, digits)| {
        !start.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    if is_staged || ends(WRITER_ENDS) || starts(WRITER_STARTS) {
        return found(&WRITER_LEFTOVER, false);
    }
    let is_of_editor =
        ends(&["~", ".swp", ".swo", ".swn", ".kate-swp"]) || name.contains("conflicted copy");
    if is_of_editor {
        found(&SYSTEM_LEFTOVER, false)
    } else {
        None
    }
}

/// Whether an object of an array lies in a folder whose name no key of a chunk contains.
pub(super) fn in_hidden_folder(relative: &str) -> bool {
    let above = relative.rsplit_once('/').map_or("", |(above, _)| above);
    let is_hidden = |name: &str| name.starts_with('.') && name.len() > 1;
    above
        .split('/')
        .any(|name| is_hidden(name) || SYSTEM_FOLDERS.contains(&name))
}

/// The ends of names of unfinished objects and locks.
const WRITER_ENDS: &[&str] = &[
    ".__lock",
    ".lock",
    ".partial",
    ".part",
    ".filepart",
    ".tmp",
    ".temp",
    ".crdownload",
    ".aria2",
    "_.gstmp",
    "_$folder$",
];

/// The starts of names of unfinished objects and locks.
const WRITER_STARTS: &[&str] = &[".tmp", ".#", ".goutputstream-", ".azDownload-"];

const SYSTEM_FILES: &[&str] = &[
    ".DS_Store",
    "Thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    ".directory",
];

const SYSTEM_FOLDERS: &[&str] = &[
    "__MACOSX",
    "@eaDir",
    ".AppleDouble",
    ".Spotlight-V100",
    ".Trashes",
    ".fseventsd",
    ".ipynb_checkpoints",
    "lost+found",
];

/// Returns the keys of the objects that a leftover may have been to replace: its own key without
/// what writers add at both ends of a name.
pub(super) fn targets(key: &str) -> impl Iterator<Item = String> {
    let (above, name) = match key.rsplit_once('/') {
        Some((above, name)) => (format!("{above}/"), name),
        None => (String::new(), key),
    };
    let starts = [0, 1]
        .into_iter()
        .filter(|start| name.is_char_boundary(*start));
    let names = starts.flat_map(move |start| {
        let ends = name
            .char_indices()
            .filter(|(_, letter)| !letter.is_alphanumeric());
        ends.filter_map(move |(end, _)| name.get(start..end))
    });
    names
        .filter(|name| !name.is_empty())
        .map(move |name| format!("{above}{name}"))
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
        for (key, is_certain) in [
            ("c/0#0", false),
            ("c/0.3f.partial", false),
            ("zarr.json.__lock", false),
            (".zarr-store-probe-0f", true),
            ("c/.DS_Store", true),
            ("._c/._0", true),
            ("zarr.json~", false),
            ("__MACOSX/a", true),
            (".zarray.swp", false),
            ("c/.nfs01", true),
        ] {
            let found = leftover(key).map(|found| found.is_certain);
            assert_eq!(found, Some(is_certain), "{key}");
        }
        for key in [
            "a/c/0",
            "#1x",
            "a#b",
            "__xarray__",
            "README.md",
            "tmp/c/0",
            "a.tmp/c/0",
            "._g/0.0",
            "lost+found/c/0",
            "results~/data.csv",
        ] {
            assert!(leftover(key).is_none(), "{key}");
        }
    }

    #[test]
    fn leftovers_name_what_they_were_to_replace() {
        for (key, target) in [
            ("a/zarr.json.tmp", "a/zarr.json"),
            ("zarr.json~", "zarr.json"),
            (".zarray.swp", ".zarray"),
            ("a/.zarr.json.swp", "a/zarr.json"),
            ("c/0/1.7a0d.partial", "c/0/1"),
            ("0.1.tmp", "0.1"),
            ("c/0#7", "c/0"),
            ("c/.#0.1", "c/.#0"),
        ] {
            assert!(targets(key).any(|found| found == target), "{key}");
        }
    }
}
