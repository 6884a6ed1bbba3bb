//! What a store is opened with, and what is said where that cannot be.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::{CredentialSource, redact};

/// Options as they were given, names and values, and where credentials come from.
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

/// An error about a URL, which it shows without its secrets.
pub(crate) fn invalid(url: &str, reason: &str) -> Error {
    Error::InvalidUrl {
        url: redact::text(url),
        reason: redact::text(reason),
    }
}

/// The error for credentials where nobody asks for any.
pub(crate) fn no_credentials(url: &str, options: &Options) -> Result<()> {
    match &options.credentials {
        None => Ok(()),
        Some(_) => Err(invalid(url, "this kind of store has no credentials")),
    }
}
