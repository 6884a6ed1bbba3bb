//! The backend for every store that `object_store` reaches; it evens out the differences between
//! these stores.
//!
//! `read` runs single reads, `ranges` many ranges of one object (`parts` cuts them out of responses,
//! `gather` joins the calls of concurrent readers), `write` puts and deletes, `patch` partial
//! changes, `list` listings, `copy` copies, `sweep` removes leftovers, and `sign` signs URLs.
//! `request` gives each of these its deadline and its log event; `probe` finds out whether
//! conditions are honoured. Nothing here calls `ObjectStore::get_ranges`, which takes no version, and
//! no read requests a size first, except a suffix on a backend without suffix ranges.

mod copy;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
pub(crate) mod decode;
mod gather;
#[cfg(feature = "http")]
mod html;
mod list;
mod parts;
pub(crate) mod patch;
mod probe;
mod ranges;
mod read;
mod request;
pub(crate) mod sign;
mod singly;
mod sweep;
mod write;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{Attributes, ObjectStore};

use self::gather::Gathering;
use self::probe::Probed;
pub(crate) use self::singly::Singly;
use crate::absent::absent;
use crate::context::Context;
use crate::error::{Cause, Error, Result};
use crate::{key, task};

/// An [`ObjectStore`], the prefix of the keys in it, and its quirks.
#[derive(Clone)]
pub(crate) struct ObjectBackend {
    store: Arc<dyn ObjectStore>,
    prefix: Arc<str>,
    pub(crate) quirks: Quirks,
    probed: Arc<Probed>,
    /// The attributes of every object put.
    attributes: Arc<Attributes>,
    /// Signs URLs, if the backend can.
    sign: Option<sign::Sign>,
    /// Advice for errors about refused credentials.
    hint: Option<Arc<str>>,
    /// Set once the backend has responded to a range request with the whole object.
    ignores_ranges: Arc<AtomicBool>,
    singly: Singly,
    /// Set once the service has refused to copy an object of another bucket.
    refuses_copies: Arc<AtomicBool>,
    /// Patches objects, if the backend can copy ranges.
    patches: Option<patch::Patches>,
    gathering: Arc<Gathering>,
}

/// Properties in which a backend differs from others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quirks {
    /// Whether requests wait for a network, and so run as separate tasks.
    pub(crate) remote: bool,
    /// Whether an acknowledgement can get lost, so that a failed condition may hide a success of
    /// ours.
    pub(crate) retries: bool,
    /// Whether a read is repeated if its body broke off.
    pub(crate) reads_again: bool,
    /// Whether the backend supports suffix ranges, which need no size.
    pub(crate) suffix: bool,
    /// How directories are listed.
    pub(crate) list: Listings,
    /// Whether to probe, before the first conditional put, that conditions are honoured.
    pub(crate) probe: bool,
    /// Whether to look at the object before a put, instead of putting under a condition.
    pub(crate) single_writer: bool,
    /// Whether refused access means an absent object.
    pub(crate) missing_on_403: bool,
    /// Whether versions, sizes and conditions are all missing.
    pub(crate) bare: bool,
}

/// How directories are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Listings {
    /// Directories are not listed.
    #[cfg(feature = "http")]
    None,
    /// `object_store` lists directories.
    Native,
    /// The links of the web server's directory pages are the listing.
    #[cfg(feature = "http")]
    Html,
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            remote: true,
            retries: true,
            reads_again: false,
            suffix: true,
            list: Listings::Native,
            probe: false,
            single_writer: false,
            missing_on_403: false,
            bare: false,
        }
    }
}

impl Quirks {
    pub(crate) fn memory() -> Self {
        Self {
            remote: false,
            retries: false,
            ..Self::default()
        }
    }
}

impl ObjectBackend {
    pub(crate) fn new(store: Arc<dyn ObjectStore>, quirks: Quirks) -> Self {
        Self {
            store,
            prefix: "".into(),
            quirks,
            probed: Arc::default(),
            attributes: Arc::default(),
            sign: None,
            hint: None,
            ignores_ranges: Arc::default(),
            singly: Singly::default(),
            refuses_copies: Arc::default(),
            patches: None,
            gathering: Arc::default(),
        }
    }

    /// Shares the findings about conditions with all backends of one place in this process.
    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    pub(crate) fn probed_as(mut self, place: &str) -> Self {
        self.probed = probe::at(place);
        self
    }

    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
    pub(crate) fn with_attributes(mut self, attributes: Attributes) -> Self {
        self.attributes = attributes.into();
        self
    }

    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
    pub(crate) fn with_hint(mut self, hint: Option<String>) -> Self {
        self.hint = hint.map(Arc::from);
        self
    }

    #[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
    pub(crate) fn deleting(mut self, singly: Singly) -> Self {
        self.singly = singly;
        self
    }

    pub(crate) fn with_prefix(&self, prefix: &str) -> Self {
        Self {
            prefix: key::join(&self.prefix, prefix).into(),
            ..self.clone()
        }
    }

    /// Whether keys of both backends name objects of one place, for equal prefixes.
    pub(crate) fn is_one_place_with(&self, other: &Self) -> bool {
        // Backends of one bucket, opened by URL, share their findings about conditions.
        Arc::ptr_eq(&self.probed, &other.probed)
            || std::ptr::addr_eq(Arc::as_ptr(&self.store), Arc::as_ptr(&other.store))
    }

