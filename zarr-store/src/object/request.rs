//! One request to a backend, with its deadline and its log event.
//!
//! Every request emits one `tracing` event at level debug when it ends, fails or is dropped:
//! operation, redacted store, key, range, bytes, time, outcome.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{Instant, timeout};

use super::ObjectBackend;
use crate::byte_range::ByteRange;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::wire::Patience;

pub(super) struct Request {
    backend: ObjectBackend,
    context: Arc<Context>,
    key: String,
    operation: &'static str,
    started: Instant,
    /// The start of the deadline's clock.
    since: Instant,
    timed: bool,
    /// Tells the client's attempts the deadline, and collects their failures.
    pub(super) patience: Option<Patience>,
    pub(super) range: Option<ByteRange>,
    /// The number of bytes sent or received.
    pub(super) bytes: u64,
    outcome: &'static str,
}

impl ObjectBackend {
    /// Begins a request. A store in memory responds at once and needs no timer, which a runtime may
    /// lack.
    pub(super) fn start(
        &self,
        context: &Arc<Context>,
        key: &str,
        operation: &'static str,
    ) -> Request {
        let now = Instant::now();
        let timed = self.quirks.remote && Handle::try_current().is_ok();
        let patience = timed.then(|| Patience {
            until: now.checked_add(context.deadline.limit(0)),
            ..Patience::default()
        });
        Request {
            patience,
            backend: self.clone(),
            context: context.clone(),
            key: key.to_owned(),
            operation,
            started: now,
            since: now,
            timed,
            range: None,
            bytes: 0,
            outcome: "dropped",
        }
    }
}

impl Request {
    /// Waits for the next of many responses, with a deadline of its own.
    pub(super) async fn next<T, E>(
        &mut self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>> {
        self.after(0, future).await
    }

    /// Waits for the next of many responses, with a deadline of its own that allows for `bytes`
    /// transferred bytes.
    pub(super) async fn after<T, E>(
        &mut self,
        bytes: u64,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>> {
        self.since = Instant::now();
        self.within(bytes, future).await
    }

    /// Waits for a future, at most the time limit for `bytes` bytes.
    pub(super) async fn within<T, E>(
        &mut self,
        bytes: u64,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>> {
        let limit = self.context.deadline.limit(bytes);
        self.limited(limit, future).await
    }

    /// Waits for a listing or a copy, whose length is unknown: at most ten times the base of the
    /// deadline.
    pub(super) async fn pages<T, E>(
        &mut self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>> {
        let limit = self.context.deadline.base.saturating_mul(10);
        self.limited(limit, future).await
    }

    async fn limited<T, E>(
        &mut self,
        limit: Duration,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>> {
        let result = if self.timed {
            let left = limit.saturating_sub(self.since.elapsed());
            timeout(left, future).await
        } else {
            Ok(future.await)
        };
        self.outcome = match &result {
            Ok(Ok(_)) => "done",
            Ok(Err(_)) => "failed",
            Err(_) => "timed out",
        };
        result.map_err(|_| {
            let last = self.patience.as_ref().and_then(Patience::last);
            let last = last.map_or(String::new(), |last| {
                format!("; the last attempt failed with: {last}")
            });
            let text = format!("not finished within {:.1} s{last}", limit.as_secs_f64());
            let source = io::Error::new(io::ErrorKind::TimedOut, text);
            Error::io(self.context.place(&self.key), self.operation, source)
        })
    }

    /// Makes an error of the backend.
    pub(super) fn error(&self, error: &object_store::Error) -> Error {
        self.backend
            .error(&self.context, &self.key, self.operation, error)
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        tracing::debug!(
            operation = self.operation,
            store = &*self.context.location,
            key = self.key,
            range = self.range.as_ref().map(tracing::field::display),
            bytes = self.bytes,
            time = ?self.started.elapsed(),
            outcome = self.outcome,
            "request"
        );
    }
}
