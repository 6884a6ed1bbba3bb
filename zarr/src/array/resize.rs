//! Another shape for an array.

use zarr_core::{ArrayLayout, Input, Selection};

use super::{Array, InputLayout};
use crate::error::Result;

impl Array {
    /// Gives the array another shape of the same rank. What is new has the fill value; what is cut off is lost: chunks outside
    /// are deleted, and what chunks at the edge hold beyond it is overwritten with the fill value, so that it does not come
    /// back when the array grows again. The document is written last.
    ///
    /// # Errors
    /// Where the shape is not allowed or the store fails; the array then has its old shape, and elements to be cut off may be
    /// lost already.
    pub async fn resize(&mut self, shape: &[u64]) -> Result<()> {
        let registry = self.hierarchy.registry();
        let resized = self.metadata.clone().with_shape(shape);
        let resized = resized.and_then(|metadata| ArrayLayout::bind(&metadata, registry));
        resized.map_err(|error| error.key(&self.path.metadata_key()))?;
        self.check_own_metadata().await?;
        let mut kept = self.shape().to_vec();
        for axis in 0..shape.len() {
            if shape[axis] < kept[axis] {
                let mut ranges = kept.iter().map(|&len| 0..len).collect::<Vec<_>>();
                ranges[axis] = shape[axis]..kept[axis];
                self.clear(&Selection::ranges(&ranges)?).await?;
                kept[axis] = shape[axis];
            }
        }
        self.update(|array| Ok(array.with_shape(shape)?)).await
    }

    /// Writes the fill value.
    async fn clear(&self, selection: &Selection) -> Result<()> {
        let resolved = self.resolve(selection)?;
        let fill = self.fill_value().bytes().to_vec();
        let input = match self.data_type().fixed_size() {
            Some(_) => Input::from_vec(fill, 0),
            None => Input::variable(vec![0, fill.len()], fill),
        };
        let strides = vec![0; resolved.shape().len()];
        self.write_input(&resolved, InputLayout { input, strides })
            .await
    }
}
