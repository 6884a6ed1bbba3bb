//! Extension objects: the name and configuration of a codec, data type, chunk grid or chunk key
//! encoding (core specification, "Extension definition").

#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        clippy::panic
    )
)]

use std::fmt;
use std::sync::OnceLock;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result, shorten};
use crate::json::Members;

/// A named extension with its configuration, as written in a metadata document.
#[derive(Clone, Debug, PartialEq)]
pub struct Extension {
    name: String,
    configuration: Option<Configuration>,
    must_understand: bool,
}

/// The text of an object that names no member twice. It is split into members only if they are
/// asked for: most configurations are parsed as a Rust type, once.
#[derive(Clone)]
struct Configuration {
    text: Box<str>,
    members: OnceLock<Members>,
}

impl Extension {
    /// Creates an extension without configuration.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            configuration: None,
            must_understand: true,
        }
    }

    /// Returns this extension with one configuration member set.
    ///
    /// # Panics
    /// Panics if the value has no JSON form; all of serde's own types have one.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Serialize) -> Self {
        let configuration = self.configuration.as_ref();
        let mut members = configuration.map_or_else(Members::new, |c| c.members().clone());
        let text = members
            .set(member, &value)
            .and_then(|()| Ok(serde_json::to_string(&members)?))
            .expect("configuration values have a JSON form");
        self.configuration = Some(Configuration {
            text: text.into(),
            members: members.into(),
        });
        self
    }

    /// The registered name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The configuration, if present.
    #[must_use]
    pub fn configuration(&self) -> Option<&Members> {
        self.configuration.as_ref().map(Configuration::members)
    }

    /// Whether a reader must know the extension; if false, a reader that does not know it may
    /// ignore it.
    #[must_use]
    pub fn must_understand(&self) -> bool {
        self.must_understand
    }

    /// Parses the configuration as a Rust type; an absent configuration is read as an empty object.
    ///
    /// # Errors
    /// [`Error::InMember`] `configuration` if members are missing, unknown or of another type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        let configuration = self.configuration.as_ref();
        let text = configuration.map_or("{}", |configuration| &configuration.text);
        serde_json::from_str(text).or_else(|error| {
            let found = match self.configuration() {
                Some(members) => serde_json::to_string(members)?,
                None => "{}".to_owned(),
            };
            Err(Error::invalid(shorten(&found), expected(&error)).member("configuration"))
        })
    }

    /// Rejects any configuration member, for extensions without configuration.
    ///
    /// # Errors
    /// [`Error::InMember`] `configuration` if the configuration is not empty.
    pub fn expect_no_configuration(&self) -> Result<()> {
        match self.configuration().and_then(|c| c.iter().next()) {
            Some((name, _)) => Err(Error::UnknownMember {
                member: name.to_owned(),
            }
            .member("configuration")),
            None => Ok(()),
        }
    }

    /// Reads the object form or the short form (a bare name).
    ///
    /// # Errors
    /// [`Error::Invalid`] for anything else.
    pub fn from_json(value: &RawValue) -> Result<Self> {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'"') => Ok(Self::new(serde_json::from_str::<String>(text)?)),
            // Without a copy of each member. What is not as usual is read again: it may be legal.
            Some(b'{') => match serde_json::from_str::<Written>(text) {
                Ok(written) if written.is_usual() => Ok(written.into()),
                _ => Self::from_members(&serde_json::from_str(text)?),
            },
            _ => Err(Error::invalid(text, "a name or an object with a name")),
        }
    }

    fn from_members(members: &Members) -> Result<Self> {
        let mut extension = Self::new("");
        let mut named = false;
        for (member, value) in members.iter() {
            let text = value.get();
            let invalid = |expected: &str| Error::invalid(text, expected).member(member);
            match member {
                "name" => {
                    extension.name = serde_json::from_str(text).map_err(|_| invalid("a string"))?;
                    named = true;
                }
                "configuration" => {
                    let members = Members::of_value(value).map_err(|error| error.member(member))?;
                    extension.configuration = Some(Configuration {
                        text: text.into(),
                        members: members.into(),
                    });
                }
                "must_understand" => {
                    extension.must_understand =
                        serde_json::from_str(text).map_err(|_| invalid("true or false"))?;
                }
                other => {
                    return Err(Error::UnknownMember {
                        member: other.to_owned(),
                    });
                }
            }
        }
        if named {
            Ok(extension)
        } else {
            Err(Error::MissingMember { member: "name" })
        }
    }
}

