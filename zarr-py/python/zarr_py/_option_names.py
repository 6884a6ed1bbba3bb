"""Names of store options, for type checkers and for hints in error messages.

The names are those of `object_store`, in all spellings. The engine decides which options are legal.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from os import PathLike
from typing import Any, Literal, TypedDict

__all__ = ["Aim", "BackendOptions", "CacheForm", "StoreOptions", "Strictness", "names", "takes_flags"]


Strictness = Literal["tolerant", "strict"]
"""Whether known deviations of other libraries from the specification are read (docs/tolerance.md).
"""


CacheForm = Literal["encoded", "decoded"]
"""The form of cached chunks: bytes as they are stored, or elements."""


Aim = Literal["time", "requests", "bytes"]
"""The quantity that reads of ranges from a remote store keep low: time, requests or bytes."""


Text = str | PathLike[str] | None
Flag = bool | str | None
Time = float | timedelta | str | None
"""A duration: a number of seconds, a `timedelta`, or a text with a unit."""
Number = int | str | None


class StoreArguments(TypedDict, total=False):
    """The arguments of `zarr_py.Store` apart from the options of the backend."""

    config: Mapping[str, Any] | None
    client_options: Mapping[str, Any] | None
    retry_config: Mapping[str, Any] | None
    credential_provider: Callable[[], Any] | None
    max_concurrency: int | None
    cache_bytes: int | None
    cache_form: CacheForm | None
    dead_space: int | None
    missing_on_forbidden: bool
    single_writer: bool
    pickle_secrets: bool
    strictness: Strictness


class RequestOptions(TypedDict, total=False):
    """Options of every remote store."""

    allow_http: Flag
    allow_invalid_certificates: Flag
    backoff_base: float | str | None
    cache_control: Text
    connect_timeout: Time
    content_disposition: Text
    content_language: Text
    content_type: Text
    default_content_type: Text
    default_headers: Mapping[str, str | bytes | int] | str | None
    disable_system_certificates: Flag
    http1_only: Flag
    http2_keep_alive_interval: Time
    http2_keep_alive_timeout: Time
    http2_keep_alive_while_idle: Flag
    http2_max_frame_size: Number
    http2_only: Flag
    init_backoff: Time
    max_backoff: Time
    max_retries: Number
    missing_on_403: Flag
    optimize_for: Aim | None
    pool_idle_timeout: Time
    pool_max_idle_per_host: Number
    proxy_ca_certificate: Text
    proxy_excludes: Text
    proxy_url: Text
    randomize_addresses: Flag
    read_timeout: Time
    retry_timeout: Time
    timeout: Time
    user_agent: Text


class BucketOptions(TypedDict, total=False):
    """Options for the objects that are written to buckets."""

    storage_class: Text


class S3Options(BucketOptions, total=False):
    """Options of `s3:`."""

    access_key_id: Text
    aws_access_key_id: Text
    aws_allow_http: Flag
    aws_bucket: Text
    aws_bucket_name: Text
    aws_checksum_algorithm: Text
    aws_conditional_put: Text
    aws_container_authorization_token_file: Text
    aws_container_credentials_full_uri: Text
    aws_container_credentials_relative_uri: Text
    aws_copy_if_not_exists: Text
    aws_default_region: Text
    aws_disable_bulk_delete: Flag
    aws_disable_tagging: Flag
    aws_endpoint: Text
    aws_endpoint_url: Text
    aws_endpoint_url_s3: Text
    aws_endpoint_url_sts: Text
    aws_imdsv1_fallback: Flag
    aws_metadata_endpoint: Text
    aws_region: Text
    aws_request_payer: Flag
    aws_role_arn: Text
    aws_role_session_name: Text
    aws_s3_express: Flag
    aws_secret_access_key: Text
    aws_server_side_encryption: Text
    aws_session_token: Text
    aws_skip_signature: Flag
    aws_sse_bucket_key_enabled: Flag
    aws_sse_customer_key_base64: Text
    aws_sse_kms_key_id: Text
    aws_token: Text
    aws_unsigned_payload: Flag
    aws_virtual_hosted_style_request: Flag
    aws_web_identity_token_file: Text
    bucket: Text
    bucket_name: Text
    checksum_algorithm: Text
    conditional_put: Text
    container_authorization_token_file: Text
    container_credentials_full_uri: Text
    container_credentials_relative_uri: Text
    copy_if_not_exists: Text
    default_region: Text
    disable_bulk_delete: Flag
    disable_tagging: Flag
    endpoint: Text
    endpoint_url: Text
    endpoint_url_sts: Text
    imdsv1_fallback: Flag
    metadata_endpoint: Text
    profile: Text
    region: Text
    request_payer: Flag
    role_arn: Text
    role_session_name: Text
    s3_express: Flag
    secret_access_key: Text
    server_side_encryption: Text
    session_token: Text
    skip_signature: Flag
    sse_bucket_key_enabled: Flag
    sse_customer_key_base64: Text
    sse_kms_key_id: Text
    token: Text
    unsigned_payload: Flag
    virtual_hosted_style_request: Flag
    web_identity_token_file: Text


class GoogleOptions(BucketOptions, total=False):
    """Options of `gs:`."""

    application_credentials: Text
    base_url: Text
    bearer_token: Text
    bucket: Text
    bucket_name: Text
    google_application_credentials: Text
    google_base_url: Text
    google_bearer_token: Text
    google_bucket: Text
    google_bucket_name: Text
    google_service_account: Text
    google_service_account_key: Text
    google_service_account_path: Text
    google_skip_signature: Flag
    service_account: Text
    service_account_key: Text
    service_account_path: Text
    skip_signature: Flag


class AzureOptions(BucketOptions, total=False):
    """Options of `az:` and `abfs:`."""

    access_key: Text
    account_key: Text
    account_name: Text
    authority_host: Text
    authority_id: Text
    azure_allow_http: Flag
    azure_authority_host: Text
    azure_authority_id: Text
    azure_client_id: Text
    azure_client_secret: Text
    azure_container_name: Text
    azure_credential_type: Text
    azure_disable_tagging: Flag
    azure_endpoint: Text
    azure_fabric_cluster_identifier: Text
    azure_fabric_session_token: Text
    azure_fabric_token_service_url: Text
    azure_fabric_workload_host: Text
    azure_federated_token_file: Text
    azure_identity_endpoint: Text
    azure_msi_endpoint: Text
    azure_msi_resource_id: Text
    azure_object_id: Text
    azure_skip_signature: Flag
    azure_storage_access_key: Text
    azure_storage_account_key: Text
    azure_storage_account_name: Text
    azure_storage_authority_host: Text
    azure_storage_authority_id: Text
    azure_storage_client_id: Text
    azure_storage_client_secret: Text
    azure_storage_encryption_key: Text
    azure_storage_endpoint: Text
    azure_storage_master_key: Text
    azure_storage_sas_key: Text
    azure_storage_sas_token: Text
    azure_storage_tenant_id: Text
    azure_storage_token: Text
    azure_storage_use_emulator: Flag
    azure_tenant_id: Text
    azure_use_azure_cli: Flag
    azure_use_fabric_endpoint: Flag
    bearer_token: Text
    client_id: Text
    client_secret: Text
    container_name: Text
    credential_type: Text
    disable_tagging: Flag
    encryption_key: Text
    endpoint: Text
    fabric_cluster_identifier: Text
    fabric_session_token: Text
    fabric_token_service_url: Text
    fabric_workload_host: Text
    federated_token_file: Text
    identity_endpoint: Text
    master_key: Text
    msi_endpoint: Text
    msi_resource_id: Text
    object_id: Text
    sas_key: Text
    sas_token: Text
    skip_signature: Flag
    tenant_id: Text
    token: Text
    use_azure_cli: Flag
    use_emulator: Flag
    use_fabric_endpoint: Flag


class WebOptions(TypedDict, total=False):
    """Options of `http:` and `https:`."""

    bearer_token: Text
    html_index: Flag
    webdav: Flag


class BackendOptions(RequestOptions, S3Options, GoogleOptions, AzureOptions, WebOptions, total=False):
    """Options of all backends. Each backend supports some of them."""


class StoreOptions(StoreArguments, BackendOptions, total=False):
    """All keywords of `zarr_py.Store` and of the functions that open a store."""


_SCHEMES: dict[str, type] = {
    **dict.fromkeys(("s3", "s3a"), S3Options),
    "gs": GoogleOptions,
    **dict.fromkeys(("az", "azure", "abfs", "abfss"), AzureOptions),
    **dict.fromkeys(("http", "https"), WebOptions),
}


def takes_flags(name: str) -> bool:
    """Whether an option may be a boolean; true for options that the tables do not contain."""
    return bool(BackendOptions.__annotations__.get(name, Flag) == Flag)


def names(url: str) -> set[str]:
    """Returns the keywords that a store at this URL accepts."""
    backend = _SCHEMES.get(url.partition(":")[0].lower())
    if backend is None:
        return set(StoreArguments.__annotations__)
    return {*StoreArguments.__annotations__, *RequestOptions.__annotations__, *backend.__annotations__}
