//! A store that injects scripted faults into another store.

#![expect(
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "injects faults, panics among them"
)]

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt, TryFutureExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutMultipartOptions, PutOptions, PutPayload,
    PutResult, RenameOptions, Result,
};

use super::script::{Fault, Operation, Request, Rule};

/// A wrapper of a store that injects faults by rule and logs requests. Clones share rules and log.
#[derive(Debug)]
pub struct FaultStore<S> {
    inner: Arc<S>,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    requests: Vec<Request>,
}

impl<S> Clone for FaultStore<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            state: Arc::clone(&self.state),
        }
    }
}

impl<S: ObjectStore> FaultStore<S> {
    /// Wraps a store, without faults.
    pub fn new(inner: S) -> Self {
        Self {
            inner: Arc::new(inner),
            state: Arc::default(),
        }
    }

    /// Adds a rule. Every rule counts every request; the first rule that applies decides.
    pub fn add(&self, rule: Rule) {
        self.state().rules.push(rule);
    }

    /// The requests since the store was created or last [cleared](Self::clear).
    pub fn requests(&self) -> Vec<Request> {
        self.state().requests.clone()
    }

    /// Clears rules and requests.
    pub fn clear(&self) {
        *self.state() = State::default();
    }

    /// The wrapped store.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, request: Request) -> Option<Fault> {
        let mut state = self.state();
        let mut fault = None;
        for rule in &mut state.rules {
            let applied = rule.apply(request.operation, &request.key);
            fault = fault.or(applied);
        }
        state.requests.push(request);
        fault
    }

    /// Applies the part of a fault that precedes the request.
    async fn before(&self, fault: Option<&Fault>, path: &Path) -> Result<()> {
        match fault {
            Some(Fault::Delay(time)) => tokio::time::sleep(*time).await,
            Some(Fault::Hang) => std::future::pending().await,
            Some(Fault::Panic) => panic!("injected"),
            Some(Fault::Swap(content)) => {
                self.inner.put(path, content.clone().into()).await?;
            }
            Some(Fault::Delete) => self.inner.delete(path).await?,
            Some(fault) => return fault.error(path).map_or(Ok(()), Err),
            None => {}
        }
        Ok(())
    }
}

impl Fault {
    /// The error that a fault injects, if any.
    fn error(&self, path: &Path) -> Option<Error> {
        let path = path.to_string();
        let source = "injected".into();
        Some(match self {
            Self::NotFound => Error::NotFound { path, source },
            Self::PermissionDenied => Error::PermissionDenied { path, source },
            Self::Precondition => Error::Precondition { path, source },
            Self::NotSupported => Error::NotSupported { source },
            Self::NotImplemented => Error::NotImplemented {
                operation: "injected".into(),
                implementer: "FaultStore".into(),
            },
            Self::Generic(text) => Error::Generic {
                store: "FaultStore",
                source: (*text).into(),
            },
            Self::Timeout => Error::Generic {
                store: "FaultStore",
                source: Box::new(io::Error::from(io::ErrorKind::TimedOut)),
            },
            Self::Delay(_)
            | Self::Hang
            | Self::Panic
            | Self::Truncate(_)
            | Self::Extend(_)
            | Self::Stall(_)
            | Self::Drip(_)
            | Self::Unconditional
            | Self::FlipByte(_)
            | Self::Swap(_)
            | Self::Delete
            | Self::LostAck(_)
            | Self::ETag(_) => return None,
        })
    }
}

