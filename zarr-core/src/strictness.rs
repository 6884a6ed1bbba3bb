//! Whether spellings beyond the specification are read (docs/tolerance.md lists them). Writing is strict always.

/// What a reader does with the spellings of docs/tolerance.md, which the specification forbids and other libraries write.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// Reads them.
    #[default]
    Tolerant,
    /// Refuses them, as everything else that the specification does not allow.
    Strict,
}
