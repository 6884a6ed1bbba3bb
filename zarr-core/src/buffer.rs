//! The memory that reads fill and writes copy from: owned by an `Arc`, because jobs may outlive the
//! call that made them.
//!
//! Together with `copy`, this is the crate's unsafe room: all other code uses offsets that are
//! checked here.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};

use crate::data_type::Element;
use crate::error::{Error, Result};

/// The smallest allocation, in bytes, for which huge pages are requested.
const HUGE: usize = 4 << 20;

/// Memory that a read fills. Clones share the memory; only one read at a time may hold it (see
/// [`Error::OutputInUse`]).
#[derive(Clone, Debug)]
pub struct Output(Arc<Memory>);

/// The right of one read to write to an output, shared by the read's jobs.
#[derive(Debug)]
pub(crate) struct OutputLease {
    memory: Arc<Memory>,
    /// Whether elements that no job has written are still zero, as allocated.
    fresh: AtomicBool,
}

/// Memory that encode jobs read from.
#[derive(Clone, Debug)]
pub struct Input {
    memory: Arc<Memory>,
    /// Variable-size elements; the memory then holds their numbers.
    variable: Option<Arc<VariableElements>>,
}

/// Variable-size elements, stored back to back.
#[derive(Debug)]
pub(crate) struct VariableElements {
    offsets: Vec<usize>,
    bytes: Vec<u8>,
}

impl VariableElements {
    /// Returns element `number`, or `None` if the number is out of range.
    pub(crate) fn get(&self, number: u64) -> Option<&[u8]> {
        let number = usize::try_from(number).ok()?;
        self.bytes
            .get(*self.offsets.get(number)?..*self.offsets.get(number + 1)?)
    }
}

#[derive(Debug)]
struct Memory {
    /// The first byte.
    start: NonNull<u8>,
    /// The number of bytes.
    size: usize,
    /// The offset of the element at index 0 of all dimensions; not 0 if strides are negative.
    origin: usize,
    owner: Owner,
    /// Whether a read holds the memory now.
    leased: AtomicBool,
    /// Whether a read has ever held the memory.
    used: AtomicBool,
}

enum Owner {
    /// Allocated here, zeroed, with this layout.
    Allocated(Layout),
    /// Kept alive by this value.
    Value(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send + Sync>),
    /// Kept alive by the caller, as the `unsafe` constructor requires.
    Caller,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Allocated(_) => "Allocated",
            Self::Value(_) => "Value",
            Self::Caller => "Caller",
        })
    }
}

// SAFETY: the pointer refers to memory that the owner keeps alive. Only `copy` writes through the
// pointer, on behalf of the jobs of the one read that holds the lease. A read hands out each job
// once, and its jobs write disjoint elements (`plan::disjoint`).
unsafe impl Send for Memory {}
// SAFETY: see `Send`.
unsafe impl Sync for Memory {}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Owner::Allocated(layout) = self.owner
            && layout.size() > 0
        {
            // SAFETY: allocated in `Output::zeroed` with this layout, and not given away
            // (`into_vec` changes the owner).
            unsafe { dealloc(self.start.as_ptr(), layout) }
        }
    }
}

impl Output {
    /// Allocates memory for `len` elements, all bits zero.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if the memory cannot be allocated.
    pub fn zeroed<T: Element>(len: usize) -> Result<Self> {
        let too_large = || Error::TooLarge {
            what: "result",
            wanted: format!("{len} elements of {} bytes", size_of::<T>()),
            limit: isize::MAX as u64,
        };
        let layout = Layout::array::<T>(len).map_err(|_| too_large())?;
        let start = if layout.size() == 0 {
            NonNull::<T>::dangling().cast()
        } else {
            // SAFETY: the layout is not empty.
            NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(too_large)?
        };
        advise_huge_pages(start, layout.size());
        let owner = Owner::Allocated(layout);
        Ok(Self::new(start, layout.size(), 0, owner))
    }

    fn new(start: NonNull<u8>, size: usize, origin: usize, owner: Owner) -> Self {
        Self(Arc::new(Memory::new(start, size, origin, owner)))
    }

