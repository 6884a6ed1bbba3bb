//! Named stores in memory: a name stands for one store per process, which lives as long as a handle
//! to it exists.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use object_store::memory::InMemory;

use crate::object::{ObjectBackend, Quirks};
use crate::{CostModel, Store};

static NAMED: LazyLock<Mutex<HashMap<String, Weak<InMemory>>>> = LazyLock::new(Mutex::default);

impl Store {
    /// Opens a new, empty store in memory.
    #[must_use]
    pub fn memory() -> Self {
        of(Arc::new(InMemory::new()), "memory://")
    }

    /// Opens the store in memory of this name in this process, as `memory://name` does. The store
    /// is new if no handle to it exists.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> zarr_store::Result<()> {
    /// use zarr_store::{Precondition, Store};
    ///
    /// let store = Store::memory_named("shared");
    /// store.put("a/b", vec!["x".into()], Precondition::None).await?;
    /// assert_eq!(Store::open("memory://shared/a")?.size("b").await?, Some(1));
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn memory_named(name: &str) -> Self {
        let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
        named.retain(|_, memory| memory.strong_count() > 0);
        let found = named.get(name).and_then(Weak::upgrade);
        let memory = found.unwrap_or_else(|| {
            let memory = Arc::new(InMemory::new());
            named.insert(name.to_owned(), Arc::downgrade(&memory));
            memory
        });
        of(memory, &format!("memory://{name}"))
    }
}

fn of(memory: Arc<InMemory>, location: &str) -> Store {
    let backend = ObjectBackend::new(memory, Quirks::memory());
    Store::from_object(backend, location, CostModel::memory())
}
