//! JSON objects kept as written: members in order, values as text, repeated names rejected.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

use std::borrow::Cow;
use std::fmt;

use foldhash::fast::RandomState;
use indexmap::IndexMap;
use indexmap::map::Entry;
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::bare_words;
use crate::error::{Error, Result};
use crate::strictness::Strictness;

/// The members of a JSON object, in the order and spelling of the document.
#[derive(Clone, Debug, Default)]
pub struct Members(IndexMap<String, Box<RawValue>, RandomState>, ByteOrderMark);

/// The numbers of members for which documents and configurations have room from the start.
const DOCUMENT: usize = 14;
const CONFIGURATION: usize = 3;

/// Whether a byte order mark was in front of the object.
type ByteOrderMark = bool;

impl Members {
    /// Creates an object without members.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one JSON object, strictly by RFC 8259 in UTF-8; a leading byte order mark is skipped.
    ///
    /// # Errors
    /// [`Error::Syntax`] with line and column.
    pub fn parse(text: &[u8]) -> Result<Self> {
        Self::parse_with(text, Strictness::Strict)
    }

    /// Reads one JSON object; a tolerant reader accepts `NaN`, `Infinity` and `-Infinity` as bare
    /// words. Bare words are read as strings, and [`Self::to_text`] writes them as bare words
    /// again.
    ///
    /// # Errors
    /// [`Error::Syntax`] with line and column.
    pub fn parse_with(text: &[u8], strictness: Strictness) -> Result<Self> {
        let text = std::str::from_utf8(text).map_err(|error| Error::Syntax {
            reason: format!("not UTF-8: {error}"),
        })?;
        let unmarked = text.strip_prefix('\u{feff}');
        let has_mark = unmarked.is_some();
        let text = unmarked.unwrap_or(text);
        let marked = bare_words::mark(text);
        if strictness == Strictness::Strict && matches!(marked, Cow::Owned(_)) {
            serde_json::from_str::<serde::de::IgnoredAny>(text)?;
        }
        let mut document = serde_json::Deserializer::from_str(&marked);
        let mut members = document.deserialize_map(MembersVisitor(DOCUMENT))?;
        document.end()?;
        members.1 = has_mark;
        Ok(members)
    }

    /// Whether the text began with a byte order mark, which RFC 8259 forbids to write.
    #[must_use]
    pub fn has_byte_order_mark(&self) -> bool {
        self.1
    }

    /// Reads a value inside a document.
    ///
    /// # Errors
    /// [`Error::Invalid`] if the value is not an object, or names a member twice.
    pub(crate) fn of_value(value: &RawValue) -> Result<Self> {
        serde_json::from_str(value.get()).map_err(|error| {
            let error = error.to_string();
            let repeated = error.split_once(" at line ").map(|(reason, _)| reason);
            Error::invalid(
                value.get(),
                match repeated.filter(|reason| reason.starts_with("repeated member")) {
                    Some(repeated) => format!("an object without a {repeated}"),
                    None => "an object".to_owned(),
                },
            )
        })
    }

    /// Returns the text of a member's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&RawValue> {
        self.0.get(name).map(|value| &**value)
    }

    /// Sets a member: in place if it exists, else at the end.
    ///
    /// # Errors
    /// [`Error::Syntax`] if the value has no JSON form.
    pub fn set(&mut self, name: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
        let value = to_raw_value(value)?;
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// Removes a member and returns whether it existed. Moves all later members.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.shift_remove(name).is_some()
    }

    /// Keeps the members for whose names `keep` returns true.
    pub fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|name, _| keep(name));
    }

    /// Iterates over names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// The number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Rejects `NaN`, `Infinity` and `-Infinity` as bare words, which a new document must not
    /// contain.
    ///
    /// # Errors
    /// [`Error::InMember`] with the member that contains a bare word.
    pub fn expect_no_bare_words(&self) -> Result<()> {
        match self
            .iter()
            .find_map(|(name, value)| Some((name, bare_words::first(value.get())?)))
        {
            None => Ok(()),
            Some((name, word)) => {
                Err(Error::invalid(word, "a number, a string or null").member(name))
            }
        }
    }

    /// Whether the object has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Formats the document as indented text, with every value spelled as it was read.
    ///
    /// # Errors
    /// [`Error::Syntax`], which no parsed or set value can cause.
    pub fn to_text(&self) -> Result<String> {
        Ok(indent(&serde_json::to_string(self)?))
    }
}

