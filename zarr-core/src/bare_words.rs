//! The bare words `NaN`, `Infinity` and `-Infinity`, which Python's `json` writes and JSON forbids.
//!
//! Before parsing, each bare word becomes a string that spells one letter as an escape. No writer
//! spells these strings that way, and values kept as text keep the spelling. Writing the document
//! restores the bare words.

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

use std::borrow::Cow;

/// Bare words, and the strings that stand for them in memory.
const MARKS: [(&str, &str); 3] = [
    ("-Infinity", r#""-Infinit\u0079""#),
    ("Infinity", r#""Infinit\u0079""#),
    ("NaN", r#""Na\u004e""#),
];

/// Replaces bare words by their marks. Strings that happen to be spelled like a mark are respelled
/// without the escape, so that they stay strings.
pub(crate) fn mark(text: &str) -> Cow<'_, str> {
    let parts = ["NaN", "Infinity", r"\u0079", r"\u004e"];
    if !parts.iter().any(|part| text.contains(part)) {
        return Cow::Borrowed(text);
    }
    let mut marked = String::with_capacity(text.len().saturating_add(64));
    let mut rest = text;
    while let Some(quote) = rest.find('"') {
        mark_words(&rest[..quote], &mut marked);
        let (literal, after) = split_literal(&rest[quote..]);
        match bare_word(literal) {
            Some(word) => marked.extend(["\"", word, "\""]),
            None => marked.push_str(literal),
        }
        rest = after;
    }
    mark_words(rest, &mut marked);
    Cow::Owned(marked)
}

/// Copies text outside strings. A word before a colon is a name, not a bare word.
fn mark_words(text: &str, marked: &mut String) {
    let is_delimiter =
        |c: char| matches!(c, '[' | ']' | '{' | '}' | ',' | ':') || c.is_ascii_whitespace();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(is_delimiter).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let named = after.trim_start().starts_with(':');
        let mark = MARKS.iter().find(|(bare, _)| *bare == word && !named);
        marked.push_str(mark.map_or(word, |(_, mark)| mark));
        let delimiter = after.find(|c| !is_delimiter(c)).unwrap_or(after.len());
        marked.push_str(&after[..delimiter]);
        rest = &after[delimiter..];
    }
}

/// Returns the bare word that a string stands for.
pub(crate) fn bare_word(literal: &str) -> Option<&'static str> {
    let mark = MARKS.iter().find(|(_, mark)| *mark == literal);
    mark.map(|(word, _)| *word)
}

/// Finds a bare word whose mark occurs in a value.
pub(crate) fn first(value: &str) -> Option<&'static str> {
    let mark = MARKS.iter().find(|(_, mark)| value.contains(mark));
    mark.map(|(word, _)| *word)
}

/// Replaces marks by their bare words, for messages.
pub(crate) fn unmarked(text: &str) -> Cow<'_, str> {
    if !text.contains(r"\u00") {
        return Cow::Borrowed(text);
    }
    let plain = MARKS.iter().fold(text.to_owned(), |text, (word, mark)| {
        text.replace(mark, word)
    });
    Cow::Owned(plain)
}

/// Splits text that begins with a quote after the closing quote of the string.
pub(crate) fn split_literal(text: &str) -> (&str, &str) {
    let mut bytes = text.bytes().enumerate().skip(1);
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return text.split_at(at.saturating_add(1)),
            b'\\' => drop(bytes.next()),
            _ => {}
        }
    }
    (text, "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_marks_only_where_a_value_may_be() {
        for (text, marked) in [
            ("NaN", r#""Na\u004e""#),
            (
                "[NaN,-Infinity , Infinity]",
                r#"["Na\u004e","-Infinit\u0079" , "Infinit\u0079"]"#,
            ),
            (r#"{"a":NaN}"#, r#"{"a":"Na\u004e"}"#),
            (r#"{"a": "NaN, \"NaN"}"#, r#"{"a": "NaN, \"NaN"}"#),
            (
                r#"{"NaN": 1, "\\": NaN}"#,
                r#"{"NaN": 1, "\\": "Na\u004e"}"#,
            ),
            (r#"{NaN: 1}"#, r#"{NaN: 1}"#),
            (
                "[nan, NAN, -NaN, +Infinity, NaN1, Inf]",
                "[nan, NAN, -NaN, +Infinity, NaN1, Inf]",
            ),
            (r#"["Na\u004e"]"#, r#"["NaN"]"#),
            (r#"["Infinity", "NaN]"#, r#"["Infinity", "NaN]"#),
            ("", ""),
        ] {
            assert_eq!(mark(text), marked, "{text}");
        }
    }

    #[test]
    fn messages_have_the_words() {
        let text = r#"{"a": [NaN, -Infinity]}"#;
        assert_eq!(unmarked(&mark(text)), text);
    }
}
