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

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result, shorten};
use crate::json::Members;

/// A named extension with its configuration, as written in a metadata document.
#[derive(Clone, Debug, PartialEq)]
pub struct Extension {
    name: String,
    configuration: Option<Members>,
    must_understand: bool,
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
        self.configuration
            .get_or_insert_default()
            .set(member, &value)
            .expect("configuration values have a JSON form");
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
        self.configuration.as_ref()
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
        let text = match &self.configuration {
            Some(members) => serde_json::to_string(members)?,
            None => "{}".to_owned(),
        };
        serde_json::from_str(&text).map_err(|error| {
            Error::invalid(shorten(&text), expected(&error)).member("configuration")
        })
    }

    /// Rejects any configuration member, for extensions without configuration.
    ///
    /// # Errors
    /// [`Error::InMember`] `configuration` if the configuration is not empty.
    pub fn expect_no_configuration(&self) -> Result<()> {
        match self.configuration.as_ref().and_then(|c| c.iter().next()) {
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
            // One pass, without a copy of each member. What fails is read again, for the error.
            Some(b'{') => match serde_json::from_str::<Written>(text) {
                Ok(written) => Ok(written.into()),
                Err(_) => Self::from_members(&serde_json::from_str(text)?),
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
                    extension.configuration = Some(members);
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

/// The object form of an extension.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    // `null` is no configuration, but an error.
    #[serde(default, deserialize_with = "present")]
    configuration: Option<Members>,
    #[serde(default = "default_must_understand")]
    must_understand: bool,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Members>, D::Error> {
    Members::deserialize(deserializer).map(Some)
}

fn default_must_understand() -> bool {
    true
}

impl From<Written> for Extension {
    fn from(written: Written) -> Self {
        Self {
            name: written.name,
            configuration: written.configuration,
            must_understand: written.must_understand,
        }
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
        if let Some(configuration) = &self.configuration {
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
