//! An [`ObjectStore`](object_store::ObjectStore) that fails on demand and logs every request, for
//! tests of this crate and of the crates that use it.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use std::sync::Arc;
//! use zarr_store::testing::{Fault, FaultStore, Operation, Rule};
//! use zarr_store::{ByteRange, Store, object_store::memory::InMemory};
//!
//! let faults = Arc::new(FaultStore::new(InMemory::new()));
//! faults.add(Rule::new(Operation::Get, "c/*", Fault::PermissionDenied).on_call(1));
//! let store = Store::new(faults.clone(), "faulty");
//! assert!(store.get("c/0", &ByteRange::All, None).await.unwrap().is_none());
//! assert!(store.get("c/0", &ByteRange::All, None).await.is_err());
//! assert_eq!(faults.requests().len(), 2);
//! # }
//! ```

mod fault_store;
mod script;

pub use fault_store::FaultStore;
pub use script::{Fault, Operation, Request, Rule};
