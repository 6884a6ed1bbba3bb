//! Whether to read spellings beyond the specification (listed in docs/tolerance.md). Writing is
//! always strict.

/// How a reader treats the spellings of docs/tolerance.md, which the specification forbids and
/// other libraries write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// Reads spellings beyond the specification.
    #[default]
    Tolerant,
    /// Rejects spellings beyond the specification, like everything else that it forbids.
    Strict,
}