    /// Returns the elements, once no read and no other handle holds the memory.
    ///
    /// # Errors
    /// The handle itself if other handles exist, if the memory was not allocated by
    /// [`Self::zeroed`] for `len` elements of `T`, or if a read left bytes in the memory that are
    /// not valid for `T`.
    pub fn into_vec<T: Element>(self, len: usize) -> Result<Vec<T>, Self> {
        let mut memory = Arc::try_unwrap(self.0).map_err(Self)?;
        match (&memory.owner, Layout::array::<T>(len)) {
            (Owner::Allocated(layout), Ok(wanted)) if *layout == wanted => {}
            _ => return Err(Self(Arc::new(memory))),
        }
        // SAFETY: allocated with this size and zeroed; this is the only handle, so nothing else
        // writes to the memory.
        let bytes = unsafe { std::slice::from_raw_parts(memory.start.as_ptr(), memory.size) };
        if !T::are_elements(bytes) {
            return Err(Self(Arc::new(memory)));
        }
        memory.owner = Owner::Caller;
        // SAFETY: allocated with the layout of `len` elements of `T`, all checked above to be
        // valid, and no longer freed by `memory`.
        Ok(unsafe { Vec::from_raw_parts(memory.start.as_ptr().cast(), len, len) })
    }

    /// Wraps a caller's buffer of `size` bytes at `start`. The element at index 0 of all dimensions
    /// lies `origin` bytes from `start`.
    ///
    /// # Safety
    /// The memory is initialised, and it is valid memory for the elements of every array that is
    /// read into it. Until the last clone of the handle is dropped, the memory stays valid and
    /// nothing else uses it.
    #[must_use]
    pub unsafe fn borrowed(start: NonNull<u8>, size: usize, origin: usize) -> Self {
        Self::new(start, size, origin, Owner::Caller)
    }

    /// Wraps a buffer like [`Self::borrowed`], kept alive by `owner`; dropping the last handle
    /// drops the owner.
    ///
    /// # Safety
    /// The memory is valid memory for the elements of every array that is read into it. While
    /// `owner` lives, the memory is initialised and nothing else uses it.
    #[must_use]
    pub unsafe fn owned(
        owner: Box<dyn Send + Sync>,
        start: NonNull<u8>,
        size: usize,
        origin: usize,
    ) -> Self {
        Self::new(start, size, origin, Owner::Value(owner))
    }

    /// Takes the memory for one read, until the lease is dropped.
    ///
    /// # Errors
    /// [`Error::OutputInUse`] if another read holds the memory.
    pub(crate) fn lease(&self) -> Result<OutputLease> {
        if self.0.leased.swap(true, Ordering::Acquire) {
            return Err(Error::OutputInUse);
        }
        let used = self.0.used.swap(true, Ordering::Relaxed);
        let fresh = !used && matches!(self.0.owner, Owner::Allocated(_));
        Ok(OutputLease {
            memory: self.0.clone(),
            fresh: AtomicBool::new(fresh),
        })
    }

    /// The number of handles, including this one. Everything done through dropped handles happens
    /// before this call returns.
    #[must_use]
    pub fn handles(&self) -> usize {
        let handles = Arc::strong_count(&self.0);
        fence(Ordering::Acquire);
        handles
    }
}

impl OutputLease {
    /// Whether elements that no job has written are still zero. If so, fill values of zero need not
    /// be written.
    pub(crate) fn is_fresh(&self) -> bool {
        self.fresh.load(Ordering::Relaxed)
    }

    /// Makes jobs write all fill values from now on, because an object is read again.
    pub(crate) fn restart(&self) {
        self.fresh.store(false, Ordering::Relaxed);
    }

    pub(crate) fn span(&self) -> Span {
        self.memory.span()
    }
}

impl Drop for OutputLease {
    fn drop(&mut self) {
        self.memory.leased.store(false, Ordering::Release);
    }
}

impl Input {
    fn new(start: NonNull<u8>, size: usize, origin: usize, owner: Owner) -> Self {
        Self {
            memory: Arc::new(Memory::new(start, size, origin, owner)),
            variable: None,
        }
    }

