//! Servers that speak S3 without bulk deletion: their objects are deleted one by one, by a client
//! created on the first refusal.

use std::fmt;
use std::sync::{Arc, OnceLock};

use object_store::{Error, ObjectStore};

type Make = dyn Fn() -> Option<Arc<dyn ObjectStore>> + Send + Sync;

/// The client that deletes objects one by one, if it exists; created when needed.
#[derive(Clone, Default)]
pub(crate) struct Singly {
    make: Option<Arc<Make>>,
    made: Arc<OnceLock<Option<Arc<dyn ObjectStore>>>>,
}

impl Singly {
    #[cfg(feature = "s3")]
    pub(crate) fn new(
        make: impl Fn() -> Option<Arc<dyn ObjectStore>> + Send + Sync + 'static,
    ) -> Self {
        Self {
            make: Some(Arc::new(make)),
            made: Arc::default(),
        }
    }

    /// Returns the client, if a refusal has created it.
    pub(super) fn made(&self) -> Option<&Arc<dyn ObjectStore>> {
        self.made.get()?.as_ref()
    }

    /// Whether there is now a client for the refused request; creates the client on the first
    /// refusal.
    pub(super) fn helps(&self, error: &Error) -> bool {
        let Some(make) = self.make.as_ref().filter(|_| self.made.get().is_none()) else {
            return false;
        };
        refuses_bulk(error) && self.made.get_or_init(|| make()).is_some()
    }
}

impl fmt::Debug for Singly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Singly")
            .field(&self.made().is_some())
            .finish()
    }
}

/// Whether a server does not support bulk deletion. `object_store` reports a 404 or 405 for the
/// request as an absent object.
fn refuses_bulk(error: &Error) -> bool {
    let text = error.to_string();
    let says = |what: &str| text.contains(what);
    let status = |code: u16| says(&format!("status code: {code}"));
    let missing = says("performing POST") && status(404);
    let codes = ["NotImplemented", "MethodNotAllowed", "UnsupportedOperation"];
    let mut codes = codes.iter().map(|code| format!("<Code>{code}</Code>"));
    missing || status(501) || status(405) || codes.any(|code| says(&code))
}