    /// Returns the key below the prefix of this backend.
    pub(crate) fn key<'a>(&self, key: &'a str) -> std::borrow::Cow<'a, str> {
        key::join(&self.prefix, key)
    }

    /// Returns the path of a checked key.
    fn path(&self, context: &Arc<Context>, key: &str) -> Result<Path> {
        key::to_path(&self.key(key)).map_err(|reason| Error::InvalidKey {
            place: context.place(key),
            reason,
        })
    }

    /// Whether an error of a read means that the object does not exist.
    fn absent(&self, error: &object_store::Error) -> bool {
        let refused = matches!(error, object_store::Error::PermissionDenied { .. });
        absent(error) || (refused && self.quirks.missing_on_403)
    }

    /// Whether the backend can list.
    pub(crate) fn can_list(&self) -> bool {
        match self.quirks.list {
            Listings::Native => true,
            #[cfg(feature = "http")]
            Listings::Html => true,
            #[cfg(feature = "http")]
            Listings::None => false,
        }
    }

    /// Whether the backend is known to send only whole objects.
    fn ignores_ranges(&self) -> bool {
        self.ignores_ranges.load(Ordering::Relaxed)
    }

    /// Starts one request with a permit, as a separate task if it waits for a network.
    fn request<T: Send + 'static>(
        &self,
        context: &Arc<Context>,
        key: &str,
        request: impl Future<Output = Result<T>> + Send + 'static,
    ) -> BoxFuture<'static, Result<T>> {
        if !self.quirks.remote {
            return request.boxed();
        }
        let (permits, place) = (context.permits.clone(), context.place(key));
        let limited = async move {
            let _permit = permits
                .acquire_owned()
                .await
                .expect("the semaphore of a store is never closed");
            request.await
        };
        task::detached(limited)
            .map(|joined| joined.map_err(|source| Error::io(place, "request", source))?)
            .boxed()
    }

    /// Makes an error of the backend, with its place and without secrets.
    fn error(
        &self,
        context: &Arc<Context>,
        key: &str,
        operation: &'static str,
        error: &object_store::Error,
    ) -> Error {
        use object_store::Error as E;

        let place = context.place(key);
        let cause = Cause::new(error);
        match error {
            _ if refuses_credentials(error) => Error::PermissionDenied {
                place,
                operation,
                cause: match &self.hint {
                    Some(hint) if !cause.to_string().contains(&**hint) => cause.with(hint),
                    _ => cause,
                },
            },
            E::NotSupported { .. } | E::NotImplemented { .. } => Error::Unsupported {
                place,
                operation,
                reason: cause.to_string(),
            },
            // From a listing: keys of callers have been checked before.
            E::InvalidPath { .. } => Error::Unsupported {
                place,
                operation,
                reason: format!("{cause}; rename or move objects with such keys"),
            },
            _ if is_timeout(error) => Error::Timeout {
                place,
                operation,
                cause,
            },
            _ => Error::Backend {
                place,
                operation,
                cause,
            },
        }
    }
}

impl fmt::Debug for ObjectBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectBackend")
            .field("prefix", &self.prefix)
            .field("quirks", &self.quirks)
            .finish_non_exhaustive()
    }
}

/// Whether a response, of whatever status, says that the credentials do not suffice.
fn refuses_credentials(error: &object_store::Error) -> bool {
    use object_store::Error as E;

    /// Codes that come with a status other than 401 and 403, from S3 and its token service, Azure,
    /// and OAuth.
    const CODES: [&str; 16] = [
        "<Code>PublicAccessNotPermitted</Code>",
        "<Code>NoAuthenticationInformation</Code>",
        "<Code>ExpiredToken</Code>",
        "<Code>ExpiredTokenException</Code>",
        "<Code>InvalidToken</Code>",
        "<Code>InvalidClientTokenId</Code>",
        "<Code>TokenRefreshRequired</Code>",
        "<Code>InvalidAccessKeyId</Code>",
        "<Code>SignatureDoesNotMatch</Code>",
        "<Code>AccessDenied</Code>",
        "<Code>AuthenticationFailed</Code>",
        "<Code>InvalidAuthenticationInfo</Code>",
        "\"invalid_grant\"",
        "\"invalid_client\"",
        "\"unauthorized_client\"",
        "no credentials: ",
    ];
    match error {
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => true,
        E::Generic { .. } | E::AlreadyExists { .. } | E::Precondition { .. } => {
            causes(error).any(|cause| {
                let text = cause.to_string();
                text.contains("status code: 407") || CODES.iter().any(|code| text.contains(code))
            })
        }
        _ => false,
    }
}

/// Whether any of the causes is a timeout.
fn is_timeout(error: &object_store::Error) -> bool {
    causes(error).any(|error| {
        error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut)
            || http::is_timeout(error)
    })
}

/// Whether no readable response came.
pub(crate) fn is_transport(error: &object_store::Error) -> bool {
    is_timeout(error) || causes(error).any(http::is_http)
}

fn causes<'a>(
    error: &'a object_store::Error,
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
}

/// The errors of HTTP clients, which `object_store` defines only if a client is built in.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http"))]
mod http {
    use std::error::Error;

    use object_store::client::{HttpError, HttpErrorKind};

    pub(super) fn is_http(error: &(dyn Error + 'static)) -> bool {
        error.is::<HttpError>()
    }

    pub(super) fn is_timeout(error: &(dyn Error + 'static)) -> bool {
        error
            .downcast_ref::<HttpError>()
            .is_some_and(|error| error.kind() == HttpErrorKind::Timeout)
    }
}

#[cfg(not(any(feature = "s3", feature = "gcs", feature = "azure", feature = "http")))]
mod http {
    use std::error::Error;

    pub(super) fn is_http(_: &(dyn Error + 'static)) -> bool {
        false
    }

    pub(super) fn is_timeout(_: &(dyn Error + 'static)) -> bool {
        false
    }
}
