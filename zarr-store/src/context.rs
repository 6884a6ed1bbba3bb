//! The properties of a store that its requests share, whatever the backend.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::cost::CostModel;
use crate::counts::Counters;
use crate::deadline::Deadline;
use crate::error::{Error, Place, Result};
use crate::key;

#[derive(Clone)]
pub(crate) struct Context {
    /// The redacted URL or path.
    pub(crate) location: Arc<str>,
    pub(crate) read_only: bool,
    pub(crate) cost: CostModel,
    pub(crate) deadline: Deadline,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) counters: Arc<Counters>,
}

impl Context {
    pub(crate) fn new(location: &str, cost: CostModel) -> Self {
        let mut context = Self {
            location: location.into(),
            read_only: false,
            cost: CostModel::local(),
            deadline: Deadline::default(),
            permits: Arc::new(Semaphore::new(1)),
            counters: Arc::default(),
        };
        context.set_cost(cost);
        context
    }

    /// Sets the cost model, with a limit of its own on requests in flight.
    pub(crate) fn set_cost(&mut self, cost: CostModel) {
        self.permits = Arc::new(Semaphore::new(cost.max_in_flight.max(1)));
        self.cost = cost;
    }

    pub(crate) fn place(&self, key: &str) -> Place {
        Place::new(&self.location, key)
    }

    pub(crate) fn check_key(&self, key: &str) -> Result<()> {
        key::check(key).map_err(|reason| Error::InvalidKey {
            place: self.place(key),
            reason,
        })
    }

    pub(crate) fn check_prefix<'a>(&self, prefix: &'a str) -> Result<&'a str> {
        key::check_prefix(prefix).map_err(|reason| Error::InvalidKey {
            place: self.place(prefix),
            reason,
        })
    }

    pub(crate) fn check_write(&self, key: &str, operation: &'static str) -> Result<()> {
        if !self.read_only {
            return Ok(());
        }
        Err(self.refuse_write(key, operation))
    }

    pub(crate) fn refuse_write(&self, key: &str, operation: &'static str) -> Error {
        Error::ReadOnly {
            place: self.place(key),
            operation,
        }
    }
}
