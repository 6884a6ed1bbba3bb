//! Appends in flight, as a member of the document that readers ignore: the end of the reserved
//! indices, and the ranges that are stored but follow a range that is not.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zarr_core::metadata::ArrayMetadata;

use super::Array;
use crate::error::{Error, Result};

/// The name of the member.
const NAME: &str = "zarr_engine.appends";

/// Appends in flight.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Appends {
    pub(super) must_understand: bool,
    pub(super) axis: usize,
    /// The end of the reserved indices.
    pub(super) end: u64,
    /// The ends of stored ranges by their starts.
    pub(super) stored: BTreeMap<u64, u64>,
}

impl Appends {
    /// Returns the appends in flight; `None` if there are none.
    pub(super) fn of(metadata: &ArrayMetadata) -> Result<Option<Self>> {
        let member = metadata.members().get(NAME);
        let parsed = member.map(|member| serde_json::from_str(member.get()));
        let parsed = parsed.transpose().map_err(zarr_core::Error::from);
        Ok(parsed.map_err(|error| error.member(NAME))?)
    }

    /// Returns metadata with these appends, or with none.
    pub(super) fn set(appends: Option<&Self>, metadata: ArrayMetadata) -> Result<ArrayMetadata> {
        Ok(metadata.with_ignorable(NAME, appends)?)
    }

    /// Returns metadata without the appends in flight that a handle knows.
    pub(super) fn discard(seen: &Array, stored: ArrayMetadata) -> Result<ArrayMetadata> {
        if Self::of(&stored)? != Self::of(&seen.metadata)? {
            let path = seen.path.clone();
            return Err(Error::StaleHandle { path });
        }
        Self::set(None, stored)
    }

    /// Refuses a change that would reveal or overwrite elements of appends in flight.
    pub(super) fn refuse(metadata: &ArrayMetadata) -> Result<()> {
        let Some(appends) = Self::of(metadata)? else {
            return Ok(());
        };
        let found = format!("appends in flight, up to index {}", appends.end);
        let expected = "an array without them: publish appends here too, or resize the array";
        Err(zarr_core::Error::invalid(found, expected).into())
    }
}
