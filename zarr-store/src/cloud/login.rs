//! The configuration keys of the clouds that have a meaning here.

/// The configuration keys of one cloud.
pub(super) trait Login: Sized + 'static {
    /// The keys that replace the machine's account as the source of credentials.
    const LOGINS: &'static [Self];
    /// The keys that direct requests to a server other than the cloud's own.
    const ENDPOINTS: &'static [Self];
    /// The keys that turn off the signing of requests.
    const UNSIGNED: &'static [Self];
}

#[cfg(feature = "s3")]
impl Login for object_store::aws::AmazonS3ConfigKey {
    const LOGINS: &'static [Self] = &[
        Self::AccessKeyId,
        Self::WebIdentityTokenFile,
        Self::ContainerCredentialsRelativeUri,
        Self::ContainerCredentialsFullUri,
        Self::SkipSignature,
    ];
    const ENDPOINTS: &'static [Self] = &[Self::S3Endpoint, Self::Endpoint];
    const UNSIGNED: &'static [Self] = &[Self::SkipSignature];
}

#[cfg(feature = "gcs")]
impl Login for object_store::gcp::GoogleConfigKey {
    const LOGINS: &'static [Self] = &[
        Self::ServiceAccount,
        Self::ServiceAccountKey,
        Self::ApplicationCredentials,
        Self::BearerToken,
        Self::SkipSignature,
    ];
    const ENDPOINTS: &'static [Self] = &[Self::BaseUrl];
    const UNSIGNED: &'static [Self] = &[Self::SkipSignature];
}

#[cfg(feature = "azure")]
impl Login for object_store::azure::AzureConfigKey {
    const LOGINS: &'static [Self] = &[
        Self::AccessKey,
        Self::SasKey,
        Self::Token,
        Self::ClientSecret,
        Self::FederatedTokenFile,
        Self::UseAzureCli,
        Self::SkipSignature,
    ];
    const ENDPOINTS: &'static [Self] = &[Self::Endpoint];
    const UNSIGNED: &'static [Self] = &[Self::SkipSignature];
}
