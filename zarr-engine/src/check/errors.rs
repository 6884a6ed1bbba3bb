//! Assigns errors of the library to rules.

use zarr_core::Error as Core;

use super::rules::*;
use crate::error::{Error, ErrorKind};

/// Returns the rule that a document breaks.
pub(super) fn of_document(error: &Error) -> &'static Rule {
    match error.root() {
        Error::Core(core) => of_metadata(core),
        Error::Store(error) if error.kind() == zarr_store::ErrorKind::Obstructed => {
            &DIRECTORY_AT_OBJECT
        }
        Error::Store(_) => &UNREADABLE,
        _ => &INVALID_MEMBER,
    }
}

/// The codecs of numcodecs for data that only Python reads.
const NUMCODECS: &[&str] = &[
    "base64",
    "categorize",
    "json2",
    "msgpack2",
    "pickle",
    "vlen-array",
];

/// Returns the rule that metadata breaks.
pub(super) fn of_metadata(error: &Core) -> &'static Rule {
    let member = member(error).unwrap_or_default();
    match error.root() {
        _ if member.starts_with("consolidated_metadata") => &CONSOLIDATED_INVALID,
        Core::Syntax { reason } => of_syntax(reason),
        Core::MissingMember { .. } => &MISSING_MEMBER,
        Core::UnknownMember { .. } => &UNKNOWN_MEMBER,
        Core::UnknownExtension { point, name, .. } => match *point {
            "data type" => &UNKNOWN_DATA_TYPE,
            "chunk grid" => &UNKNOWN_CHUNK_GRID,
            "chunk key encoding" => &UNKNOWN_CHUNK_KEY_ENCODING,
            "storage transformer" => &STORAGE_TRANSFORMERS,
            _ if NUMCODECS.contains(&name.trim_start_matches("numcodecs.")) => &UNSUPPORTED,
            _ => &UNKNOWN_CODEC,
        },
        // Without a filter, nothing tells how objects are encoded, whatever the build.
        Core::Unsupported { what, .. } if what.ends_with("no filter") => &CODEC,
        Core::Unsupported { .. } => &UNSUPPORTED,
        // No limit of this build, but of all software.
        Core::TooLarge { what, .. } if what.starts_with("nesting") => &CODEC,
        Core::TooLarge { .. } => &OVER_LIMIT,
        Core::FillValue { .. } => &FILL_VALUE,
        Core::Path { .. } => &NODE_NAME,
        Core::Invalid { expected, .. } if expected.contains("a repeated member") => {
            &DUPLICATE_MEMBER
        }
        Core::Invalid { expected, .. } if expected.contains("(missing field") => &MISSING_MEMBER,
        Core::Invalid { found, expected } if (found.clone() + expected).contains("bytes codec") => {
            &CODEC_ORDER
        }
        _ => of_member(member),
    }
}

/// Returns the path of members in which an error happened.
fn member(error: &Core) -> Option<&str> {
    match error {
        Core::InMember { pointer, .. } => Some(pointer),
        Core::InObject { error, .. } | Core::InChunk { error, .. } => member(error),
        _ => None,
    }
}

fn of_syntax(reason: &str) -> &'static Rule {
    match reason {
        _ if reason.starts_with("not UTF-8") => &NOT_UTF8,
        _ if reason.starts_with("repeated member") => &DUPLICATE_MEMBER,
        _ if reason.starts_with("missing field") => &MISSING_MEMBER,
        _ if reason.contains("a JSON object") => &NOT_JSON,
        _ if ["invalid type", "invalid value", "unknown variant"]
            .iter()
            .any(|start| reason.starts_with(start)) =>
        {
            &INVALID_MEMBER
        }
        _ => &NOT_JSON,
    }
}

fn of_member(pointer: &str) -> &'static Rule {
    let first = pointer.split(['.', '[']).next().unwrap_or_default();
    match first {
        "zarr_format" => &ZARR_FORMAT,
        "node_type" => &NODE_TYPE,
        "shape" => &SHAPE,
        "data_type" | "dtype" => &DATA_TYPE,
        "chunk_grid" | "chunks" => &CHUNK_GRID,
        "chunk_key_encoding" | "dimension_separator" => &CHUNK_KEY_ENCODING,
        "fill_value" => &FILL_VALUE,
        "codecs" if pointer.contains("index_codecs") => &INDEX_CODECS,
        "codecs" if pointer.ends_with("configuration.chunk_shape") => &INNER_CHUNK_SHAPE,
        "codecs" | "compressor" | "filters" => &CODEC,
        "dimension_names" => &DIMENSION_NAMES,
        "attributes" => &ATTRIBUTES,
        "storage_transformers" => &STORAGE_TRANSFORMERS,
        _ => &INVALID_MEMBER,
    }
}

/// Returns the rule that stored bytes break: of a chunk, or of an inner chunk.
pub(super) fn of_bytes(error: &Error, is_inner: bool) -> &'static Rule {
    match (error.kind(), is_inner) {
        (ErrorKind::Checksum, false) => &CHUNK_CHECKSUM,
        (ErrorKind::Checksum, true) => &INNER_CHUNK_CHECKSUM,
        (ErrorKind::Unsupported, _) if matches!(error.root(), Error::Store(_)) => &UNREADABLE,
        (ErrorKind::TooLarge, _) => &OVER_LIMIT,
        (ErrorKind::Unsupported, _) => &UNSUPPORTED,
        (ErrorKind::Changed | ErrorKind::NotFound, _) => &CHANGED,
        _ if matches!(error.root(), Error::Store(_)) => &UNREADABLE,
        (_, false) => &CHUNK_CORRUPT,
        (_, true) => &INNER_CHUNK_CORRUPT,
    }
}