    /// Wraps variable-size elements: element `i` is `bytes[offsets[i]..offsets[i + 1]]`. The buffer
    /// holds their numbers, 8 bytes each.
    #[must_use]
    pub fn variable(offsets: Vec<usize>, bytes: Vec<u8>) -> Self {
        let numbers = (0..offsets.len().saturating_sub(1) as u64).collect::<Vec<_>>();
        let variable = Some(Arc::new(VariableElements { offsets, bytes }));
        Self {
            variable,
            ..Self::from_vec(numbers, 0)
        }
    }

    /// The variable-size elements, if any.
    pub(crate) fn elements(&self) -> Option<&VariableElements> {
        self.variable.as_deref()
    }

    /// Wraps a vector, which the handle keeps. The element at index 0 of all dimensions is element
    /// `origin`.
    #[must_use]
    pub fn from_vec<T: Element>(elements: Vec<T>, origin: usize) -> Self {
        let size = size_of_val(elements.as_slice());
        let start = NonNull::new(elements.as_ptr().cast_mut().cast())
            .expect("a vector's pointer is never null");
        let owner = Owner::Value(Box::new(elements));
        Self::new(start, size, origin * size_of::<T>(), owner)
    }

    /// Wraps a caller's buffer of `size` bytes at `start`. The element at index 0 of all dimensions
    /// lies `origin` bytes from `start`.
    ///
    /// # Safety
    /// The memory is initialised. Until the last clone of the handle is dropped, the memory stays
    /// valid and unchanged.
    #[must_use]
    pub unsafe fn borrowed(start: NonNull<u8>, size: usize, origin: usize) -> Self {
        Self::new(start, size, origin, Owner::Caller)
    }

    /// Wraps a buffer like [`Self::borrowed`], kept alive by `owner`; dropping the last handle
    /// drops the owner.
    ///
    /// # Safety
    /// While `owner` lives, the memory is initialised and unchanged.
    #[must_use]
    pub unsafe fn owned(
        owner: Box<dyn Send + Sync>,
        start: NonNull<u8>,
        size: usize,
        origin: usize,
    ) -> Self {
        Self::new(start, size, origin, Owner::Value(owner))
    }

    /// The number of handles, including this one. Everything done through dropped handles happens
    /// before this call returns.
    #[must_use]
    pub fn handles(&self) -> usize {
        let handles = Arc::strong_count(&self.memory);
        fence(Ordering::Acquire);
        handles
    }

    pub(crate) fn span(&self) -> Span {
        self.memory.span()
    }
}

impl Memory {
    fn new(start: NonNull<u8>, size: usize, origin: usize, owner: Owner) -> Self {
        Self {
            start,
            size,
            origin,
            owner,
            leased: AtomicBool::new(false),
            used: AtomicBool::new(false),
        }
    }

    fn span(&self) -> Span {
        Span {
            start: self.start,
            size: self.size,
            origin: self.origin,
        }
    }
}

/// The location of a buffer; valid as long as the handle it came from.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: NonNull<u8>,
    pub(crate) size: usize,
    pub(crate) origin: usize,
}

impl Span {
    /// Returns the location of a buffer of `size` bytes whose first element is at `start`.
    pub(crate) fn new(start: NonNull<u8>, size: usize) -> Self {
        Self {
            start,
            size,
            origin: 0,
        }
    }
}

/// Requests huge pages for every full huge page inside a large allocation: page faults for a fresh
/// 256 MiB in small pages cost 100 ms.
pub(crate) fn advise_huge_pages(start: NonNull<u8>, size: usize) {
    #[cfg(target_os = "linux")]
    if size >= HUGE {
        const PAGE: usize = 2 << 20;
        let first = start.addr().get().next_multiple_of(PAGE);
        let end = (start.addr().get() + size) & !(PAGE - 1);
        if end > first {
            // SAFETY: the range lies within one of our allocations, and the advice leaves its
            // contents unchanged.
            unsafe {
                libc::madvise(
                    start.as_ptr().with_addr(first).cast(),
                    end - first,
                    libc::MADV_HUGEPAGE,
                )
            };
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (start, size);
}
