//! The precedence of S3 settings: options, then the environment, then the default profile; a
//! profile named by an option comes before the environment.

use std::ffi::OsString;
use std::sync::Arc;

use object_store::ClientOptions;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey as Key};
use url::Url;

use super::named::{Named, take};
use super::{profile, values};
use crate::error::Result;
use crate::object::Singly;
use crate::options::invalid;

/// Returns a builder with everything but the options, and takes the option `profile`. Credentials
/// are never mixed across sources, and an explicit `http://` endpoint allows HTTP.
pub(super) fn builder(
    url: &Url,
    options: &mut Named,
    client: ClientOptions,
) -> Result<AmazonS3Builder> {
    let wanted = take(options, "profile");
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let profile = profile::options(wanted.as_deref(), variable)
        .map_err(|reason| invalid(url.as_str(), &reason))?;
    for (name, value) in &profile {
        values::check(url, "setting of the AWS profile", name, value)?;
    }
    let environment = given(std::env::vars_os());
    for (name, value) in environment
        .iter()
        .filter(|(name, _)| name.parse::<Key>().is_ok())
    {
        values::check(url, "variable", &name.to_ascii_uppercase(), value)?;
    }
    let own = options.iter();
    let own = keys(own.map(|(name, value)| (name.to_ascii_lowercase(), value.clone())));
    let mut environment = keys(environment.into_iter());
    // The default region counts only without another region.
    environment.sort_by_key(|(key, _)| *key != Key::DefaultRegion);
    let profile = keys(
        profile
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value)),
    );

    // Later sources override earlier ones.
    let mut sources = match wanted {
        Some(_) => [environment, profile, own],
        None => [profile, environment, own],
    };
    let strongest = sources
        .iter()
        .rposition(|source| source.iter().any(|(key, _)| *key == Key::AccessKeyId));
    for (place, source) in sources.iter_mut().enumerate() {
        if strongest.is_some_and(|strongest| place < strongest) {
            source.retain(|(key, _)| {
                !matches!(key, Key::AccessKeyId | Key::SecretAccessKey | Key::Token)
            });
        }
    }
    let mut builder = AmazonS3Builder::new().with_client_options(client);
    for (key, value) in sources.into_iter().flatten() {
        if matches!(key, Key::Endpoint | Key::S3Endpoint) && value.starts_with("http://") {
            builder = builder.with_allow_http(true);
        }
        let key = match key {
            Key::DefaultRegion => Key::Region,
            other => other,
        };
        builder = builder.with_config(key, value);
    }
    Ok(builder)
}

/// Creates the client that deletes objects one by one, for a server without bulk deletion.
pub(super) fn singly(builder: &AmazonS3Builder) -> Singly {
    let builder = builder.clone().with_config(Key::DisableBulkDelete, "true");
    Singly::new(move || Some(Arc::new(builder.clone().build().ok()?)))
}

/// Returns the environment variables of this service, with names in lower case.
fn given(variables: impl Iterator<Item = (OsString, OsString)>) -> Named {
    let given = variables.filter_map(|(name, value)| {
        let name = name.to_str()?.to_ascii_lowercase();
        // An empty variable counts as unset, as in the AWS tools.
        let value = value.into_string().ok().filter(|value| !value.is_empty())?;
        Some((name.starts_with("aws_").then_some(name)?, value))
    });
    given.collect()
}

/// Returns the settings among lower-case names, and drops other names.
fn keys(settings: impl Iterator<Item = (String, String)>) -> Vec<(Key, String)> {
    settings
        .filter_map(|(name, value)| Some((name.parse().ok()?, value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_variables_are_not_set() {
        let variables = [("AWS_ENDPOINT_URL", ""), ("AWS_REGION", "r"), ("HOME", "x")];
        let variables = variables.map(|(name, value)| (name.into(), value.into()));
        let found = given(variables.into_iter());
        assert_eq!(found, [("aws_region".to_owned(), "r".to_owned())]);
    }
}
