//! The memory that reads fill and writes take: owned by an `Arc`, because jobs may outlive the call that made them.
//!
//! With `copy` this is the unsafe room of the crate: everything else goes through offsets that are checked here.

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{Ordering, fence};

use crate::data_type::Element;
use crate::error::{Error, Result};

/// Allocations of at least this many bytes ask the kernel for huge pages.
const HUGE: usize = 4 << 20;

/// Memory that decode jobs write to, each to its own elements.
#[derive(Clone, Debug)]
pub struct Output(Arc<Memory>);

/// Memory that encode jobs read from.
#[derive(Clone, Debug)]
pub struct Input {
    memory: Arc<Memory>,
    /// Elements of any size, which the memory then numbers.
    variable: Option<Arc<VariableElements>>,
}

/// Elements of any size, one after the other.
#[derive(Debug)]
pub(crate) struct VariableElements {
    offsets: Vec<usize>,
    bytes: Vec<u8>,
}

impl VariableElements {
    /// Element `number`; none where there is no such element.
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
    /// The offset of the element at index 0 of all dimensions: not 0 where strides are negative.
    origin: usize,
    owner: Owner,
}

enum Owner {
    /// Allocated here, all zero, with this layout.
    Allocated(Layout),
    /// Kept alive by a value.
    Value(#[expect(dead_code, reason = "held for its drop")] Box<dyn Send + Sync>),
    /// The caller promised that it lives.
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

// SAFETY: the pointer is to memory that the owner keeps; it is only written through `copy`, by jobs that have disjoint elements.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Owner::Allocated(layout) = self.owner
            && layout.size() > 0
        {
            // SAFETY: allocated in `Output::zeroed` with this layout, and not given away (`into_vec` changes the owner).
            unsafe { dealloc(self.start.as_ptr(), layout) }
        }
    }
}

impl Output {
    /// Memory for `len` elements, all bits zero.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where there is not that much memory.
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
        Ok(Self(Arc::new(Memory {
            start,
            size: layout.size(),
            origin: 0,
            owner: Owner::Allocated(layout),
        })))
    }

    /// The elements, once no job has a copy of this handle any more.
    ///
    /// # Errors
    /// The handle itself where others are left, or where the memory was not made by [`Self::zeroed`] for this many elements.
    pub fn into_vec<T: Element>(self, len: usize) -> Result<Vec<T>, Self> {
        let mut memory = Arc::try_unwrap(self.0).map_err(Self)?;
        match (&memory.owner, Layout::array::<T>(len)) {
            (Owner::Allocated(layout), Ok(wanted)) if *layout == wanted => {}
            _ => return Err(Self(Arc::new(memory))),
        }
        memory.owner = Owner::Caller;
        // SAFETY: allocated with the layout of `len` elements of T, all initialised (zeroed, then perhaps decoded into, and the
        // decoders only write what T can be), and no longer freed by `memory`.
        Ok(unsafe { Vec::from_raw_parts(memory.start.as_ptr().cast(), len, len) })
    }

    /// A caller's buffer of `size` bytes at `start`, whose element at index 0 of all dimensions is `origin` bytes on.
    ///
    /// # Safety
    /// The memory is initialised, and until the last copy of the handle is dropped it lives and is used by nobody else.
    #[must_use]
    pub unsafe fn borrowed(start: NonNull<u8>, size: usize, origin: usize) -> Self {
        Self(Arc::new(Memory {
            start,
            size,
            origin,
            owner: Owner::Caller,
        }))
    }

    /// The same of memory that is kept alive by `owner`, which the last handle drops.
    ///
    /// # Safety
    /// While `owner` lives, the memory is initialised and nobody else uses it.
    #[must_use]
    pub unsafe fn owned(
        owner: Box<dyn Send + Sync>,
        start: NonNull<u8>,
        size: usize,
        origin: usize,
    ) -> Self {
        Self(Arc::new(Memory {
            start,
            size,
            origin,
            owner: Owner::Value(owner),
        }))
    }

    /// Whether all bytes were zero when the memory was made: fill values of zero need not be written.
    pub(crate) fn is_zeroed(&self) -> bool {
        matches!(self.0.owner, Owner::Allocated(_))
    }

    /// The number of handles, this one included. What was done through handles that are gone has happened before.
    #[must_use]
    pub fn handles(&self) -> usize {
        let handles = Arc::strong_count(&self.0);
        fence(Ordering::Acquire);
        handles
    }

    pub(crate) fn region(&self) -> Region {
        self.0.region()
    }
}

