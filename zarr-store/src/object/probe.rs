//! Finds out whether a backend honours the conditions of puts: some servers that speak S3 silently
//! ignore them, and then two writers of one object lose data.

use std::sync::Arc;
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use object_store::path::Path;
use object_store::{ObjectStoreExt, PutMode, UpdateVersion};
use tokio::sync::OnceCell;

use super::ObjectBackend;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::{key, task};

/// The finding of a store's probe, once it ran: the defect of its conditions, if any.
pub(super) type Probed = OnceCell<Finding>;

/// The defect that a probe found, if any.
pub(super) type Finding = Option<&'static str>;

/// The start of the names of the objects of probes.
pub(super) const PREFIX: &str = ".zarr-store-probe-";

/// Returns the finding about a place, shared in this process.
#[cfg(any(feature = "s3", feature = "gcs", feature = "azure"))]
pub(super) fn at(place: &str) -> Arc<Probed> {
    static PLACES: Mutex<BTreeMap<String, Arc<Probed>>> = Mutex::new(BTreeMap::new());
    let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(places.entry(place.to_owned()).or_default())
}

impl ObjectBackend {
    /// Checks that conditional puts work here; probes the backend the first time.
    pub(super) async fn check_conditions(&self, context: &Arc<Context>, key: &str) -> Result<()> {
        if !self.quirks.probe || self.quirks.single_writer {
            return Ok(());
        }
        let found = self
            .probed
            .get_or_try_init(|| self.probe(context, key))
            .await?;
        found.map_or(Ok(()), |reason| Err(unsupported(context, key, reason)))
    }

    async fn probe(&self, context: &Arc<Context>, key: &str) -> Result<Finding> {
        let ask = |backend: Self, context: Arc<Context>, name: String, path: Path| async move {
            backend.ask_conditions(&context, &name, &path).await
        };
        self.probe_with(context, key, ask).await
    }

    /// Runs a probe as a separate task, which cleans up even if the caller is dropped. The probe's
    /// object is beside the key's object, where a writer of the key may write.
    pub(super) async fn probe_with<F>(
        &self,
        context: &Arc<Context>,
        key: &str,
        ask: impl FnOnce(Self, Arc<Context>, String, Path) -> F,
    ) -> Result<Finding>
    where
        F: Future<Output = Result<Finding>> + Send + 'static,
    {
        let directory = key.rsplit_once('/').map_or("", |(directory, _)| directory);
        let name = format!("{PREFIX}{:016x}", fastrand::u64(..));
        let name = key::join(directory, &name).into_owned();
        let path = self.path(context, &name)?;
        let (backend, owned) = (self.clone(), context.clone());
        let asked = ask(self.clone(), context.clone(), name.clone(), path.clone());
        let probe = async move {
            let found = asked.await;
            let mut request = backend.start(&owned, &name, "probe");
            owned.counters.delete();
            if !matches!(
                request.within(0, backend.store.delete(&path)).await,
                Ok(Ok(()))
            ) {
                tracing::warn!(
                    store = &*owned.location,
                    key = name,
                    "could not delete the probe object"
                );
            }
            found
        };
        task::to_its_end(probe)
            .await
            .map_err(|source| Error::io(context.place(""), "probe", source))?
    }

    /// Whether the same put succeeds without a condition.
    async fn puts_plainly(&self, context: &Arc<Context>, name: &str, path: &Path) -> Result<bool> {
        context.counters.put(0);
        let mut request = self.start(context, name, "probe");
        let put = self.store.put(path, Vec::new().into());
        Ok(request.within(0, put).await?.is_ok())
    }

    async fn ask_conditions(
        &self,
        context: &Arc<Context>,
        name: &str,
        path: &Path,
    ) -> Result<Finding> {
        use object_store::Error as E;

        // Entity tags and generations are opaque: any value that the object cannot have will do.
        let other = PutMode::Update(UpdateVersion {
            e_tag: Some("\"00000000000000000000000000000000\"".into()),
            version: Some("1".into()),
        });
        for (mode, holds) in [
            (PutMode::Create, true),
            (PutMode::Create, false),
            (other, false),
        ] {
            context.counters.put(0);
            let mut request = self.start(context, name, "probe");
            let put = self
                .store
                .put_opts(path, Vec::new().into(), mode.clone().into());
            match request.within(0, put).await? {
                Ok(_) if holds => {}
                Ok(_) => return Ok(Some("the backend ignores the conditions of puts")),
                // If the condition holds, an acknowledgement was lost.
                Err(E::AlreadyExists { .. } | E::Precondition { .. }) => {}
                Err(E::NotImplemented { .. } | E::NotSupported { .. }) => return Ok(Some(NONE)),
                Err(error) if refused(&error) && self.puts_plainly(context, name, path).await? => {
                    return Ok(Some(REFUSED));
                }
                Err(error) => return Err(request.error(&error)),
            }
        }
        Ok(None)
    }
}

/// The reason for refusing a backend without conditions.
pub(super) const NONE: &str = "the backend does not support conditional puts";
pub(super) const REFUSED: &str = "the backend refuses the conditions of puts";

/// Whether a server says that it does not implement the request.
pub(super) fn not_implemented(error: &object_store::Error) -> bool {
    let text = error.to_string();
    text.contains("status code: 501") || text.contains("<Code>NotImplemented</Code>")
}

/// Whether a put was refused for its form, perhaps for its condition.
fn refused(error: &object_store::Error) -> bool {
    let text = error.to_string();
    let is = |status: &str| text.contains(&format!("status code: {status}"));
    not_implemented(error) || (!super::refuses_credentials(error) && (is("400") || is("405")))
}

pub(super) fn unsupported(context: &Arc<Context>, key: &str, reason: &str) -> Error {
    Error::Unsupported {
        place: context.place(key),
        operation: "conditional put",
        reason: format!(
            "{reason}, so two writers could overwrite each other's data; if only one process writes, use \
             Store::with_single_writer() or the option single_writer = true"
        ),
    }
}
