//! Credentials from a Python function.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use pyo3::prelude::*;
use zarr_store::{CredentialSource, Credentials};

use crate::error::text_of;
use crate::runtime::attached;

/// The function, called on a thread that may block.
#[derive(Clone)]
pub(super) struct Provider(Arc<Py<PyAny>>);

impl Provider {
    pub(super) fn new(provider: Py<PyAny>) -> Self {
        Self(Arc::new(provider))
    }
}

#[async_trait]
impl CredentialSource for Provider {
    async fn credentials(
        &self,
    ) -> Result<Credentials, Box<dyn std::error::Error + Send + Sync + 'static>> {
        let provider = self.0.clone();
        let ask = move || {
            attached(|py| -> Result<Credentials, String> {
                let told = |error: PyErr| text_of(py, &error);
                let ask = || -> PyResult<_> {
                    let ask = py.import("zarr_py._called")?.getattr("credentials")?;
                    let answer = ask.call1((provider.bind(py),))?;
                    answer.extract()
                };
                let (values, expires_at): (Vec<(String, String)>, Option<f64>) =
                    ask().map_err(told)?;
                let expires_at = expires_at.and_then(|at| Duration::try_from_secs_f64(at).ok());
                Ok(Credentials {
                    values,
                    expires_at: expires_at.map(|at| SystemTime::UNIX_EPOCH + at),
                })
            })
        };
        match tokio::task::spawn_blocking(ask).await? {
            Some(answer) => Ok(answer?),
            None => Err("the interpreter shuts down".into()),
        }
    }
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Provider")
    }
}
