//! Extension objects: the name and configuration of a codec, data type, chunk grid or chunk key encoding (core
//! specification, "Extension definition").

use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
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
    /// An extension without configuration.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            configuration: None,
            must_understand: true,
        }
    }

    /// This extension with one configuration member set.
    ///
    /// # Panics
    /// Never for values with a JSON form, which all of serde's own types have.
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

    /// The configuration, where there is one.
    #[must_use]
    pub fn configuration(&self) -> Option<&Members> {
        self.configuration.as_ref()
    }

    /// False where a reader that does not know the extension may ignore it.
    #[must_use]
    pub fn must_understand(&self) -> bool {
        self.must_understand
    }

    /// The configuration as a Rust type; an absent one reads as an empty object.
    ///
    /// # Errors
    /// [`Error::InMember`] `configuration` where members are missing, unknown or of another type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        let text = match &self.configuration {
            Some(members) => serde_json::to_string(members)?,
            None => "{}".to_owned(),
        };
        serde_json::from_str(&text).map_err(|error| {
            Error::invalid(shorten(&text), expected(&error)).member("configuration")
        })
    }

    /// Refuses any configuration member: for extensions that have none.
    ///
    /// # Errors
    /// [`Error::InMember`] `configuration` where it is not empty.
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
            Some(b'{') => Self::from_members(&serde_json::from_str(text)?),
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
                    let members = serde_json::from_str(text).map_err(|_| invalid("an object"))?;
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

impl<'de> Deserialize<'de> for Extension {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Box::<RawValue>::deserialize(deserializer)?;
        Self::from_json(&value).map_err(D::Error::custom)
    }
}

impl Serialize for Extension {
    /// Always the object form: peers do not read the short one.
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
/// What the parser of a configuration expected, without the place in a text that nobody wrote.
fn expected(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let (text, _) = text.rsplit_once(" at line ").unwrap_or((&text, ""));
    match text.split_once(", expected ") {
        Some((found, expected)) => format!("{expected} ({found})"),
        None => format!("a legal configuration ({text})"),
    }
}