impl Configuration {
    fn members(&self) -> &Members {
        self.members
            .get_or_init(|| serde_json::from_str(&self.text).expect("checked when it was read"))
    }
}

impl fmt::Debug for Configuration {
    /// Equal configurations print equally, however their texts are spelled.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.members().fmt(f)
    }
}

impl PartialEq for Configuration {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || self.members() == other.members()
    }
}

/// The object form of an extension.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written<'a> {
    name: String,
    // `null` is no configuration, but an error.
    #[serde(borrow, default, deserialize_with = "present")]
    configuration: Option<&'a RawValue>,
    #[serde(default = "default_must_understand")]
    must_understand: bool,
}

impl Written<'_> {
    /// Whether the configuration, if any, is an object with a few different names.
    fn is_usual(&self) -> bool {
        let text = self.configuration.map(RawValue::get);
        text.is_none_or(|text| serde_json::from_str::<FewNames>(text).is_ok())
    }
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

fn default_must_understand() -> bool {
    true
}

impl From<Written<'_>> for Extension {
    fn from(written: Written<'_>) -> Self {
        let configuration = written.configuration.map(|configuration| Configuration {
            text: configuration.get().into(),
            members: OnceLock::new(),
        });
        Self {
            name: written.name,
            configuration,
            must_understand: written.must_understand,
        }
    }
}

/// An object with at most eight different names, none with an escape.
struct FewNames;

impl<'de> Deserialize<'de> for FewNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Self)
    }
}

impl<'de> Visitor<'de> for FewNames {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a few names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut names = [None::<&str>; 8];
        while let Some((name, _)) = map.next_entry::<&str, IgnoredAny>()? {
            match names
                .iter_mut()
                .find(|seen| seen.is_none_or(|seen| seen == name))
            {
                Some(free @ None) => *free = Some(name),
                _ => return Err(A::Error::custom("repeated, or too many")),
            }
        }
        Ok(self)
    }
}

impl<'de> Deserialize<'de> for Extension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(&value).map_err(D::Error::custom)
    }
}

impl Serialize for Extension {
    /// Writes the object form always, because other implementations do not read the short form.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", &self.name)?;
        if let Some(configuration) = self.configuration() {
            map.serialize_entry("configuration", configuration)?;
        }
        if !self.must_understand {
            map.serialize_entry("must_understand", &false)?;
        }
        map.end()
    }
}
/// Describes what the parser of a configuration expected, without the position, which refers to a
/// text that is in no document.
fn expected(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let (text, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
    match text.split_once(", expected ") {
        Some((found, expected)) => format!("{expected} ({found})"),
        None => format!("a legal configuration ({text})"),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(configuration: &str) -> Result<Extension> {
        let text = format!(r#"{{"name": "x", "configuration": {configuration}}}"#);
        Extension::from_json(&RawValue::from_string(text).unwrap())
    }

    #[test]
    fn configurations_have_no_repeated_member() {
        let many: Vec<_> = (0..9).map(|i| format!(r#""m{i}": {i}"#)).collect();
        let many = format!("{{{}}}", many.join(", "));
        for legal in ["{}", r#"{"a": {"b": 1, "b": 2}, "b": 1}"#, &many] {
            let extension = read(legal).unwrap();
            let members: Members = serde_json::from_str(legal).unwrap();
            assert_eq!(extension.configuration(), Some(&members));
        }
        assert_eq!(read(&many).unwrap().configuration().unwrap().len(), 9);
        let escaped = read(r#"{"\u0061": 1}"#).unwrap();
        let spelled = Extension::new("x").with("a", 1);
        assert_eq!(escaped, spelled, "names are compared, not their spelling");
        assert_eq!(format!("{escaped:?}"), format!("{spelled:?}"));
        let repeated = many.replace("m8", "m0");
        for repeated in [r#"{"a": 1, "a": 1}"#, r#"{"a": 1, "\u0061": 1}"#, &repeated] {
            let error = read(repeated).unwrap_err().to_string();
            assert!(error.contains("a repeated member"), "{error}");
        }
        for other in ["null", "[]", "1", r#""a""#] {
            let error = read(other).unwrap_err().to_string();
            assert!(error.contains("an object"), "{error}");
        }
    }
}
