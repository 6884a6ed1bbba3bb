//! The rules: stable names, severities and advice.

use serde::Serialize;

/// How bad a finding is. Errors order before warnings, and warnings before notes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Data or metadata cannot be read, or reads wrong.
    Error,
    /// Readers may disagree, or bytes are stored for nothing.
    Warning,
    /// Legal, but worth knowing.
    Note,
}

/// What [`plan`](super::plan) does about the findings of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repair {
    /// Nothing: any repair would be a guess.
    None,
    /// Removes the object.
    Remove,
    /// Removes a file or directory that listings skip.
    RemoveUnlisted,
    /// Writes the consolidated metadata of the node again.
    Renew,
    /// Writes the missing document of the node from its consolidated copy.
    Restore,
    /// Writes the missing document of a group without attributes.
    CreateGroup,
    /// Writes the shard again from its whole inner chunks.
    Rebuild,
}

/// A rule that stores are checked against.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Rule {
    /// The stable name, in kebab case.
    pub name: &'static str,
    /// The severity of its findings.
    pub severity: Severity,
    /// What the rule finds.
    pub about: &'static str,
    /// What to do about a finding.
    pub advice: &'static str,
    #[serde(skip)]
    pub(super) repair: Repair,
}

impl Rule {
    /// Whether [`plan`](super::plan) has an action for the findings of this rule.
    #[must_use]
    pub fn is_repairable(&self) -> bool {
        self.repair != Repair::None
    }
}

/// Defines a constant for each rule, and the list of all rules.
macro_rules! rules {
    ($($id:ident $name:literal $severity:ident $repair:ident $about:literal, $advice:literal;)*) => {
        $(pub(super) static $id: Rule = Rule {
            name: $name,
            severity: Severity::$severity,
            about: $about,
            advice: $advice,
            repair: Repair::$repair,
        };)*
        static ALL: &[&Rule] = &[$(&$id),*];
    };
}

/// Returns all rules, in order of subject: documents, nodes, consolidated metadata, keys, chunks,
/// shards.
#[must_use]
pub fn rules() -> &'static [&'static Rule] {
    ALL
}

