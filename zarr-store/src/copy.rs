//! Copies and moves of objects within a store.

use crate::Store;
use crate::byte_range::ByteRange;
use crate::error::{Error, Result};
use crate::store::Backend;
use crate::version::Precondition;

impl Store {
    /// Copies an object to another key and replaces the object there. Without a precondition on the
    /// object at `to`, backends that can copy do so themselves, and no bytes pass through this
    /// process: clouds, memory and WebDAV, unless the store sets attributes such as `storage_class`
    /// on its objects. Otherwise the object is read and put.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> zarr_store::Result<()> {
    /// use zarr_store::{Precondition, Store};
    ///
    /// let store = Store::open("memory:")?;
    /// store.put("a", vec!["x".into()], Precondition::None).await?;
    /// store.copy("a", "b", Precondition::IfAbsent).await?;
    /// assert_eq!(store.size("b").await?, Some(1));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// [`NotFound`](Error::NotFound) if there is no object at `from`; otherwise see
    /// [`get`](Self::get) and [`put`](Self::put).
    pub async fn copy(&self, from: &str, to: &str, precondition: Precondition) -> Result<()> {
        self.context().check_write(to, "copy")?;
        self.context().check_key(from)?;
        self.context().check_key(to)?;
        if from == to {
            let found = self.head(from).await?;
            return match (found, precondition) {
                (None, _) => Err(self.not_found(from)),
                (Some(_), Precondition::None) => Ok(()),
                (Some(info), Precondition::IfVersion(version)) if info.version == version => Ok(()),
                (Some(_), _) => Err(Error::Conflict {
                    place: self.context().place(to),
                    reason: "source and destination are one object",
                }),
            };
        }
        if precondition == Precondition::None
            && let Backend::Object(object) = &self.inner.backend
            && object
                .copy(self.context(), from, (object, self.context()), to)
                .await?
        {
            return Ok(());
        }
        let body = self.get(from, &ByteRange::All, None).await?;
        let body = body.ok_or_else(|| self.not_found(from))?;
        self.put(to, vec![body.bytes], precondition).await?;
        Ok(())
    }

    /// Copies an object to a key of another store, if the backend can: within a bucket that was
    /// opened once and divided by [`with_prefix`](Self::with_prefix), and between buckets of one
    /// S3 service and region. The backend copies, and replaces the object there. Returns false, and
    /// copies nothing, for other stores, and if the credentials of the target may not read the
    /// object.
    ///
    /// # Errors
    ///
    /// Those of [`copy`](Self::copy).
    pub async fn copy_to(&self, from: &str, target: &Self, to: &str) -> Result<bool> {
        target.context().check_write(to, "copy")?;
        self.context().check_key(from)?;
        target.context().check_key(to)?;
        match (&self.inner.backend, &target.inner.backend) {
            (Backend::Object(object), Backend::Object(other)) => {
                let target = (other, target.context());
                object.copy(self.context(), from, target, to).await
            }
            _ => Ok(false),
        }
    }

    /// Moves an object to another key: a [`copy`](Self::copy), then a [`delete`](Self::delete) of
    /// the old object. Not atomic: other clients may see both objects, and an object that they put
    /// at `from` in between is deleted.
    ///
    /// # Errors
    ///
    /// See [`copy`](Self::copy) and [`delete`](Self::delete).
    pub async fn rename(&self, from: &str, to: &str, precondition: Precondition) -> Result<()> {
        self.copy(from, to, precondition).await?;
        if from == to {
            return Ok(());
        }
        self.delete(from).await
    }

    fn not_found(&self, key: &str) -> Error {
        Error::NotFound {
            place: self.context().place(key),
        }
    }
}
