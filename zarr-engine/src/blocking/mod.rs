//! The front door without `async`, for programs that have no runtime: every method of [`Hierarchy`](crate::Hierarchy),
//! [`Group`](crate::Group) and [`Array`](crate::Array), under its name. Local reads run on the calling thread and the computing ones,
//! everything else on [one runtime of the process](crate::limits::set_runtime).
//!
//! Nothing here may be called on a thread of an async runtime.

mod array;
mod chunk;
mod nodes;

use std::sync::Arc;

use tokio::runtime::Runtime;

pub use self::array::{Array, SubArray};
pub use self::chunk::{Chunk, InnerChunk};
pub use self::nodes::{Group, Hierarchy, Node, open, open_with};
use crate::error::Result;
use crate::process::PerProcess;

/// The threads that wait, one runtime for all of the process.
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

/// Waits for a future on the runtime.
fn wait<R>(future: impl Future<Output = R>) -> R {
    match crate::limits::own_runtime() {
        Some(runtime) => runtime.block_on(future),
        None => runtime().block_on(future),
    }
}

/// The result with the blocking handle in place of the async one.
fn turned<T: Into<U>, U>(result: Result<T>) -> Result<U> {
    result.map(Into::into)
}

/// A blocking handle around an async one, with these methods of it. Type parameters stand in brackets. A test compares the names of
/// the methods of both (`tests/tests/blocking.rs`).
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
            /// The handle for async programs.
            #[must_use]
            pub fn as_async(&self) -> &crate::$name$(<$life>)? {
                &self.inner
            }

            methods! { $name $($methods)* }
        }
    };
}

/// The methods of a list: those that wait, and those that do not.
macro_rules! methods {
    ($of:ident) => {};
    ($of:ident async fn $name:ident $([$($generics:tt)*])? (&self $(, $arg:ident: $type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "does, and waits",
            pub fn $name$(<$($generics)*>)?(&self $(, $arg: $type)*) -> Result<$out> {
                crate::blocking::turned(crate::blocking::wait(self.inner.$name($($arg),*)))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident async fn $name:ident $([$($generics:tt)*])? (&mut self $(, $arg:ident: $type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "does, and waits",
            pub fn $name$(<$($generics)*>)?(&mut self $(, $arg: $type)*) -> Result<$out> {
                crate::blocking::turned(crate::blocking::wait(self.inner.$name($($arg),*)))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident [$($generics:tt)*] (&self) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "does",
            pub fn $name<$($generics)*>(&self) -> Result<$out> {
                self.inner.$name()
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident (&self $(, $arg:ident: $type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "does",
            pub fn $name(&self $(, $arg: $type)*) -> Result<$out> {
                crate::blocking::turned(self.inner.$name($($arg),*))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident (self $(, $arg:ident: $type:ty)*) -> Result<$out:ty>; $($rest:tt)*) => {
        methods! { @document $of $name, "does",
            pub fn $name(self $(, $arg: $type)*) -> Result<$out> {
                crate::blocking::turned(self.inner.$name($($arg),*))
            }
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident (&self $(, $arg:ident: $type:ty)*) -> $out:ty; $($rest:tt)*) => {
        #[doc = concat!("What [`", stringify!($of), "::", stringify!($name), "`](crate::", stringify!($of), "::", stringify!($name), ") gives.")]
        #[must_use]
        pub fn $name(&self $(, $arg: $type)*) -> $out {
            self.inner.$name($($arg),*).into()
        }
        methods! { $of $($rest)* }
    };
    ($of:ident fn $name:ident (self $(, $arg:ident: $type:ty)*) -> $out:ty; $($rest:tt)*) => {
        #[doc = concat!("What [`", stringify!($of), "::", stringify!($name), "`](crate::", stringify!($of), "::", stringify!($name), ") gives.")]
        #[must_use]
        pub fn $name(self $(, $arg: $type)*) -> $out {
            self.inner.$name($($arg),*).into()
        }
        methods! { $of $($rest)* }
    };
    (@document $of:ident $name:ident, $does:literal, $($method:tt)*) => {
        #[doc = concat!("Does what [`", stringify!($of), "::", stringify!($name), "`](crate::", stringify!($of), "::", stringify!($name), ") ", $does, ".\n\n# Errors\nThose of the async method.")]
        $($method)*
    };
}
use {blocking, methods};