rules! {
    NOT_JSON "document-not-json" Error None "a document is not one JSON object", "restore the document from a copy, or correct its text";
    NOT_UTF8 "document-not-utf8" Error None "a document is not UTF-8", "restore the document from a copy, or correct its text";
    DUPLICATE_MEMBER "duplicate-member" Error None "a document names a member twice", "remove one of the two members";
    MISSING_MEMBER "missing-member" Error None "a document lacks a required member", "add the member";
    UNKNOWN_MEMBER "unknown-member" Error None "a document has an unknown member that readers must understand", "remove the member, correct its spelling, or make it an object with \"must_understand\": false";
    INVALID_MEMBER "invalid-member" Error None "a member has the wrong type or a value that is not allowed", "correct the member";
    ZARR_FORMAT "zarr-format" Error None "zarr_format is not the number of the format of the document", "correct zarr_format";
    NODE_TYPE "node-type" Error None "node_type is neither array nor group", "correct node_type";
    SHAPE "shape" Error None "the shape of an array is invalid", "correct the shape";
    DATA_TYPE "data-type" Error None "the configuration of a data type is invalid", "correct the data type";
    CHUNK_GRID "chunk-grid" Error None "the chunk grid is invalid or does not match the shape", "correct the chunk grid";
    CHUNK_KEY_ENCODING "chunk-key-encoding" Error None "the configuration of the chunk key encoding is invalid", "correct the chunk key encoding";
    FILL_VALUE "fill-value" Error None "the fill value is not a value of the data type", "correct the fill value";
    CODEC "codec" Error None "the configuration of a codec is invalid, or the codec cannot follow the one before it", "correct the codec";
    CODEC_ORDER "codec-order" Error None "the codecs are not array -> array codecs, one array -> bytes codec and bytes -> bytes codecs, in this order", "correct the order of the codecs";
    INNER_CHUNK_SHAPE "inner-chunk-shape" Error None "the shape of the inner chunks does not divide the shape of the shard", "correct the chunk shape of the sharding codec";
    INDEX_CODECS "index-codecs" Error None "the index codecs of a sharding codec are invalid, or their encoded size is variable", "correct the index codecs";
    DIMENSION_NAMES "dimension-names" Error None "dimension_names is not one string or null per dimension", "correct dimension_names";
    ATTRIBUTES "attributes" Error None "attributes is not an object", "correct the attributes";
    STORAGE_TRANSFORMERS "storage-transformers" Error None "storage_transformers is not a list of storage transformers that are known", "correct the storage transformers";
    UNKNOWN_DATA_TYPE "unknown-data-type" Error None "the data type is not registered", "correct the name of the data type, or read the array with the software that wrote it";
    UNKNOWN_CODEC "unknown-codec" Error None "a codec is not registered", "correct the name of the codec, or read the array with the software that wrote it";
    UNKNOWN_CHUNK_GRID "unknown-chunk-grid" Error None "the chunk grid is not registered", "correct the name of the chunk grid, or read the array with the software that wrote it";
    UNKNOWN_CHUNK_KEY_ENCODING "unknown-chunk-key-encoding" Error None "the chunk key encoding is not registered", "correct the name of the chunk key encoding, or read the array with the software that wrote it";
    UNSUPPORTED "unsupported" Note None "the array uses a feature that this build lacks; its chunks are not checked", "check the array with a build that has the feature";
    OVER_LIMIT "over-limit" Note None "a size exceeds a limit of this build; the item is not checked", "raise the limit, or check the item with the software that wrote it";
    NONSTANDARD "nonstandard-spelling" Note None "a document uses a spelling that the specification forbids and that readers accept", "write the document again with the standard spelling";
    UNREADABLE "unreadable" Error None "the store cannot list, or cannot read an object", "correct permissions, links or the disk";

    NO_NODE "no-node" Error None "the store holds no document of a node", "check the location";
    BOTH_FORMATS "both-formats" Note None "a node has documents of Zarr 3 and of Zarr 2; readers prefer Zarr 3", "remove the documents of the format that is not maintained";
    FORMATS_DISAGREE "formats-disagree" Warning None "the documents of Zarr 3 and of Zarr 2 describe different nodes", "remove the documents of the format that is not maintained";
    ARRAY_AND_GROUP "array-and-group" Error None "a node has the documents of an array and of a group", "remove one of the two documents";
    DOCUMENT_WITHOUT_NODE "document-without-node" Error None "attributes or consolidated metadata of Zarr 2 belong to no array or group", "restore .zarray or .zgroup";
    NODE_INSIDE_ARRAY "node-inside-array" Error None "a node lies below an array", "move the node to a group";
    MISSING_GROUP "missing-group" Warning CreateGroup "a group has no document, though nodes lie below it; listings do not reach these nodes", "create the group";
    ROOT_WITHOUT_GROUP "root-without-group" Error None "the store holds nodes, but no document at its root, and readers cannot open it there", "restore the document, or create a root group";
    MIXED_FORMATS "mixed-formats" Warning None "a node is of another format than the group above, whose listings skip it", "convert the node to the format of the group";
    MISSING_DOCUMENT "missing-document" Error Restore "a node has objects and a copy of its document in consolidated metadata, but no document", "restore the document from the copy";
    NODE_NAME "node-name" Error None "a document lies at a path that is not the path of a node", "move the node";
    RESERVED_NAME "reserved-name" Note None "the name of a node begins with __, which is reserved", "rename the node if other readers skip it";
    NAMES_DIFFER_IN_CASE "names-differ-in-case" Warning None "the names of two nodes differ in case only; some file systems do not distinguish them", "rename one of the nodes";

    CONSOLIDATED_INVALID "consolidated-invalid" Error Renew "consolidated metadata cannot be parsed", "renew the consolidated metadata";
    CONSOLIDATED_KIND "consolidated-kind" Warning Renew "consolidated metadata is of an unknown kind, and readers ignore it", "renew the consolidated metadata";
    CONSOLIDATED_MUST_UNDERSTAND "consolidated-must-understand" Warning Renew "consolidated metadata lacks \"must_understand\": false", "renew the consolidated metadata";
    CONSOLIDATED_COPY_INVALID "consolidated-copy-invalid" Error Renew "a copy of a document in consolidated metadata is invalid", "renew the consolidated metadata";
    CONSOLIDATED_MISSING_NODE "consolidated-missing-node" Warning Renew "a node is in the store, but not in the consolidated metadata of a group above", "renew the consolidated metadata";
    CONSOLIDATED_EXTRA_NODE "consolidated-extra-node" Warning Renew "a node is in the consolidated metadata of a group above, but not in the store", "renew the consolidated metadata";
    CONSOLIDATED_STALE "consolidated-stale" Warning Renew "the copy of a document in consolidated metadata differs from the document", "renew the consolidated metadata";

    DOCUMENT_SUSPECT "document-suspect" Warning None "no stored chunk of an array agrees with its document, or most lie outside its grid", "compare the document with a copy: it may be wrong, and all chunks whole";
    CHUNK_OUTSIDE_GRID "chunk-outside-grid" Warning Remove "a chunk lies outside the chunk grid, and no reader reads it", "remove the object, or restore the shape";
    CHUNK_KEY "chunk-key" Error None "the key of a chunk does not follow the chunk key encoding of its array, and no reader finds it", "rename the object, or correct the chunk key encoding";
    CHUNK_WITHOUT_ARRAY "chunk-without-array" Error None "chunks lie where no array is", "restore the document of the array, or remove the chunks";
    WRITER_LEFTOVER "leftover-of-writer" Warning Remove "a writer left a lock, a probe or an unfinished object behind", "remove the object";
    SYSTEM_LEFTOVER "leftover-of-system" Warning Remove "an editor, a file manager or an operating system left a file behind", "remove the object";
    UNLISTED_LEFTOVER "leftover-lock" Warning RemoveUnlisted "a writer left a lock file or a staged file behind, and no writer holds it", "remove the file";
    EMPTY_DIRECTORY "empty-directory" Note RemoveUnlisted "a directory is empty", "remove the directory";
    DIRECTORY_AT_OBJECT "directory-at-object" Error None "a directory lies where a document or a chunk is expected", "remove the directory, or restore the object";
    NOT_A_FILE "not-a-file" Error None "a dangling link, a pipe or a device lies in the store", "restore or remove the file";
    FILE_AT_DIRECTORY "file-at-directory" Error None "an object lies where the directory of chunks is expected, so that no chunk can be stored there", "move the object";
    STRAY_OBJECT "stray-object" Warning None "an object inside an array is not a chunk", "move the object out of the array";
    OTHER_OBJECT "other-object" Note None "an object is not part of any node", "nothing, if the object is wanted";

    EMPTY_OBJECT "empty-object" Error None "the object of a chunk has no bytes", "restore the object from a copy, or delete it: the chunk then reads as fill values";
    CHUNK_SIZE "chunk-size" Error None "the size of a chunk is impossible for its codecs", "restore the object from a copy, or delete it: the chunk then reads as fill values";
    CHUNK_CORRUPT "chunk-corrupt" Error None "a chunk cannot be decoded", "restore the object from a copy, or delete it: the chunk then reads as fill values";
    CHUNK_CHECKSUM "chunk-checksum" Error None "a chunk does not match its checksum", "restore the object from a copy, or delete it: the chunk then reads as fill values";

    SHARD_TOO_SHORT "shard-too-short" Error None "a shard is shorter than its index", "restore the object from a copy, or delete it: the shard then reads as fill values";
    SHARD_INDEX "shard-index" Error Rebuild "the index of a shard cannot be decoded", "rebuild the shard from the inner chunks that can be verified";
    SHARD_INDEX_CHECKSUM "shard-index-checksum" Error Rebuild "the index of a shard does not match its checksum", "rebuild the shard from the inner chunks that can be verified";
    SHARD_ENTRY_RANGE "shard-entry-range" Error Rebuild "an entry of a shard index reaches past the end of the shard", "rebuild the shard without the inner chunk";
    SHARD_ENTRY_HALF_EMPTY "shard-entry-half-empty" Error Rebuild "only one of offset and nbytes of an entry is the marker of a missing inner chunk", "rebuild the shard without the inner chunk";
    SHARD_ENTRY_EMPTY "shard-entry-empty" Error Rebuild "an entry of a shard index has no bytes", "rebuild the shard without the inner chunk";
    SHARD_ENTRY_IN_INDEX "shard-entry-in-index" Error Rebuild "an inner chunk overlaps the shard index", "rebuild the shard without the inner chunk";
    SHARD_ENTRY_OVERLAP "shard-entry-overlap" Error Rebuild "two inner chunks of a shard overlap", "rebuild the shard from the inner chunks that can be decoded";
    SHARD_ENTRY_DUPLICATE "shard-entry-duplicate" Warning None "two inner chunks of a shard share all their bytes", "restore the object from a copy, if the two chunks are not equal on purpose";
    INNER_CHUNK_SIZE "inner-chunk-size" Error Rebuild "the size of an inner chunk is impossible for its codecs", "rebuild the shard without the inner chunk";
    INNER_CHUNK_CORRUPT "inner-chunk-corrupt" Error Rebuild "an inner chunk cannot be decoded", "rebuild the shard without the inner chunk";
    INNER_CHUNK_CHECKSUM "inner-chunk-checksum" Error Rebuild "an inner chunk does not match its checksum", "rebuild the shard without the inner chunk";
    INNER_CHUNKS_MISSING "inner-chunks-missing" Note None "inner chunks of stored shards are missing and read as fill values", "nothing, if the inner chunks hold fill values only";
    DEAD_SPACE "dead-space" Note Rebuild "bytes of a shard belong to no inner chunk", "compact the shard";

    CHANGED "changed-during-check" Note None "an object changed while it was being checked", "check again";
    NO_LISTING "no-listing" Note None "the store cannot list; only documents that consolidated metadata names are checked", "check the store through an interface that lists";
}
