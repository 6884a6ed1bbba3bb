//! Reads numbers and pieces from the bytes of an input; bytes missing at the end read as zero.

/// The unread part of an input.
pub(crate) struct Source<'a>(pub(crate) &'a [u8]);

impl<'a> Source<'a> {
    /// Takes at most `len` bytes.
    pub(crate) fn take(&mut self, len: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        head
    }

    fn array<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let taken = self.take(N);
        bytes[..taken.len()].copy_from_slice(taken);
        bytes
    }

    pub(crate) fn u8(&mut self) -> u8 {
        u8::from_le_bytes(self.array())
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.array())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.array())
    }

    pub(crate) fn bool(&mut self) -> bool {
        self.u8() & 1 == 1
    }

    /// Takes a number below `end`, which is at most 256.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::from(self.u8()) % end.max(1)
    }

    /// Takes a length: mostly small, sometimes arbitrary, sometimes at the edge of a type.
    pub(crate) fn length(&mut self) -> u64 {
        let kind = self.u8();
        match kind % 8 {
            0..5 => u64::from(kind / 8),
            5 => u64::from(self.u16()),
            6 => self.u64(),
            _ => {
                const EDGES: [u64; 4] = [1 << 31, 1 << 32, 1 << 63, u64::MAX];
                let edge = EDGES[usize::from(kind / 8) % 4];
                edge.wrapping_add(u64::from(self.u8())).wrapping_sub(128)
            }
        }
    }

    /// Takes a piece that is preceded by its length.
    pub(crate) fn piece(&mut self) -> &'a [u8] {
        let len = self.u16();
        self.take(len.into())
    }
}
