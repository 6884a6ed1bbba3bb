//! The requests with which a service makes a new object from bytes of the old one and new bytes.
//! Each cloud implements them in `cloud/*_uploads.rs`.

use std::ops::Range;
use std::time::SystemTime;

use async_trait::async_trait;
use object_store::multipart::PartId;
use object_store::path::Path;
use object_store::{PutPayload, PutResult, Result, UpdateVersion};

use crate::version::Version;

/// The uploads of a service.
#[async_trait]
pub(crate) trait Uploads: Send + Sync {
    fn way(&self) -> Way;

    /// Starts an upload of an object.
    async fn start(&self, path: &Path) -> Result<Upload>;

    /// Copies a range of the object, if the object is this version, into a part of the upload.
    async fn copy(
        &self,
        upload: &Upload,
        number: usize,
        range: Range<u64>,
        version: &UpdateVersion,
    ) -> Result<PartId>;

    /// Sends a part.
    async fn put(&self, upload: &Upload, number: usize, payload: PutPayload) -> Result<PartId>;

    /// Replaces the object by the parts, if the object is this version.
    async fn complete(
        &self,
        upload: &Upload,
        parts: &[PartId],
        version: &UpdateVersion,
    ) -> Result<PutResult>;

    /// The service, and the bucket in it, if the service copies objects from bucket to bucket.
    fn bucket(&self) -> Option<(&str, &str)> {
        None
    }

    /// Copies an object of another bucket of the service.
    async fn copy_object(&self, _bucket: &str, _from: &Path, _to: &Path) -> Result<()> {
        Err(object_store::Error::NotImplemented {
            operation: "copy from another bucket".to_owned(),
            implementer: "the store".to_owned(),
        })
    }

    /// Lists the uploads in progress below a prefix, with their start times; none if the service
    /// keeps no uploads, or does not list them.
    async fn under_way(&self, _prefix: &str) -> Result<Vec<(Upload, SystemTime)>> {
        Ok(Vec::new())
    }

    /// Removes what an upload occupies.
    async fn abort(&self, upload: &Upload) -> Result<()>;
}

/// An upload that was started.
#[derive(Clone, Debug)]
pub(crate) struct Upload {
    /// The object to be replaced.
    pub(crate) path: Path,
    #[cfg_attr(
        not(any(feature = "s3", feature = "gcs", feature = "azure")),
        expect(dead_code, reason = "only clouds have uploads")
    )]
    pub(crate) id: String,
}

/// The ways in which services make objects of others.
#[cfg_attr(
    not(any(feature = "azure", all(test, feature = "s3"))),
    expect(dead_code, reason = "only Azure has blocks")
)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// S3: parts of an upload, all but the last of at least 5 MiB.
    Multipart,
    /// Azure: blocks of the object. Nothing is started, and the service drops blocks that no list
    /// names.
    Blocks,
    /// Google Cloud Storage: the whole old object, followed by a temporary object. Nothing is
    /// started or copied before the completion, which leaves the temporary object.
    Compose,
}

impl Way {
    /// The fewest bytes of the old object that can stay.
    pub(super) fn least(self) -> u64 {
        match self {
            Self::Multipart => 5 << 20,
            Self::Blocks | Self::Compose => 1,
        }
    }

    /// The most bytes that one request copies.
    pub(super) fn most(self) -> u64 {
        match self {
            Self::Multipart | Self::Blocks => 1 << 30,
            Self::Compose => u64::MAX,
        }
    }

    /// Whether the start of an upload is a request.
    pub(super) fn starts(self) -> bool {
        self == Self::Multipart
    }

    /// Whether a copy is a request.
    pub(super) fn copies(self) -> bool {
        self != Self::Compose
    }

    /// Whether an upload leaves something to be removed: before and after its completion.
    pub(super) fn leaves(self, completed: bool) -> bool {
        match self {
            Self::Multipart => !completed,
            Self::Blocks => false,
            Self::Compose => true,
        }
    }

    /// Returns the condition that requests put on a version, if it can be one.
    pub(super) fn condition(self, version: &Version) -> Option<UpdateVersion> {
        let condition = version.to_update()?;
        let known = match self {
            Self::Multipart | Self::Blocks => version.if_match().is_some(),
            Self::Compose => condition.version.is_some(),
        };
        known.then_some(condition)
    }
}