impl<S: ObjectStore> fmt::Display for FaultStore<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultStore({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: ObjectStore> ObjectStore for FaultStore<S> {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        mut opts: PutOptions,
    ) -> Result<PutResult> {
        let fault = self.log(Request {
            condition: condition_of_put(&opts.mode),
            size: payload.content_length() as u64,
            ..Request::new(Operation::Put, location.as_ref())
        });
        self.before(fault.as_ref(), location).await?;
        if matches!(fault, Some(Fault::Unconditional)) {
            opts.mode = PutMode::Overwrite;
        }
        let mut result = self.inner.put_opts(location, payload, opts).await?;
        match fault {
            Some(Fault::LostAck(fault)) => fault.error(location).map_or(Ok(result), Err),
            Some(Fault::ETag(tag)) => {
                result.e_tag = tag.map(str::to_owned);
                Ok(result)
            }
            _ => Ok(result),
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let fault = self.log(Request::new(Operation::Multipart, location.as_ref()));
        self.before(fault.as_ref(), location).await?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let operation = if options.head {
            Operation::Head
        } else {
            Operation::Get
        };
        let fault = self.log(Request {
            range: options.range.clone(),
            condition: condition_of_get(&options),
            ..Request::new(operation, location.as_ref())
        });
        self.before(fault.as_ref(), location).await?;
        let result = self.inner.get_opts(location, options).await?;
        match fault {
            Some(fault) => after_get(result, fault, location).await,
            None => Ok(result),
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let fault = self.log(Request::new(Operation::Get, location.as_ref()));
        self.before(fault.as_ref(), location).await?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        locations
            .then(move |location| {
                let store = store.clone();
                async move {
                    let location = location?;
                    let fault = store.log(Request::new(Operation::Delete, location.as_ref()));
                    store.before(fault.as_ref(), &location).await?;
                    store.inner.delete(&location).await?;
                    match fault {
                        Some(Fault::LostAck(fault)) => {
                            fault.error(&location).map_or(Ok(location), Err)
                        }
                        _ => Ok(location),
                    }
                }
            })
            .boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let path = prefix.cloned().unwrap_or_default();
        let fault = self.log(Request::new(Operation::List, path.as_ref()));
        let (store, listing) = (self.clone(), self.inner.list(prefix));
        async move {
            store.before(fault.as_ref(), &path).await?;
            Ok(listing)
        }
        .try_flatten_stream()
        .boxed()
    }

    fn list_with_offset(
        &self,
        prefix: Option<&Path>,
        offset: &Path,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        let path = prefix.cloned().unwrap_or_default();
        let fault = self.log(Request::new(Operation::List, path.as_ref()));
        let (store, listing) = (self.clone(), self.inner.list_with_offset(prefix, offset));
        async move {
            store.before(fault.as_ref(), &path).await?;
            Ok(listing)
        }
        .try_flatten_stream()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        let path = prefix.cloned().unwrap_or_default();
        let fault = self.log(Request::new(Operation::List, path.as_ref()));
        self.before(fault.as_ref(), &path).await?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let fault = self.log(Request::new(Operation::Copy, from.as_ref()));
        self.before(fault.as_ref(), from).await?;
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        let fault = self.log(Request::new(Operation::Copy, from.as_ref()));
        self.before(fault.as_ref(), from).await?;
        self.inner.rename_opts(from, to, options).await
    }
}

/// Applies a fault to a response.
async fn after_get(result: GetResult, fault: Fault, path: &Path) -> Result<GetResult> {
    let mut result = match fault {
        Fault::LostAck(fault) => return fault.error(path).map_or(Ok(result), Err),
        Fault::ETag(tag) => {
            return Ok(GetResult {
                meta: ObjectMeta {
                    e_tag: tag.map(str::to_owned),
                    ..result.meta
                },
                ..result
            });
        }
        Fault::Truncate(_)
        | Fault::FlipByte(_)
        | Fault::Extend(_)
        | Fault::Stall(_)
        | Fault::Drip(_) => result,
        _ => return Ok(result),
    };
    let (meta, range) = (result.meta.clone(), result.range.clone());
    let attributes = std::mem::take(&mut result.attributes);
    let mut body = Vec::from(result.bytes().await?);
    match fault {
        Fault::Truncate(size) | Fault::Stall(size) => body.truncate(size),
        Fault::Extend(size) => body.resize(body.len() + size, 0),
        Fault::FlipByte(at) => {
            if let Some(byte) = body.get_mut(at) {
                *byte = !*byte;
            }
        }
        _ => {}
    }
    let body = Bytes::from(body);
    let stream = match fault {
        Fault::Stall(_) => stream::iter([Ok(body)]).chain(stream::pending()).boxed(),
        Fault::Drip(pause) => stream::iter(0..body.len())
            .then(move |at| {
                let byte = body.slice(at..=at);
                tokio::time::sleep(pause).map(|()| Ok(byte))
            })
            .boxed(),
        _ => stream::iter([Ok(body)]).boxed(),
    };
    Ok(GetResult {
        payload: GetResultPayload::Stream(stream),
        meta,
        range,
        attributes,
        extensions: object_store::Extensions::default(),
    })
}

fn condition_of_get(options: &GetOptions) -> Option<String> {
    let tag = options
        .if_match
        .as_ref()
        .map(|tag| format!("If-Match: {tag}"));
    let other = options
        .if_none_match
        .as_ref()
        .map(|tag| format!("If-None-Match: {tag}"));
    tag.or(other).or_else(|| {
        let generation = options.version.as_ref()?;
        Some(format!("version {generation}"))
    })
}

fn condition_of_put(mode: &PutMode) -> Option<String> {
    match mode {
        PutMode::Overwrite => None,
        PutMode::Create => Some("absent".to_owned()),
        PutMode::Update(version) => Some(format!(
            "If-Match: {}",
            version.e_tag.as_deref().unwrap_or_default()
        )),
    }
}
