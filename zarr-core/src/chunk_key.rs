//! Chunk keys: from the indices of a chunk to the key of its object (core specification, "Chunk key
//! encoding").

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

use std::fmt::Write;
use std::sync::Arc;

use serde::Deserialize;

use crate::error::{Error, Result};
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

impl Separator {
    fn as_char(self) -> char {
        match self {
            Self::Slash => '/',
            Self::Dot => '.',
        }
    }
}

/// Deserializes a separator that is present, so that `null` is an error rather than an absent
/// separator.
fn present<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Separator>, D::Error> {
    Separator::deserialize(value).map(Some)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Configuration {
    #[serde(default, deserialize_with = "present")]
    separator: Option<Separator>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SuffixConfiguration {
    suffix: String,
    #[serde(rename = "base-encoding")]
    base_encoding: Option<Extension>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DefaultSuffixConfiguration {
    suffix: String,
    #[serde(default, deserialize_with = "present")]
    separator: Option<Separator>,
}

/// The spelling of chunk keys: a prefix, indices between separators, a suffix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkKeyEncoding {
    prefix: &'static str,
    separator: Separator,
    /// The whole key of the only chunk of an array without dimensions.
    scalar: &'static str,
    suffix: Arc<str>,
}

impl ChunkKeyEncoding {
    /// Binds `default`: keys like `c/0/1` or `c.0.1`; `c` for an array without dimensions.
    ///
    /// # Errors
    /// Fails if the separator is neither `/` nor `.`, or the configuration has another member.
    pub fn bind_default(extension: &Extension) -> Result<Self> {
        let configuration: Configuration = extension.parse()?;
        Ok(Self {
            prefix: "c",
            separator: configuration.separator.unwrap_or(Separator::Slash),
            scalar: "c",
            suffix: "".into(),
        })
    }

    /// Binds `v2`: keys like `0.1` or `0/1`; `0` for an array without dimensions.
    ///
    /// # Errors
    /// Fails if the separator is neither `/` nor `.`, or the configuration has another member.
    pub fn bind_v2(extension: &Extension) -> Result<Self> {
        let configuration: Configuration = extension.parse()?;
        Ok(Self {
            prefix: "",
            separator: configuration.separator.unwrap_or(Separator::Dot),
            scalar: "0",
            suffix: "".into(),
        })
    }

    /// Binds `suffix`, a proposal to the registry: the keys of `base-encoding`, which is `default`
    /// or `v2`, followed by a suffix.
    ///
    /// # Errors
    /// Fails if the base encoding is neither `default` nor `v2`, or the suffix contains control
    /// characters, `/` or `\`. A separator would lead out of the directory of the key.
    pub fn bind_suffix(extension: &Extension) -> Result<Self> {
        let SuffixConfiguration {
            suffix,
            base_encoding,
        } = extension.parse()?;
        let base = base_encoding.unwrap_or_else(|| Extension::new("default"));
        let bound = match base.name() {
            "default" => Self::bind_default(&base),
            "v2" => Self::bind_v2(&base),
            name => Err(Error::UnknownExtension {
                point: "chunk key encoding",
                name: name.to_owned(),
                registered: "default, v2".to_owned(),
            }),
        };
        bound
            .map_err(|error| error.member("configuration.base-encoding"))?
            .with_suffix(&suffix)
    }

    /// Binds `zarrs.default_suffix`: the keys of `default`, followed by a suffix.
    ///
    /// # Errors
    /// Fails if the separator is neither `/` nor `.`, or the suffix contains control characters,
    /// `/` or `\`.
    pub fn bind_default_suffix(extension: &Extension) -> Result<Self> {
        let DefaultSuffixConfiguration { suffix, separator } = extension.parse()?;
        let base = Self::bind_default(&Extension::new("default"))?;
        Self {
            separator: separator.unwrap_or(base.separator),
            ..base
        }
        .with_suffix(&suffix)
    }

    fn with_suffix(self, suffix: &str) -> Result<Self> {
        if suffix.contains(['/', '\\']) || suffix.contains(char::is_control) {
            let found = format!("{suffix:?}");
            let error = Error::invalid(
                found,
                "a suffix without \"/\", \"\\\" or control characters",
            );
            return Err(error.member("configuration.suffix"));
        }
        Ok(Self {
            suffix: suffix.into(),
            ..self
        })
    }

    /// Returns the indices of the chunk with this key, relative to an array of rank `rank`, or
    /// `None` if the key is not a chunk key.
    #[must_use]
    pub fn parse_key(&self, key: &str, rank: usize) -> Option<Vec<u64>> {
        let indices = key.strip_suffix(&*self.suffix)?;
        if rank == 0 {
            return (indices == self.scalar).then(Vec::new);
        }
        let separator = self.separator.as_char();
        let indices = indices.strip_prefix(self.prefix)?;
        let indices = match self.prefix {
            "" => indices,
            _ => indices.strip_prefix(separator)?,
        };
        let cell = indices.split(separator).map(|index| {
            let canonical = index == "0" || !index.starts_with(['0', '+']);
            index.parse::<u64>().ok().filter(|_| canonical)
        });
        let cell = cell.collect::<Option<Vec<_>>>()?;
        (cell.len() == rank).then_some(cell)
    }

    /// Appends the key of a chunk, relative to its array, to `key`.
    pub fn push_key(&self, cell: &[u64], key: &mut String) {
        key.push_str(if cell.is_empty() {
            self.scalar
        } else {
            self.prefix
        });
        for (position, index) in cell.iter().enumerate() {
            if position > 0 || !self.prefix.is_empty() {
                key.push(self.separator.as_char());
            }
            // Writing to a String cannot fail.
            let _ = write!(key, "{index}");
        }
        key.push_str(&self.suffix);
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
        for (encoding, cell) in [
            (&plain, &[0, 12][..]),
            (&dots, &[10, 0]),
            (&v2, &[7]),
            (&v2, &[]),
            (&plain, &[]),
        ] {
            assert_eq!(
                encoding
                    .parse_key(&key(encoding, cell), cell.len())
                    .unwrap(),
                cell
            );
        }
        for (encoding, other) in [
            (&plain, "c/0"),
            (&plain, "c/0/1/2"),
            (&plain, "c/00/1"),
            (&plain, "c/+0/1"),
            (&plain, "c.0.1"),
            (&plain, "0/1"),
            (&plain, "zarr.json"),
            (&v2, "0.1.2"),
            (&v2, ".zarray"),
            (&v2, "0.-1"),
            (&dots, "c.0.18446744073709551616"),
        ] {
            assert_eq!(encoding.parse_key(other, 2), None, "{other}");
        }
    }

    #[test]
    fn suffixes_stay_in_the_folder_of_the_key() {
        let bind = |json: &str| {
            let extension = serde_json::from_str::<Extension>(json).unwrap();
            match extension.name() {
                "suffix" => ChunkKeyEncoding::bind_suffix(&extension),
                _ => ChunkKeyEncoding::bind_default_suffix(&extension),
            }
        };
        for (json, keys) in [
            (
                r#"{"name": "suffix", "configuration": {"suffix": ".tiff"}}"#,
                ["c/0/12.tiff", "c.tiff"],
            ),
            (
                r#"{"name": "suffix", "configuration": {"suffix": ".", "base-encoding":
                    {"name": "v2", "configuration": {"separator": "/"}}}}"#,
                ["0/12.", "0."],
            ),
            (
                r#"{"name": "zarrs.default_suffix", "configuration": {"suffix": "é", "separator": "."}}"#,
                ["c.0.12é", "cé"],
            ),
        ] {
            let encoding = bind(json).unwrap();
            assert_eq!(key(&encoding, &[0, 12]), keys[0]);
            assert_eq!(key(&encoding, &[]), keys[1]);
        }
        for configuration in [
            "{}",
            r#"{"suffix": 1}"#,
            r#"{"suffix": "/../../x"}"#,
            r#"{"suffix": "/x"}"#,
            r#"{"suffix": "\u0000"}"#,
            r#"{"suffix": ".x", "separator": "-"}"#,
            r#"{"suffix": ".x", "more": 1}"#,
            r#"{"suffix": ".x", "base-encoding": "suffix"}"#,
            r#"{"suffix": ".x", "base-encoding": {"name": "default", "configuration": {"separator": "-"}}}"#,
        ] {
            for name in ["suffix", "zarrs.default_suffix"] {
                let json = format!(r#"{{"name": "{name}", "configuration": {configuration}}}"#);
                assert!(bind(&json).is_err(), "{json}");
            }
        }
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
