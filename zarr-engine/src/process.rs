//! Per-process values: threads, runtimes and connections do not survive a fork, and locks may stay
//! held in the child by threads that do not exist there. A child that finds its parent's value
//! leaves the value alone and creates its own.

use std::fmt;
use std::mem;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// A value created on first use, once per process.
pub struct PerProcess<T>(ArcSwapOption<Made<T>>);

struct Made<T> {
    process: u32,
    value: Arc<T>,
}

impl<T> Made<T> {
    fn here(value: Arc<T>) -> Arc<Self> {
        let process = std::process::id();
        Arc::new(Self { process, value })
    }

    fn is_here(&self) -> bool {
        self.process == std::process::id()
    }
}

/// Drops a value of this process; leaks a value of the parent process.
fn forget_parents<T>(made: Option<Arc<Made<T>>>) {
    if let Some(made) = made
        && !made.is_here()
    {
        mem::forget(made);
    }
}

impl<T> PerProcess<T> {
    /// Returns an empty value.
    #[must_use]
    pub const fn new() -> Self {
        Self(ArcSwapOption::const_empty())
    }

    /// Returns a container with a value created by this process.
    #[must_use]
    pub fn of(value: T) -> Self {
        Self(ArcSwapOption::from(Some(Made::here(Arc::new(value)))))
    }

    /// Returns the value of this process, creating it with `make` if missing. Two threads may each
    /// create a value; one of the values is used.
    ///
    /// # Errors
    /// The errors of `make`.
    pub fn get_or_try_make<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        self.get_or_try_remake(|_| make())
    }

    /// Returns the value of this process; `None` if not yet created.
    #[must_use]
    pub fn get(&self) -> Option<Arc<T>> {
        let found = self.0.load();
        let made = found.as_ref().filter(|made| made.is_here());
        made.map(|made| made.value.clone())
    }

    /// Returns the value of this process, recreated by `remake` from the parent's value, if any.
    ///
    /// # Errors
    /// The errors of `remake`.
    pub fn get_or_try_remake<E>(
        &self,
        remake: impl FnOnce(Option<&T>) -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        let found = self.0.load();
        let parents = match &*found {
            Some(made) if made.is_here() => return Ok(made.value.clone()),
            parents => parents.as_deref().map(|made| &*made.value),
        };
        let value = Arc::new(remake(parents)?);
        let before = self
            .0
            .compare_and_swap(&*found, Some(Made::here(value.clone())));
        match &*before {
            // Another thread was faster.
            Some(before) if before.is_here() => Ok(before.value.clone()),
            // Dropping the parent's value would wait for threads that do not exist in this process.
            Some(parents) => {
                mem::forget(parents.clone());
                Ok(value)
            }
            None => Ok(value),
        }
    }

    /// Replaces the value from now on.
    pub fn set(&self, value: impl Into<Arc<T>>) {
        forget_parents(self.0.swap(Some(Made::here(value.into()))));
    }

    /// Returns the value of this process, creating it with an infallible `make` if missing.
    pub fn get_or_make(&self, make: impl FnOnce() -> T) -> Arc<T> {
        let Ok(value) = self.get_or_try_make(|| Ok::<_, std::convert::Infallible>(make()));
        value
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        forget_parents(self.0.swap(None));
    }
}

impl<T> fmt::Debug for PerProcess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PerProcess")
    }
}

#[cfg(test)]
mod tests {
    use super::PerProcess;

    #[test]
    fn a_value_is_made_once() {
        let value = PerProcess::new();
        let first = value.get_or_make(|| 1);
        let second = value.get_or_make(|| 2);
        assert_eq!((*first, *second), (1, 1));
    }

    #[test]
    fn a_value_can_be_another() {
        let value = PerProcess::of(1);
        let before = value.get_or_make(|| 2);
        value.set(3);
        assert_eq!((*before, *value.get_or_make(|| 4)), (1, 3));
    }

    #[test]
    fn a_failure_is_tried_again() {
        let value = PerProcess::new();
        assert_eq!(value.get_or_try_make(|| Err::<i32, _>("no")), Err("no"));
        assert_eq!(
            value.get_or_try_make(|| Ok::<_, &str>(3)).as_deref(),
            Ok(&3)
        );
    }
}
