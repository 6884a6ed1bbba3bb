//! Appends that readers see whole: elements are stored first, and the length grows afterwards.

use std::collections::BTreeMap;
use std::ops::Range;

use zarr_core::metadata::ArrayMetadata;

use super::append::AxisName;
use super::appends::Appends;
use super::source::WriteData;
use super::{Array, same_layout};
use crate::error::{At, Error, Result};

impl Array {
    /// Appends data as [`append`](Self::append) does, but readers see all of it or nothing: the
    /// array grows after the elements are stored. Concurrent writers publish in the order of their
    /// indices, without waiting for each other: data becomes visible once all data before it is
    /// stored. Returns the range of the new elements.
    ///
    /// If a writer fails, nothing that was appended after it becomes visible.
    /// [`resize`](Self::resize) to the present shape discards what is not published.
    ///
    /// ```
    /// use zarr_engine::{ArrayBuilder, blocking};
    ///
    /// let hierarchy = blocking::open("memory:")?;
    /// let metadata = ArrayBuilder::new(&[0], "int32").with_chunk_shape(&[100]).build()?;
    /// let mut series = hierarchy.create_array("series", metadata)?;
    /// let (first, range) = series.reserve_ahead(0, 2)?;
    /// assert_eq!(series.append_published(0, &[3, 4])?, 2..4);
    /// assert_eq!(hierarchy.array("series")?.shape(), [0]);
    /// first.write(range.clone(), &[1, 2])?;
    /// series.publish(0, range)?;
    /// assert_eq!(series.read::<i32>(..)?.as_slice(), Some(&[1, 2, 3, 4][..]));
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`append`](Self::append), and
    /// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) in Zarr v2.
    pub async fn append_published<'a, W: WriteData<'a>>(
        &mut self,
        axis: impl AxisName,
        data: W,
    ) -> Result<Range<u64>> {
        let (axis, len, input) = self.block(&axis, data)?;
        let (ahead, range) = self.reserve_ahead(axis, len).await?;
        ahead.write_block(axis, &range, input).await?;
        self.publish(axis, range.clone()).await?;
        Ok(range)
    }

    /// Reserves `len` indices beyond the end of the array and of other reservations, without
    /// growing the array. Returns a handle that ends with them, for writing their elements, and
    /// their range, for [`publish`](Self::publish).
    ///
    /// # Errors
    /// The errors of [`reserve`](Self::reserve); [`ErrorKind::Invalid`](crate::ErrorKind::Invalid)
    /// in Zarr v2, and while appends along another dimension are in flight.
    pub async fn reserve_ahead(
        &mut self,
        axis: impl AxisName,
        len: u64,
    ) -> Result<(Self, Range<u64>)> {
        let axis = axis.position(&self.space()).at(&self.path)?;
        let change = |stored: ArrayMetadata, appends: Option<Appends>| {
            let mut appends = appends.unwrap_or(Appends {
                must_understand: false,
                axis,
                end: stored.shape()[axis],
                stored: BTreeMap::new(),
            });
            appends.end = appends.end.checked_add(len).ok_or_else(|| too_long(len))?;
            Ok((stored, Some(appends)))
        };
        let end = self.change_appends(axis, change).await?;
        let ahead = self.extended(axis, end).at(&self.path)?;
        Ok((ahead, end - len..end))
    }

    /// Returns a handle for elements beyond the end of the array.
    fn extended(&self, axis: usize, end: u64) -> Result<Self> {
        let mut shape = self.shape().to_vec();
        shape[axis] = end;
        let metadata = self.metadata.clone().with_shape(&shape)?;
        let extended = Self {
            options: self.options,
            ..Self::bind(self.hierarchy.clone(), self.path.clone(), metadata, None)?
        };
        extended.with_open_axes(self.open_axes())?.open_ended(axis)
    }

    /// Returns a handle for all elements up to the end of appends in flight.
    pub(super) fn with_appends(&self) -> Result<Self> {
        match Appends::of(&self.metadata)? {
            Some(appends) => self.extended(appends.axis, appends.end),
            None => Ok(self.clone()),
        }
    }

    /// Declares that the elements of a range of [`reserve_ahead`](Self::reserve_ahead) are stored.
    /// The array grows to the end of the stored elements that follow its present ones without a
    /// gap. May be repeated.
    ///
    /// # Errors
    /// [`Error::StaleHandle`] if the range is not reserved: a resize discarded it.
    pub async fn publish(&mut self, axis: impl AxisName, range: Range<u64>) -> Result<()> {
        let axis = axis.position(&self.space()).at(&self.path)?;
        let path = self.path.clone();
        let change = |stored: ArrayMetadata, appends: Option<Appends>| {
            let mut shape = stored.shape().to_vec();
            let is_reserved = |end: u64| shape[axis] <= range.start && range.end <= end;
            let Some(mut appends) = appends.filter(|appends| is_reserved(appends.end)) else {
                return match range.end <= shape[axis] {
                    true => Ok((stored, None)),
                    false => Err(Error::StaleHandle { path: path.clone() }),
                };
            };
            if !range.is_empty() {
                appends.stored.insert(range.start, range.end);
            }
            while let Some(end) = appends.stored.remove(&shape[axis]) {
                shape[axis] = end;
            }
            let is_done = shape[axis] == appends.end;
            Ok((stored.with_shape(&shape)?, (!is_done).then_some(appends)))
        };
        self.change_appends(axis, change).await.map(drop)
    }

    /// Changes the stored length and the appends in flight along a dimension; returns the end of
    /// the reserved indices.
    async fn change_appends(
        &mut self,
        axis: usize,
        change: impl Fn(ArrayMetadata, Option<Appends>) -> Result<(ArrayMetadata, Option<Appends>)>,
    ) -> Result<u64> {
        let seen = self.clone();
        let changed = |stored: ArrayMetadata| {
            let mut shape = seen.shape().to_vec();
            shape[axis] = stored.shape()[axis];
            if !same_layout(&stored, &seen.metadata.clone().with_shape(&shape)?) {
                let path = seen.path.clone();
                return Err(Error::StaleHandle { path });
            }
            let appends = Appends::of(&stored)?;
            if appends.as_ref().is_some_and(|appends| appends.axis != axis) {
                Appends::refuse(&stored)?;
            }
            let (changed, appends) = change(stored, appends)?;
            Appends::set(appends.as_ref(), changed)
        };
        self.update(changed).await?;
        let appends = Appends::of(&self.metadata)?;
        Ok(appends.map_or(self.shape()[axis], |appends| appends.end))
    }
}

fn too_long(len: u64) -> Error {
    let error = zarr_core::Error::TooLarge {
        what: "length of a dimension",
        wanted: format!("{len} more"),
        limit: u64::MAX,
    };
    error.into()
}
