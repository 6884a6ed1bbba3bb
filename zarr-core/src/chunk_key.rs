//! From the indices of a chunk to the key of its object (core specification, "Chunk key encoding").

use std::fmt::Write;

use serde::Deserialize;

use crate::error::Result;
use crate::extension::Extension;

/// The separators that the specification allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
enum Separator {
    #[serde(rename = "/")]
    #[default]
    Slash,
    #[serde(rename = ".")]
    Dot,
}

/// A separator where the member is present: `null` is none.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Separator>, D::Error> {
    Separator::deserialize(value).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(default, deserialize_with = "present")]
    separator: Option<Separator>,
}

/// How the indices of a chunk are spelled: a prefix, indices between separators, a suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkKeyEncoding {
    prefix: &'static str,
    separator: Separator,
    /// The whole key of the one chunk of an array without dimensions.
    scalar: &'static str,
}

impl ChunkKeyEncoding {
    /// `default`: `c/0/1`, or `c.0.1`; `c` without dimensions.
    ///
    /// # Errors
    /// For a separator other than `/` and `.`, or any other member.
    pub fn bind_default(extension: &Extension) -> Result<Self> {
        let configuration: Configuration = extension.parse()?;
        Ok(Self {
            prefix: "c",
            separator: configuration.separator.unwrap_or(Separator::Slash),
            scalar: "c",
        })
    }

    /// `v2`: `0.1`, or `0/1`; `0` without dimensions.
    ///
    /// # Errors
    /// For a separator other than `/` and `.`, or any other member.
    pub fn bind_v2(extension: &Extension) -> Result<Self> {
        let configuration: Configuration = extension.parse()?;
        Ok(Self {
            prefix: "",
            separator: configuration.separator.unwrap_or(Separator::Dot),
            scalar: "0",
        })
    }

    /// Appends the key of a chunk, relative to its array, to `key`.
    pub fn push_key(&self, cell: &[u64], key: &mut String) {
        if cell.is_empty() {
            key.push_str(self.scalar);
            return;
        }
        key.push_str(self.prefix);
        for (position, index) in cell.iter().enumerate() {
            if position > 0 || !self.prefix.is_empty() {
                key.push(match self.separator {
                    Separator::Slash => '/',
                    Separator::Dot => '.',
                });
            }
            // Writing to a String cannot fail.
            let _ = write!(key, "{index}");
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn key(encoding: &ChunkKeyEncoding, cell: &[u64]) -> String {
        let mut key = String::new();
        encoding.push_key(cell, &mut key);
        key
    }

    #[test]
    fn keys_of_both_encodings() {
        let plain = ChunkKeyEncoding::bind_default(&Extension::new("default")).unwrap();
        let dots = Extension::new("default").with("separator", ".");
        let dots = ChunkKeyEncoding::bind_default(&dots).unwrap();
        let v2 = ChunkKeyEncoding::bind_v2(&Extension::new("v2")).unwrap();
        assert_eq!(key(&plain, &[0, 12]), "c/0/12");
        assert_eq!(key(&plain, &[]), "c");
        assert_eq!(key(&dots, &[0, 12]), "c.0.12");
        assert_eq!(key(&v2, &[0, 12]), "0.12");
        assert_eq!(key(&v2, &[]), "0");
    }

    #[test]
    fn other_separators_are_refused() {
        let null: Extension =
            serde_json::from_str(r#"{"name": "default", "configuration": {"separator": null}}"#)
                .unwrap();
        assert!(ChunkKeyEncoding::bind_default(&null).is_err());
        for separator in ["", "-", "//"] {
            let extension = Extension::new("default").with("separator", separator);
            assert!(ChunkKeyEncoding::bind_default(&extension).is_err());
        }
    }
}
