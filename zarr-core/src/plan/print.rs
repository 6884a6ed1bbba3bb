//! Plans explain themselves before any I/O: objects, requests, bytes.

use std::fmt;

use super::{ObjectWrite, ReadPlan, WriteAction, WritePlan};
use crate::layout::ArrayLayout;
use crate::plan::Purpose;
use crate::plan::part::{ChunkPart, ReadOptions};

/// The most objects that are listed one by one; further objects are only counted.
const LISTED: usize = 8;

/// The most objects that are counted one by one; the cost of further objects is estimated, so that
/// any plan prints immediately.
const COUNTED: usize = 1 << 14;

/// The number of objects for each action of a write.
struct Actions {
    replaced: u64,
    modified: u64,
}

impl Actions {
    fn requests(&self) -> u64 {
        self.replaced
            .saturating_add(self.modified.saturating_mul(2))
    }
}

impl WritePlan {
    /// The number of requests: one for each replaced object, and two for each object merged with
    /// its stored state. An estimate for more than 16,384 objects.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.actions().requests()
    }

    /// The size of the written elements before compression, in bytes; 0 for strings and byte
    /// strings.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let item = self.layout.codecs().decoded().item_size() as u64;
        self.touched.len().saturating_mul(item)
    }

    fn actions(&self) -> Actions {
        let (mut replaced, mut modified) = (0_u64, 0_u64);
        for object in self.objects().take(COUNTED) {
            match object.action() {
                WriteAction::Replace => replaced += 1,
                WriteAction::Modify => modified += 1,
            }
        }
        let len = self.len();
        Actions {
            replaced: of_all(replaced, len),
            modified: of_all(modified, len),
        }
    }
}

/// Extrapolates a count of the first objects to all objects.
fn of_all(counted: u64, objects: u64) -> u64 {
    if objects <= COUNTED as u64 {
        return counted;
    }
    let all = u128::from(counted) * u128::from(objects) / COUNTED as u128;
    u64::try_from(all).unwrap_or(u64::MAX)
}

impl fmt::Display for ReadPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let wanted = self.touched.len();
        let item = self.layout.codecs().decoded().item_size() as u64;
        writeln!(
            f,
            "read {} of {}",
            elements(wanted, item),
            Described(&self.layout, self.touched.prefix())
        )?;
        for object in self.touched.parts(&self.layout).take(LISTED) {
            writeln!(
                f,
                "  {}: {}",
                object.key,
                explain(&object.part, self.options)
            )?;
        }
        let rest = self.objects().saturating_sub(LISTED as u64);
        if rest > 0 {
            writeln!(f, "  and {rest} more objects")?;
        }
        let cost = self.cost();
        let about = if cost.objects > COUNTED as u64 {
            "about "
        } else {
            ""
        };
        write!(
            f,
            "{} objects, {about}{} requests",
            cost.objects, cost.requests
        )?;
        if cost.inner > 0 {
            write!(
                f,
                " or more (indexes first, then {} inner chunks in merged ranges)",
                cost.inner
            )?;
        }
        let decoded = cost.decoded.saturating_mul(item);
        write!(
            f,
            ", {about}{decoded} bytes decoded for {} wanted",
            wanted.saturating_mul(item)
        )
    }
}

impl fmt::Display for WritePlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = self.layout.codecs().decoded().item_size() as u64;
        writeln!(
            f,
            "write {} of {}",
            elements(self.touched.len(), item),
            Described(&self.layout, self.touched.prefix())
        )?;
        for object in self.objects().take(LISTED) {
            writeln!(f, "  {}: {}", object.key(), object.explain(self.patch_from))?;
        }
        let len = self.len();
        let rest = len.saturating_sub(LISTED as u64);
        if rest > 0 {
            writeln!(f, "  and {rest} more objects")?;
        }
        let about = if len > COUNTED as u64 { "about " } else { "" };
        let actions = self.actions();
        write!(
            f,
            "{about}{} objects replaced, {} modified, {} requests",
            actions.replaced,
            actions.modified,
            actions.requests()
        )
    }
}