impl Input {
    fn new(memory: Arc<Memory>) -> Self {
        Self {
            memory,
            variable: None,
        }
    }

    /// Elements of any size: element `i` is `bytes[offsets[i]..offsets[i + 1]]`. In the buffer they are numbered, 8 bytes each.
    #[must_use]
    pub fn variable(offsets: Vec<usize>, bytes: Vec<u8>) -> Self {
        let numbers = (0..offsets.len().saturating_sub(1) as u64).collect::<Vec<_>>();
        let variable = Some(Arc::new(VariableElements { offsets, bytes }));
        Self {
            variable,
            ..Self::from_vec(numbers, 0)
        }
    }

    /// The elements, where they are of any size.
    pub(crate) fn elements(&self) -> Option<&VariableElements> {
        self.variable.as_deref()
    }

    /// The elements of a vector, which the handle keeps; the one at index 0 of all dimensions is element `origin`.
    #[must_use]
    pub fn from_vec<T: Element>(elements: Vec<T>, origin: usize) -> Self {
        let size = size_of_val(elements.as_slice());
        let start = NonNull::new(elements.as_ptr().cast_mut().cast())
            .expect("a vector's pointer is never null");
        Self::new(Arc::new(Memory {
            start,
            size,
            origin: origin * size_of::<T>(),
            owner: Owner::Value(Box::new(elements)),
        }))
    }

    /// A caller's buffer of `size` bytes at `start`, whose element at index 0 of all dimensions is `origin` bytes on.
    ///
    /// # Safety
    /// The memory is initialised, and until the last copy of the handle is dropped it lives and is not changed.
    #[must_use]
    pub unsafe fn borrowed(start: NonNull<u8>, size: usize, origin: usize) -> Self {
        Self::new(Arc::new(Memory {
            start,
            size,
            origin,
            owner: Owner::Caller,
        }))
    }

    /// The same of memory that is kept alive by `owner`, which the last handle drops.
    ///
    /// # Safety
    /// While `owner` lives, the memory is initialised and not changed.
    #[must_use]
    pub unsafe fn owned(
        owner: Box<dyn Send + Sync>,
        start: NonNull<u8>,
        size: usize,
        origin: usize,
    ) -> Self {
        Self::new(Arc::new(Memory {
            start,
            size,
            origin,
            owner: Owner::Value(owner),
        }))
    }

    /// The number of handles, this one included. What was done through handles that are gone has happened before.
    #[must_use]
    pub fn handles(&self) -> usize {
        let handles = Arc::strong_count(&self.memory);
        fence(Ordering::Acquire);
        handles
    }

    pub(crate) fn region(&self) -> Region {
        self.memory.region()
    }
}

impl Memory {
    fn region(&self) -> Region {
        Region {
            start: self.start,
            size: self.size,
            origin: self.origin,
        }
    }
}

/// Where a buffer is; valid as long as the handle that it came from.
#[derive(Clone, Copy)]
pub(crate) struct Region {
    pub(crate) start: NonNull<u8>,
    pub(crate) size: usize,
    pub(crate) origin: usize,
}

/// Asks for huge pages in the whole ones inside an allocation: a fresh 256 MiB in small pages costs 100 ms of page faults.
fn advise_huge_pages(start: NonNull<u8>, size: usize) {
    #[cfg(target_os = "linux")]
    if size >= HUGE {
        const PAGE: usize = 2 << 20;
        let first = start.addr().get().next_multiple_of(PAGE);
        let end = (start.addr().get() + size) & !(PAGE - 1);
        if end > first {
            // SAFETY: the range lies within one allocation of ours, and the advice changes no contents.
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
