"""Describes stores of obstore and similar libraries by the URL and options that open them."""

import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from zarr_py import _options
from zarr_py._given import Given

__all__ = ["Description", "describe"]


class Description(NamedTuple):
    """The arguments that open a store natively."""

    url: str
    options: _options.Options
    credential_provider: Any


_BUCKETS = {
    "S3Store": ("s3", ("bucket", "bucket_name", "aws_bucket", "aws_bucket_name")),
    "GCSStore": ("gs", ("bucket", "bucket_name", "google_bucket", "google_bucket_name")),
    "AzureStore": ("az", ("container_name", "azure_container_name")),
}


def _kind(store: Any) -> str | None:
    """Returns the name of the obstore class that a store is an exact instance of, otherwise `None`.

    A subclass may override methods, which must then be called, so subclasses do not count. Nor does
    a class of the same name from another module.
    """
    # Whoever holds such a store has imported its module.
    module = sys.modules.get("obstore.store")
    kinds = [(name, getattr(module, name, None)) for name in sorted(_KINDS)]
    return next((name for name, kind in kinds if type(store) is kind), None)


def describe(store: Any) -> Description | None:
    """Describes how to open a store natively.

    Returns `None` for a store that must be called: one in memory, or one written in Python.
    """
    name = _kind(store)
    if name is None:
        return None
    if name == "LocalStore":
        prefix = getattr(store, "prefix", None)
        return Description("/" if prefix is None else str(prefix), (), None)
    if name == "HTTPStore":
        return Description(str(store.url), _merged(store, {}), None)
    scheme, bucket_names = _BUCKETS[name]
    config = Given(store.config)
    bucket = next(config[option] for option in bucket_names if option in config)
    for option in bucket_names:
        config.pop(option, None)
    prefix = getattr(store, "prefix", None)
    path = f"/{prefix}" if prefix else ""
    provider = getattr(store, "credential_provider", None)
    return Description(f"{scheme}://{bucket}{path}", _merged(store, config), provider)


def _merged(store: Any, config: Mapping[str, Any]) -> _options.Options:
    client_options = getattr(store, "client_options", None)
    retry_config = getattr(store, "retry_config", None)
    return _options.merge(config, client_options, retry_config, {})


_KINDS = {*_BUCKETS, "HTTPStore", "LocalStore"}