impl PartialEq for Members {
    fn eq(&self, other: &Self) -> bool {
        self.iter()
            .map(|(name, value)| (name, value.get()))
            .eq(other.iter().map(|(name, value)| (name, value.get())))
    }
}

/// Reads an object, with room for this number of members from the start.
struct MembersVisitor(usize);

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = IndexMap::default();
        while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
            if members.is_empty() {
                members.reserve(self.0);
            }
            match members.entry(name) {
                Entry::Vacant(member) => drop(member.insert(value)),
                Entry::Occupied(member) => {
                    let name = member.key();
                    return Err(A::Error::custom(format_args!("repeated member {name:?}")));
                }
            }
        }
        Ok(Members(members, false))
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(CONFIGURATION))
    }
}

impl Serialize for Members {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Indents valid JSON text by two spaces per level. Objects and lists of objects are broken into
/// lines; lists of plain values are not. Strings and numbers keep their spelling, and marks become
/// bare words again.
pub(crate) fn indent(text: &str) -> String {
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    let mut depth = 0_usize;
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut broken = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let (literal, after) = bare_words::split_literal(rest);
            out.push_str(bare_words::bare_word(literal).unwrap_or(literal));
            rest = after;
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '{' | '[' => {
                out.push(c);
                depth = depth.saturating_add(1);
                let first = rest.trim_start().chars().next();
                let breaks = match c {
                    '{' => first != Some('}'),
                    _ => matches!(first, Some('{' | '[')),
                };
                broken.push(breaks);
                if breaks {
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if broken.pop() == Some(true) {
                    new_line(&mut out, depth);
                }
                out.push(c);
            }
            ',' => {
                out.push(',');
                if broken.last() == Some(&true) {
                    new_line(&mut out, depth);
                } else {
                    out.push(' ');
                }
            }
            ':' => out.push_str(": "),
            c if c.is_ascii_whitespace() => {}
            c => out.push(c),
        }
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn members_keep_order_and_spelling() {
        let text = br#"{"b": 1.50, "a": {"x":[1,2]}, "big": 123456789012345678901234567890}"#;
        let members = Members::parse(text).unwrap();
        assert_eq!(members.get("b").unwrap().get(), "1.50");
        assert_eq!(
            members.to_text().unwrap(),
            "{\n  \"b\": 1.50,\n  \"a\": {\n    \"x\": [1, 2]\n  },\n  \"big\": 123456789012345678901234567890\n}\n"
        );
    }

    #[test]
    fn repeated_members_are_refused() {
        let error = Members::parse(br#"{"a": 1, "a": 2}"#).unwrap_err();
        assert!(
            error.to_string().contains("repeated member \"a\""),
            "{error}"
        );
    }

    #[test]
    fn text_after_the_object_and_other_values_are_refused() {
        for text in [
            "{} x",
            "[]",
            "",
            " ",
            "{'a': 1}",
            "{\"a\": 01}",
            "{\"a\": NaN}",
            "{\"a\":1,}",
        ] {
            assert!(Members::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Members::parse(b"\xff{}").is_err());
        assert!(Members::parse("\u{feff}{}".as_bytes()).is_ok());
    }

    #[test]
    fn bare_words_are_written_again() {
        let text = br#"{"a": [NaN, 1], "b": {"NaN": -Infinity}, "c": "Na\u004e"}"#;
        let members = Members::parse_with(text, Strictness::Tolerant).unwrap();
        let written = "{\n  \"a\": [NaN, 1],\n  \"b\": {\n    \"NaN\": -Infinity\n  },\n  \"c\": \"NaN\"\n}\n";
        assert_eq!(members.to_text().unwrap(), written);
        let again = Members::parse_with(written.as_bytes(), Strictness::Tolerant).unwrap();
        assert_eq!(again.to_text().unwrap(), written);
        assert!(Members::parse(text).is_err());
    }

    #[test]
    fn indenting_does_not_touch_strings() {
        let text = r#"{"a":"x, {\"y\": [1]}\\","b":[]}"#;
        assert_eq!(
            indent(text),
            "{\n  \"a\": \"x, {\\\"y\\\": [1]}\\\\\",\n  \"b\": []\n}\n"
        );
    }
}
