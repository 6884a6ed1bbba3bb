//! Gathers concurrent calls for ranges of one object: equal, overlapping and neighbouring ranges of
//! different callers are requested once.
//!
//! The first call begins a *batch* and starts a task for it. Calls that are ready to run join the
//! batch before the task continues; nobody waits for a clock. A caller whose batch ends early
//! requests the rest of its ranges alone.

#![expect(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "positions in the lists of one call"
)]

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::mem;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use futures::StreamExt;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::stream::{self, BoxStream};
use tokio::runtime::{Handle, Id};
use tokio::task::yield_now;

use super::ranges::{Failed, RangeReads};
use super::read::Read;
use crate::RangeBody;
use crate::byte_range::length;
use crate::error::Result;
use crate::planner::{pieces, plan_pieces};
use crate::task::AbortOnDrop;
use crate::version::Version;

/// The most wanted bytes of a batch, where repeated ranges count each time. A call that does not fit
/// is read alone.
const MOST: u64 = 64 << 20;

/// The most times that the task of a batch lets others join before it sends requests.
const YIELDS: usize = 8;

/// The batches that calls can join.
#[derive(Default)]
pub(super) struct Gathering(Mutex<HashMap<Common, Batch>>);

/// What the calls of a batch have in common.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Common {
    /// The address of the context: its limits and its deadline.
    context: usize,
    key: String,
    version: Option<Version>,
    missing_on_403: bool,
    /// Tasks of another runtime may never run.
    runtime: Id,
}

struct Batch {
    calls: Vec<Call>,
    /// The wanted bytes of all calls.
    size: u64,
    task: SharedTask,
}

/// The task of a batch, which ends with its last caller.
type SharedTask = Arc<OnceLock<AbortOnDrop<()>>>;

/// The ranges of one call, and where their bytes go.
struct Call {
    wanted: Vec<Range<u64>>,
    caller: UnboundedSender<Result<RangeBody>>,
}

impl Gathering {
    /// Reads ranges of an object, together with other calls on this runtime.
    pub(super) fn read(
        self: &Arc<Self>,
        read: Arc<Read>,
        wanted: Vec<Range<u64>>,
    ) -> BoxStream<'static, Result<RangeBody>> {
        let gathering = self.clone();
        let joining = async move {
            match gathering.join(&read, &wanted) {
                Some(caller) => stream::unfold(caller, |mut caller| async move {
                    let next = caller.next().await?;
                    Some((next, caller))
                })
                .boxed(),
                None => RangeReads::new(read, wanted, 0).stream(),
            }
        };
        stream::once(joining).flatten().boxed()
    }

    /// Joins or begins a batch, unless there is no runtime or the batch would be too large.
    fn join(self: &Arc<Self>, read: &Arc<Read>, wanted: &[Range<u64>]) -> Option<Caller> {
        let runtime = Handle::try_current().ok()?;
        let size = wanted.iter().map(length).fold(0, u64::saturating_add);
        let common = Common {
            context: Arc::as_ptr(&read.context).addr(),
            key: read.key.clone(),
            version: read.version().cloned(),
            missing_on_403: read.backend.quirks.missing_on_403,
            runtime: runtime.id(),
        };
        let (caller, arriving) = unbounded();
        let call = Call {
            wanted: wanted.to_vec(),
            caller,
        };
        let (begins, task) = match self.batches().entry(common.clone()) {
            Entry::Occupied(mut open) => {
                let batch = open.get_mut();
                let size = batch.size.saturating_add(size);
                if size > MOST {
                    return None;
                }
                batch.size = size;
                batch.calls.push(call);
                (false, batch.task.clone())
            }
            Entry::Vacant(_) if size > MOST => return None,
            Entry::Vacant(free) => {
                let task = SharedTask::default();
                free.insert(Batch {
                    calls: vec![call],
                    size,
                    task: task.clone(),
                });
                (true, task)
            }
        };
        if begins {
            let open = Open {
                gathering: self.clone(),
                common: Some(common),
            };
            let running = AbortOnDrop(runtime.spawn(open.run(read.clone())));
            // Only this call sets the task.
            let _ = task.set(running);
        }
        Some(Caller {
            read: read.clone(),
            wanted: wanted.to_vec(),
            has_arrived: vec![false; wanted.len()],
            left: wanted.len(),
            arriving,
            alone: None,
            _task: task,
        })
    }

    fn batches(&self) -> MutexGuard<'_, HashMap<Common, Batch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch that calls can join until this is closed or dropped.
