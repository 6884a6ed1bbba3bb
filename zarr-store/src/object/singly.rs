//! Servers that speak S3 without deletion in bulk: their objects are deleted one by one, by a client that is made when the first
//! refusal comes.

use std::fmt;
use std::sync::{Arc, OnceLock};

use object_store::{Error, ObjectStore};

type Make = dyn Fn() -> Option<Arc<dyn ObjectStore>> + Send + Sync;

/// A client that deletes one by one, if there is one, once it was needed.
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

    /// The client, where a refusal made one.
    pub(super) fn made(&self) -> Option<&Arc<dyn ObjectStore>> {
        self.made.get()?.as_ref()
    }

    /// Whether there is now a client that can do what was refused so.
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

/// Whether a server knows no deletion in bulk. `object_store` takes a 404 or 405 of the request for an absent object.
fn refuses_bulk(error: &Error) -> bool {
    let text = error.to_string();
    let says = |what: &str| text.contains(what);
    let status = |code: u16| says(&format!("status code: {code}"));
    let missing = says("performing POST") && status(404);
    let codes = ["NotImplemented", "MethodNotAllowed", "UnsupportedOperation"];
    let mut codes = codes.iter().map(|code| format!("<Code>{code}</Code>"));
    missing || status(501) || status(405) || codes.any(|code| says(&code))
}
