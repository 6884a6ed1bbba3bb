//! The result of a check: findings as values.

use serde::{Serialize, Serializer};
use zarr_core::NodePath;

use super::rules::{Rule, Severity};

/// Something that a check found. Serializes with stable names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The name of the rule, one of [`rules`](super::rules).
    pub rule: &'static str,
    /// The node concerned, or the nearest node above.
    #[serde(serialize_with = "shown")]
    pub node: NodePath,
    /// The key of the object concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The indices of the inner chunk in its shard, in the axis order of the array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inner_chunk: Option<Vec<u64>>,
    /// The indices of the inner chunk in nested shards, outermost first, below `inner_chunk`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nested: Vec<Vec<u64>>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub advice: &'static str,
    /// Whether [`plan`](super::plan) has an action for the finding.
    pub repairable: bool,
}

pub(super) fn shown<S: Serializer>(path: &NodePath, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(path)
}

/// The result of a check.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The location of the store, without secrets.
    pub store: String,
    /// Whether all chunks were decoded.
    pub deep: bool,
    /// The number of groups.
    pub groups: u64,
    /// The number of arrays.
    pub arrays: u64,
    /// The number of objects.
    pub objects: u64,
    /// The size of all objects, in bytes.
    pub bytes: u64,
    /// The number of stored chunks, shards included.
    pub chunks: u64,
    /// The number of stored inner chunks.
    pub inner_chunks: u64,
    /// The findings: in order of severity, then node, then key.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Returns the number of findings of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let alike = |finding: &&Finding| finding.severity == severity;
        self.findings.iter().filter(alike).count()
    }

    /// Whether nothing is worse than a note.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.count(Severity::Note) == self.findings.len()
    }

    pub(super) fn sort(&mut self) {
        self.findings.sort_by(|a, b| {
            let order = |finding: &Finding| (finding.severity, finding.node.clone());
            let place = |finding: &Finding| (finding.key.clone(), finding.inner_chunk.clone());
            (order(a), place(a), &a.nested, a.rule).cmp(&(order(b), place(b), &b.nested, b.rule))
        });
        self.findings.dedup();
    }
}

impl Rule {
    /// Returns a finding of this rule in a node.
    pub(super) fn at(&self, node: &NodePath, message: impl Into<String>) -> Finding {
        Finding {
            severity: self.severity,
            rule: self.name,
            node: node.clone(),
            key: None,
            inner_chunk: None,
            nested: Vec::new(),
            message: message.into(),
            advice: self.advice,
            repairable: self.is_repairable(),
        }
    }
}

impl Finding {
    pub(super) fn key(self, key: impl Into<String>) -> Self {
        let key = Some(key.into());
        Self { key, ..self }
    }

    /// Adds the inner chunk, by its indices in each shard, outermost first.
    pub(super) fn inner(self, cells: &[Vec<u64>]) -> Self {
        let Some((first, nested)) = cells.split_first() else {
            return self;
        };
        Self {
            inner_chunk: Some(first.clone()),
            nested: nested.to_vec(),
            ..self
        }
    }

    /// Marks the finding as one without a repair.
    pub(super) fn unrepairable(self) -> Self {
        Self {
            repairable: false,
            ..self
        }
    }
}
