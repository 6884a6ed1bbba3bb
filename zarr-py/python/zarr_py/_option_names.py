"""Options of stores by name: what type checkers know as keywords, and what a mistake is compared with.

The names are those of `object_store`, in all their spellings. The engine has the last word on what is legal.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypedDict

__all__ = ["BackendOptions", "StoreOptions", "Strictness", "names"]


Strictness = Literal["tolerant", "strict"]
"""Whether what other libraries write beyond the specification is read (docs/tolerance.md)."""


class StoreArguments(TypedDict, total=False):
    """The arguments of `zarr_py.Store` beside options of the backend."""

    config: Mapping[str, Any] | None
    client_options: Mapping[str, Any] | None
    retry_config: Mapping[str, Any] | None
    credential_provider: Callable[[], Any] | None
    max_concurrency: int | None
    cache_bytes: int | None
    missing_on_forbidden: bool
    single_writer: bool
    pickle_secrets: bool
    strictness: Strictness


class RequestOptions(TypedDict, total=False):
    """Options of every remote store."""

    allow_http: Any
    allow_invalid_certificates: Any
    backoff_base: Any
    cache_control: Any
    connect_timeout: Any
    content_disposition: Any
    content_language: Any
    content_type: Any
    default_content_type: Any
    default_headers: Any
    disable_system_certificates: Any
    http1_only: Any
    http2_keep_alive_interval: Any
    http2_keep_alive_timeout: Any
    http2_keep_alive_while_idle: Any
    http2_max_frame_size: Any
    http2_only: Any
    init_backoff: Any
    max_backoff: Any
    max_retries: Any
    missing_on_403: Any
    pool_idle_timeout: Any
    pool_max_idle_per_host: Any
    proxy_ca_certificate: Any
    proxy_excludes: Any
    proxy_url: Any
    randomize_addresses: Any
    read_timeout: Any
    retry_timeout: Any
    timeout: Any
    user_agent: Any


class BucketOptions(TypedDict, total=False):
    """What objects of buckets are written with."""

    storage_class: Any


class S3Options(BucketOptions, total=False):
    """Options of `s3:`."""

    access_key_id: Any
    aws_access_key_id: Any
    aws_allow_http: Any
    aws_bucket: Any
    aws_bucket_name: Any
    aws_checksum_algorithm: Any
    aws_conditional_put: Any
    aws_container_authorization_token_file: Any
    aws_container_credentials_full_uri: Any
    aws_container_credentials_relative_uri: Any
    aws_copy_if_not_exists: Any
    aws_default_region: Any
    aws_disable_bulk_delete: Any
    aws_disable_tagging: Any
    aws_endpoint: Any
    aws_endpoint_url: Any
    aws_endpoint_url_s3: Any
    aws_endpoint_url_sts: Any
    aws_imdsv1_fallback: Any
    aws_metadata_endpoint: Any
    aws_region: Any
    aws_request_payer: Any
    aws_role_arn: Any
    aws_role_session_name: Any
    aws_s3_express: Any
    aws_secret_access_key: Any
    aws_server_side_encryption: Any
    aws_session_token: Any
    aws_skip_signature: Any
    aws_sse_bucket_key_enabled: Any
    aws_sse_customer_key_base64: Any
    aws_sse_kms_key_id: Any
    aws_token: Any
    aws_unsigned_payload: Any
    aws_virtual_hosted_style_request: Any
    aws_web_identity_token_file: Any
    bucket: Any
    bucket_name: Any
    checksum_algorithm: Any
    conditional_put: Any
    container_authorization_token_file: Any
    container_credentials_full_uri: Any
    container_credentials_relative_uri: Any
    copy_if_not_exists: Any
    default_region: Any
    disable_bulk_delete: Any
    disable_tagging: Any
    endpoint: Any
    endpoint_url: Any
    endpoint_url_sts: Any
    imdsv1_fallback: Any
    metadata_endpoint: Any
    profile: Any
    region: Any
    request_payer: Any
    role_arn: Any
    role_session_name: Any
    s3_express: Any
    secret_access_key: Any
    server_side_encryption: Any
    session_token: Any
    skip_signature: Any
    sse_bucket_key_enabled: Any
    sse_customer_key_base64: Any
    sse_kms_key_id: Any
    token: Any
    unsigned_payload: Any
    virtual_hosted_style_request: Any
    web_identity_token_file: Any


class GoogleOptions(BucketOptions, total=False):
    """Options of `gs:`."""

    application_credentials: Any
    base_url: Any
    bearer_token: Any
    bucket: Any
    bucket_name: Any
    google_application_credentials: Any
    google_base_url: Any
    google_bearer_token: Any
    google_bucket: Any
    google_bucket_name: Any
    google_service_account: Any
    google_service_account_key: Any
    google_service_account_path: Any
    google_skip_signature: Any
    service_account: Any
    service_account_key: Any
    service_account_path: Any
    skip_signature: Any


class AzureOptions(BucketOptions, total=False):
    """Options of `az:` and `abfs:`."""

    access_key: Any
    account_key: Any
    account_name: Any
    authority_host: Any
    authority_id: Any
    azure_allow_http: Any
    azure_authority_host: Any
    azure_authority_id: Any
    azure_client_id: Any
    azure_client_secret: Any
    azure_container_name: Any
    azure_credential_type: Any
    azure_disable_tagging: Any
    azure_endpoint: Any
    azure_fabric_cluster_identifier: Any
    azure_fabric_session_token: Any
    azure_fabric_token_service_url: Any
    azure_fabric_workload_host: Any
    azure_federated_token_file: Any
    azure_identity_endpoint: Any
    azure_msi_endpoint: Any
    azure_msi_resource_id: Any
    azure_object_id: Any
    azure_skip_signature: Any
    azure_storage_access_key: Any
    azure_storage_account_key: Any
    azure_storage_account_name: Any
    azure_storage_authority_host: Any
    azure_storage_authority_id: Any
    azure_storage_client_id: Any
    azure_storage_client_secret: Any
    azure_storage_encryption_key: Any
    azure_storage_endpoint: Any
    azure_storage_master_key: Any
    azure_storage_sas_key: Any
    azure_storage_sas_token: Any
    azure_storage_tenant_id: Any
    azure_storage_token: Any
    azure_storage_use_emulator: Any
    azure_tenant_id: Any
    azure_use_azure_cli: Any
    azure_use_fabric_endpoint: Any
    bearer_token: Any
    client_id: Any
    client_secret: Any
    container_name: Any
    credential_type: Any
    disable_tagging: Any
    encryption_key: Any
    endpoint: Any
    fabric_cluster_identifier: Any
    fabric_session_token: Any
    fabric_token_service_url: Any
    fabric_workload_host: Any
    federated_token_file: Any
    identity_endpoint: Any
    master_key: Any
    msi_endpoint: Any
    msi_resource_id: Any
    object_id: Any
    sas_key: Any
    sas_token: Any
    skip_signature: Any
    tenant_id: Any
    token: Any
    use_azure_cli: Any
    use_emulator: Any
    use_fabric_endpoint: Any


class WebOptions(TypedDict, total=False):
    """Options of `http:` and `https:`."""

    bearer_token: Any
    html_index: Any
    webdav: Any


class BackendOptions(RequestOptions, S3Options, GoogleOptions, AzureOptions, WebOptions, total=False):
    """Options of all backends, each of which has some of them."""


class StoreOptions(StoreArguments, BackendOptions, total=False):
    """All keywords of `zarr_py.Store`, and of the functions that open one."""


_SCHEMES: dict[str, type] = {
    **dict.fromkeys(("s3", "s3a"), S3Options),
    "gs": GoogleOptions,
    **dict.fromkeys(("az", "azure", "abfs", "abfss"), AzureOptions),
    **dict.fromkeys(("http", "https"), WebOptions),
}


def names(url: str) -> set[str]:
    """The keywords that a store at this URL has."""
    backend = _SCHEMES.get(url.partition(":")[0].lower())
    if backend is None:
        return set(StoreArguments.__annotations__)
    return {*StoreArguments.__annotations__, *RequestOptions.__annotations__, *backend.__annotations__}