/// An array, described in one line.
struct Described<'a>(&'a ArrayLayout, &'a str);

impl fmt::Display for Described<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(layout, prefix) = self;
        write!(
            f,
            "/{} ({} {:?}, ",
            prefix.trim_end_matches('/'),
            layout.data_type(),
            layout.shape()
        )?;
        match layout.inner_chunk_shape() {
            Some(inner) => write!(
                f,
                "shards {:?} of inner chunks {inner:?})",
                layout.chunk_shape()
            ),
            None => write!(f, "chunks {:?})", layout.chunk_shape()),
        }
    }
}

fn elements(len: u64, item_size: u64) -> String {
    format!("{len} elements ({} bytes)", len.saturating_mul(item_size))
}

/// The cost of a read, as far as it is known before any I/O. The numbers are estimates for more
/// than 16,384 objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadCost {
    /// The number of touched objects.
    pub objects: u64,
    /// The fewest requests; merged ranges of inner chunks may add some.
    pub requests: u64,
    /// The number of inner chunks fetched after an index.
    pub inner: u64,
    /// The number of wanted elements.
    pub wanted: u64,
    /// The number of decoded elements.
    pub decoded: u64,
}

impl ReadPlan {
    /// The least number of requests: one for each object, and one more if the index of a shard is
    /// read first. Inner chunks that are read alone are merged into ranges, which only the store
    /// can count. An estimate for more than 16,384 objects.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.cost().requests
    }

    /// The size of the wanted elements before compression, in bytes; 0 for strings and byte
    /// strings.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let item = self.layout.codecs().decoded().item_size() as u64;
        self.touched.len().saturating_mul(item)
    }

    /// The cost of the read.
    #[must_use]
    pub fn cost(&self) -> ReadCost {
        let mut cost = ReadCost {
            wanted: self.touched.len(),
            objects: self.objects(),
            requests: 0,
            inner: 0,
            decoded: 0,
        };
        for object in self.touched.parts(&self.layout).take(COUNTED) {
            let part = &object.part;
            cost.decoded = cost.decoded.saturating_add(part.decoded_len());
            cost.requests += 1;
            if Purpose::first(part, self.options) == Purpose::Index {
                cost.requests += 1;
                let (inner, _) = part.touched().unwrap_or_default();
                cost.inner = cost.inner.saturating_add(inner);
            }
        }
        let all = cost.objects;
        for counted in [&mut cost.requests, &mut cost.inner, &mut cost.decoded] {
            *counted = of_all(*counted, all);
        }
        cost
    }
}

fn explain(part: &ChunkPart, options: ReadOptions) -> String {
    let Some((sharding, (touched, all))) = part.chain.sharding().zip(part.touched()) else {
        return "get all, 1 chunk".to_owned();
    };
    let cells = part.bounds().map(|bounds| {
        let bounds = bounds
            .iter()
            .map(|(low, high)| format!("{low}..{}", high + 1));
        format!(" [{}]", bounds.collect::<Vec<_>>().join(", "))
    });
    let touched = format!(
        "{touched} of {all} inner chunks{}",
        cells.unwrap_or_default()
    );
    match Purpose::first(part, options) {
        Purpose::Index => format!("get index ({}), then {touched}", sharding.index_range()),
        _ => format!("get all, {touched}"),
    }
}

impl ObjectWrite {
    /// Describes the write to the object, in a store that patches objects of at least `patch_from`
    /// bytes.
    fn explain(&self, patch_from: u64) -> String {
        let verb = match self.action() {
            WriteAction::Replace => "put",
            WriteAction::Modify => "get, merge, put if unchanged",
        };
        let Some((touched, all)) = self.part().touched() else {
            return format!("{verb}, 1 chunk");
        };
        let explained = format!("{verb}, {touched} of {all} inner chunks");
        let may = self.action() == WriteAction::Modify && self.is_patchable();
        if !may || self.max_size() < patch_from {
            return explained;
        }
        format!(
            "{explained}; from {patch_from} bytes on: append if unchanged, at most {} bytes sent, {} copied in the store",
            self.max_patch_size(),
            self.max_size()
        )
    }
}
