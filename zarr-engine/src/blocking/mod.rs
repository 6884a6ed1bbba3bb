//! The API without `async`, for programs without an async runtime: every method of
//! [`Hierarchy`](crate::Hierarchy), [`Group`](crate::Group) and [`Array`](crate::Array), under its
//! own name. Local reads run on the calling thread and the computing threads; everything else runs
//! on [one runtime per process](crate::limits::set_runtime).
//!
//! A call blocks its thread. Inside an async task, use the async API, or move the call off the
//! task's thread with `tokio::task::spawn_blocking`: other tasks of that thread wait meanwhile.

mod array;
mod check;
mod chunk;
mod nodes;
mod run;

use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake};
use std::thread::{self, Thread};

use tokio::runtime::{Handle, Runtime};
use zarr_core::metadata::{Attributes, NodeMetadata};
use zarr_core::plan::{ReadPlan, WriteOptions, WritePlan};
use zarr_core::{Input, NodePath, Registry};
use zarr_store::Store;

pub use self::array::{Array, SubArray};
pub use self::check::{check, plan_repair, plan_repair_with_copy, repair};
pub use self::chunk::{Chunk, InnerChunk};
pub use self::nodes::{Group, Node};
use crate::engine::{CacheOptions, Target};
use crate::error::Result;
use crate::nodes::IntoMetadata;
use crate::process::PerProcess;
use crate::transfer::{Transfer, Transferred};
use crate::usage::NodeUsage;

/// Returns the runtime that waits for I/O, one per process.
#[doc(hidden)]
pub fn runtime() -> Arc<Runtime> {
    static RUNTIME: PerProcess<Runtime> = PerProcess::new();
    RUNTIME.get_or_make(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("zarr-wait")
            .enable_all()
            .build()
            .expect("the system can start threads")
    })
}

/// Blocks on a future, on the runtime of this module. Unlike tokio's `block_on`, also on a thread
/// of another runtime.
fn wait<R>(future: impl Future<Output = R>) -> R {
    match crate::limits::own_runtime() {
        // A thread of this very runtime might wait for itself; tokio refuses that.
        Some(runtime) if is_current(&runtime) => runtime.block_on(future),
        Some(runtime) => park_on(&runtime, future),
        None => park_on(runtime().handle(), future),
    }
}

fn is_current(runtime: &Handle) -> bool {
    Handle::try_current().is_ok_and(|current| current.id() == runtime.id())
}

fn park_on<R>(runtime: &Handle, future: impl Future<Output = R>) -> R {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let _entered = runtime.enter();
    let waker = Arc::new(Unpark(thread::current())).into();
    // The budget of a task that makes this call does not apply here.
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => thread::park(),
        }
    }
}

/// Replaces the async handle of a result by its blocking handle.
fn turned<T: Into<U>, U>(result: Result<T>) -> Result<U> {
    result.map(Into::into)
}

/// Defines a blocking handle that wraps an async handle and forwards the listed methods. Type
/// parameters are in brackets. A test compares the method names of both handles
/// (`tests/tests/blocking.rs`).
macro_rules! blocking {
    ($(#[$doc:meta])* $name:ident $([$life:lifetime])? { $($methods:tt)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name$(<$life>)? {
            inner: crate::$name$(<$life>)?,
        }

        impl$(<$life>)? From<crate::$name$(<$life>)?> for $name$(<$life>)? {
            fn from(inner: crate::$name$(<$life>)?) -> Self {
                Self { inner }
            }
        }

        impl$(<$life>)? From<$name$(<$life>)?> for crate::$name$(<$life>)? {
            fn from(outer: $name$(<$life>)?) -> Self {
                outer.inner
            }
        }

        impl$(<$life>)? $name$(<$life>)? {
            /// Returns the async handle.
            #[must_use]
            pub fn as_async(&self) -> &crate::$name$(<$life>)? {
                &self.inner
            }

            methods! { $name $($methods)* }
        }
    };
}

