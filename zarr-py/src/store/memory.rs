//! Named in-memory stores, kept as long as they are referenced: equal names denote one store, and a
//! pickle finds its store again within its own process.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use zarr_store::Store;

/// An in-memory store.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) name: String,
    /// A random number that tells this store from one with its name in another process.
    pub(super) identity: u64,
    store: Store,
}

impl Memory {
    pub(super) fn store(&self) -> Store {
        self.store.clone()
    }
}

static NAMED: Mutex<Option<HashMap<String, Weak<Memory>>>> = Mutex::new(None);

/// Returns the store of this name, or creates one; without a name, creates a store with a new name.
pub(super) fn open(name: Option<&str>) -> Arc<Memory> {
    let identity = RandomState::new().hash_one(std::process::id());
    let name = name.map_or_else(|| format!("{identity:016x}"), str::to_owned);
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    let named = named.get_or_insert_default();
    named.retain(|_, memory| memory.strong_count() > 0);
    if let Some(memory) = named.get(&name).and_then(Weak::upgrade) {
        return memory;
    }
    let memory = Arc::new(Memory {
        name: name.clone(),
        identity,
        store: Store::memory_named(&name),
    });
    named.insert(name, Arc::downgrade(&memory));
    memory
}

/// Returns the store of this name if its identity matches.
pub(super) fn find(name: &str, identity: u64) -> Option<Arc<Memory>> {
    let named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    let memory = named.as_ref()?.get(name)?.upgrade()?;
    (memory.identity == identity).then_some(memory)
}

/// The reason why a pickle cannot be opened.
pub(super) fn not_here(name: &str) -> String {
    format!(
        "memory://{name}: a store in memory can be unpickled only in its own process, while it is in use"
    )
}