struct Open {
    gathering: Arc<Gathering>,
    common: Option<Common>,
}

impl Open {
    /// Reads the ranges of all calls that join.
    async fn run(mut self, read: Arc<Read>) {
        let mut joined = 0;
        for _ in 0..YIELDS {
            let before = mem::replace(&mut joined, self.len());
            if before == joined {
                break;
            }
            yield_now().await;
        }
        if let Some(mut batch) = self.close() {
            batch.calls.retain(|call| !call.caller.is_closed());
            // The callers alone hold the task now.
            drop(batch.task);
            serve(read, batch.calls).await;
        }
    }

    fn len(&self) -> usize {
        let batches = self.gathering.batches();
        let batch = self.common.as_ref().and_then(|common| batches.get(common));
        batch.map_or(0, |batch| batch.calls.len())
    }

    fn close(&mut self) -> Option<Batch> {
        let common = self.common.take()?;
        self.gathering.batches().remove(&common)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Outside the lock, because dropping the calls wakes their callers.
        drop(self.close());
    }
}

/// Reads the ranges of all calls as one, and gives each caller its own. Allows as many requests as
/// the calls would send alone: large ranges of several callers stay parallel.
async fn serve(read: Arc<Read>, calls: Vec<Call>) {
    let (mut all, mut owners, mut allowed) = (Vec::new(), Vec::new(), 0);
    for call in &calls {
        all.extend_from_slice(&call.wanted);
        owners.extend((0..call.wanted.len()).map(|index| (call, index)));
        if calls.len() > 1 {
            allowed += plan_pieces(&pieces(&call.wanted), &read.context.cost, 0).len();
        }
    }
    let mut is_missing = vec![true; all.len()];
    let mut reads = RangeReads::new(read, all, allowed);
    while let Some(body) = reads.next().await {
        match body {
            Ok(RangeBody { index, bytes }) => {
                is_missing[index] = false;
                let (call, index) = owners[index];
                call.send(Ok(RangeBody { index, bytes }));
            }
            Err(Failed { error, .. }) if calls.len() == 1 => return calls[0].send(Err(error)),
            Err(Failed { range, error }) => {
                // The callers of other ranges read what they still miss alone.
                for (&(call, index), _) in owners.iter().zip(is_missing).filter(|(_, is)| *is) {
                    let wanted = &call.wanted[index];
                    if wanted.start.max(range.start) < wanted.end.min(range.end)
                        && let Some(error) = error.to_all()
                    {
                        call.send(Err(error));
                    }
                }
                return;
            }
        }
    }
}

impl Call {
    fn send(&self, body: Result<RangeBody>) {
        // Sending fails if the caller is gone.
        let _ = self.caller.unbounded_send(body);
    }
}

/// The caller's end of a call.
struct Caller {
    read: Arc<Read>,
    wanted: Vec<Range<u64>>,
    has_arrived: Vec<bool>,
    /// The number of ranges that have not arrived.
    left: usize,
    arriving: UnboundedReceiver<Result<RangeBody>>,
    /// The reads of what a batch that ended early left, and the indices of the ranges.
    alone: Option<(RangeReads, Vec<usize>)>,
    _task: SharedTask,
}

impl Caller {
    async fn next(&mut self) -> Option<Result<RangeBody>> {
        loop {
            if let Some((reads, indices)) = &mut self.alone {
                let body = reads.next().await?;
                return Some(match body {
                    Ok(RangeBody { index, bytes }) => Ok(RangeBody {
                        index: indices[index],
                        bytes,
                    }),
                    Err(failed) => Err(failed.error),
                });
            }
            if self.left == 0 {
                return None;
            }
            match self.arriving.next().await {
                Some(Ok(body)) => {
                    self.has_arrived[body.index] = true;
                    self.left -= 1;
                    return Some(Ok(body));
                }
                Some(Err(error)) => {
                    self.left = 0;
                    return Some(Err(error));
                }
                None => {
                    let left = self.has_arrived.iter().enumerate();
                    let left = left.filter(|(_, has_arrived)| !**has_arrived);
                    let indices: Vec<_> = left.map(|(index, _)| index).collect();
                    let wanted = indices.iter().map(|&index| self.wanted[index].clone());
                    let reads = RangeReads::new(self.read.clone(), wanted.collect(), 0);
                    self.alone = Some((reads, indices));
                }
            }
        }
    }
}