/// Defines the listed methods: those that wait and those that do not. An argument with `@` is another
/// blocking handle.
macro_rules! methods {
    ($of:ident) => {};
    ($of:ident async fn $name:ident $([$($generics:tt)*])? (&self $(, $arg:ident: $type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "Blocking variant of",
            pub fn $name$(<$($generics)*>)?(&self $(, $arg: $type)*) -> Result<$out> {
                crate::blocking::turned(crate::blocking::wait(self.inner.$name($($arg),*)))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident async fn $name:ident $([$($generics:tt)*])? (&mut self $(, $arg:ident: $type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "Blocking variant of",
            pub fn $name$(<$($generics)*>)?(&mut self $(, $arg: $type)*) -> Result<$out> {
                crate::blocking::turned(crate::blocking::wait(self.inner.$name($($arg),*)))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident async fn $name:ident (&self $(, $arg:ident: $type:ty)*, @$handle:ident: $handle_type:ty $(, $more:ident: $more_type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "Blocking variant of",
            pub fn $name(&self $(, $arg: $type)*, $handle: $handle_type $(, $more: $more_type)*) -> Result<$out> {
                crate::blocking::turned(crate::blocking::wait(self.inner.$name($($arg,)* &$handle.inner $(, $more)*)))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident [$($generics:tt)*] (&self) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "Calls",
            pub fn $name<$($generics)*>(&self) -> Result<$out> {
                self.inner.$name()
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident (&self $(, $arg:ident: $type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "Calls",
            pub fn $name(&self $(, $arg: $type)*) -> Result<$out> {
                crate::blocking::turned(self.inner.$name($($arg),*))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident (self $(, $arg:ident: $type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "Calls",
            pub fn $name(self $(, $arg: $type)*) -> Result<$out> {
                crate::blocking::turned(self.inner.$name($($arg),*))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident (&self $(, $arg:ident: $type:ty)*) -> $out:ty; $($rest:tt)*) => {
        #[doc = concat!("Returns the result of [`", stringify!($of), "::", stringify!($name), "`](crate::", stringify!($of), "::", stringify!($name), ").")]
        #[must_use]
        pub fn $name(&self $(, $arg: $type)*) -> $out {
            self.inner.$name($($arg),*).into()
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident (self $(, $arg:ident: $type:ty)*) -> $out:ty; $($rest:tt)*) => {
        #[doc = concat!("Returns the result of [`", stringify!($of), "::", stringify!($name), "`](crate::", stringify!($of), "::", stringify!($name), ").")]
        #[must_use]
        pub fn $name(self $(, $arg: $type)*) -> $out {
            self.inner.$name($($arg),*).into()
        }
        methods! { $of $($rest)* }
    };
    (@document $of:ident $name:ident, $does:literal, $($method:tt)*) => {
        #[doc = concat!($does, " [`", stringify!($of), "::", stringify!($name), "`](crate::", stringify!($of), "::", stringify!($name), ").\n\n# Errors\nThe errors of the async method.")]
        $($method)*
    };
}
use {blocking, methods};

/// Opens the hierarchy at a URL or path, like [`crate::open`].
///
/// ```
/// use ndarray::Array2;
/// use zarr_engine::{ArrayBuilder, blocking};
///
/// let hierarchy = blocking::open("memory:")?;
/// let metadata = ArrayBuilder::new(&[6, 8], "float64").with_chunk_shape(&[3, 4]).build()?;
/// let array = hierarchy.create_array("fields/pressure", metadata)?;
/// array.write(.., Array2::<f64>::ones((6, 8)))?;
/// let corner = array.read::<Array2<f64>>((0..2, 0..3))?;
/// assert_eq!(corner.sum(), 6.0);
/// # Ok::<(), zarr_engine::Error>(())
/// ```
///
/// # Errors
/// The errors of [`crate::open`].
pub fn open(url: impl AsRef<Path>) -> Result<Hierarchy> {
    turned(crate::open(url))
}

/// Opens a hierarchy with store options, like [`crate::open_with`].
///
/// # Errors
/// The errors of [`crate::open_with`].
pub fn open_with(
    url: impl AsRef<Path>,
    options: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
) -> Result<Hierarchy> {
    turned(crate::open_with(url, options))
}

blocking! {
    /// A hierarchy, the nodes in a store: [`crate::Hierarchy`] without `async`.
    Hierarchy {
        fn store(&self) -> &Store;
        fn registry(&self) -> &Registry;
        fn with_write_options(self, options: WriteOptions) -> Hierarchy;
        fn write_options(&self) -> WriteOptions;
        async fn run_read(&self, plan: ReadPlan, target: Target) -> Result<()>;
        fn run_read_here(&self, plan: &ReadPlan, target: &Target) -> Option<Result<()>>;
        async fn run_write(&self, plan: WritePlan, input: Input) -> Result<()>;
        async fn node(&self, path: &str) -> Result<Node>;
        async fn array(&self, path: &str) -> Result<Array>;
        async fn group(&self, path: &str) -> Result<Group>;
        async fn group_without_consolidated(&self, path: &str) -> Result<Group>;
        async fn create_array(&self, path: &str, metadata: impl IntoMetadata) -> Result<Array>;
        async fn create_group(&self, path: &str, attributes: Attributes) -> Result<Group>;
        async fn create_like(&self, path: &str, metadata: &NodeMetadata) -> Result<Node>;
        async fn replace(&self, path: &str, metadata: NodeMetadata) -> Result<Node>;
        async fn exists(&self, path: &str) -> Result<bool>;
        async fn open_or_create_array(&self, path: &str, metadata: impl IntoMetadata) -> Result<Array>;
        async fn open_or_create_group(&self, path: &str, attributes: Attributes) -> Result<Group>;
        async fn rename(&self, from: &str, to: &str) -> Result<Node>;
        async fn copy(&self, from: &str, @target: &Hierarchy, to: &str) -> Result<Node>;
        async fn copy_with(&self, from: &str, @target: &Hierarchy, to: &str, overwrite: bool, progress: impl FnMut(u64, u64)) -> Result<Node>;
        async fn transfer(&self, from: &str, @target: &Hierarchy, to: &str, options: Transfer, done: impl Fn(u64) + Send + Sync) -> Result<Transferred>;
        async fn delete(&self, path: &str) -> Result<()>;
        async fn convert_v2(&self, path: &str) -> Result<Vec<NodePath>>;
        async fn usage(&self, path: &str) -> Result<Vec<NodeUsage>>;
        async fn renew_copies_of(&self, path: &str) -> Result<()>;
    }
}

impl Hierarchy {
    /// Returns the hierarchy in a store, like [`crate::Hierarchy::new`].
    #[must_use]
    pub fn new(store: Store, registry: Registry) -> Self {
        crate::Hierarchy::new(store, registry).into()
    }

    /// Returns the hierarchy in a store with configured caches, like
    /// [`crate::Hierarchy::with_caches`].
    #[must_use]
    pub fn with_caches(store: Store, registry: Registry, caches: CacheOptions) -> Self {
        crate::Hierarchy::with_caches(store, registry, caches).into()
    }
}

impl From<&crate::Hierarchy> for Hierarchy {
    fn from(inner: &crate::Hierarchy) -> Self {
        inner.clone().into()
    }
}
