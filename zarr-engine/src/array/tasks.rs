//! Reads and writes cut into tasks that never share a stored object.

use std::sync::Arc;

use zarr_core::ArrayLayout;
use zarr_core::plan::Tasks;

use super::Array;
use super::selection::Select;
use crate::error::{At, Result};

impl Array {
    /// Cuts a read along the chunks or shards of the array: one task for each, or at most `workers`
    /// tasks. Each task is a value for any pool, process or machine, which reads its
    /// [`selection`](zarr_core::plan::Task::selection). Nothing is read before.
    ///
    /// # Errors
    /// [`ErrorKind::Selection`](crate::ErrorKind::Selection) if the selection does not fit, or has
    /// lists of indices, points or new axes.
    pub fn read_tasks(&self, selection: impl Select, workers: Option<u64>) -> Result<Tasks> {
        let resolved = self.resolve(selection)?;
        let (layout, prefix) = (self.layout.clone(), self.prefix.clone());
        let tasks = Tasks::of_read(layout, prefix, &resolved, self.read_options, workers);
        tasks.at(&self.path)
    }

    /// Cuts a write along the chunks or shards of the array, as [`read_tasks`](Self::read_tasks)
    /// cuts a read. Tasks may run in any order, at once, and again after a failure: no two of them
    /// touch one object, and a task that runs again stores its elements again and keeps the others.
    ///
    /// ```
    /// use ndarray::{Array2, s};
    /// use zarr_engine::{ArrayBuilder, Task, blocking};
    ///
    /// let metadata = ArrayBuilder::new(&[96, 96], "int32").with_shard_shape(&[32, 32]).with_chunk_shape(&[8, 8]);
    /// let array = blocking::open("memory:")?.create_array("a", metadata.build()?)?;
    /// let data = Array2::<i32>::ones((80, 96));
    /// let tasks = array.write_tasks(s![10..90, ..], None)?;
    /// assert_eq!((tasks.len(), tasks.objects(), tasks.replaced()), (9, 9, 3));
    /// std::thread::scope(|scope| {
    ///     for task in tasks.iter() {
    ///         let text = serde_json::to_string(&task).expect("a task has text");
    ///         let (array, data) = (&array, &data);
    ///         scope.spawn(move || {
    ///             let task: Task = serde_json::from_str(&text).expect("the text of a task");
    ///             let [rows, columns] = &task.part[..] else { panic!("two dimensions") };
    ///             let at = |range: &std::ops::Range<u64>| range.start as usize..range.end as usize;
    ///             array.write(&task.selection, data.slice(s![at(rows), at(columns)])).expect("a write");
    ///         });
    ///     }
    /// });
    /// assert_eq!(array.read::<i32>(..)?.sum(), 80 * 96);
    /// # Ok::<(), zarr_engine::Error>(())
    /// ```
    ///
    /// # Errors
    /// The errors of [`read_tasks`](Self::read_tasks).
    pub fn write_tasks(&self, selection: impl Select, workers: Option<u64>) -> Result<Tasks> {
        let resolved = self.resolve(selection)?;
        let (layout, prefix) = (self.written_layout().clone(), self.prefix.clone());
        let tasks = Tasks::of_write(layout, prefix, &resolved, workers);
        tasks.at(&self.path)
    }

    /// Returns the layout of writes, whose last chunks are longer if others may be appending.
    pub(super) fn written_layout(&self) -> &Arc<ArrayLayout> {
        self.open.as_ref().map_or(&self.layout, |open| &open.layout)
    }
}
