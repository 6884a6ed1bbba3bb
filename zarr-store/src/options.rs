//! The options for opening a store, and the errors about them.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::{CredentialSource, redact};

/// Options as given, by name and value, and the source of credentials.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) named: Vec<(String, String)>,
    pub(crate) credentials: Option<Arc<dyn CredentialSource>>,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.named.iter().map(|(name, _)| name).collect();
        f.debug_struct("Options")
            .field("named", &names)
            .finish_non_exhaustive()
    }
}

/// Makes an error about a URL; the error shows the URL without its secrets.
pub(crate) fn invalid(url: &str, reason: &str) -> Error {
    Error::InvalidUrl {
        url: redact::text(url),
        reason: redact::text(reason),
    }
}

/// Refuses credentials for a store that uses none.
pub(crate) fn no_credentials(url: &str, options: &Options) -> Result<()> {
    match &options.credentials {
        None => Ok(()),
        Some(_) => Err(invalid(url, "this kind of store has no credentials")),
    }
}
