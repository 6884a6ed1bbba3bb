"""Options of stores: obstore's names in, the texts that the engine takes out; and which of them are secret."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from zarr_py.errors import UnsupportedError

__all__ = ["Options", "merge", "public_options", "public_url"]

Options = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""

_BACKOFF = {"init_backoff": "init_backoff", "max_backoff": "max_backoff", "base": "backoff_base"}
_DURATIONS = {
    "connect_timeout",
    "http2_keep_alive_interval",
    "http2_keep_alive_timeout",
    "init_backoff",
    "max_backoff",
    "pool_idle_timeout",
    "read_timeout",
    "retry_timeout",
    "timeout",
}
_SECRET_ENDS = ("key", "key_base64", "key_id", "password", "sas", "secret", "token")


def merge(
    config: Mapping[str, Any] | None,
    client_options: Mapping[str, Any] | None,
    retry_config: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
) -> Options:
    """All options as one list. Keywords go before `config`, and both before the other two.

    Durations are a `timedelta`, a text with a unit such as `"500ms"`, or a number of seconds.
    """
    retry: dict[str, Any] = dict(retry_config or {})
    backoff: Mapping[str, Any] = retry.pop("backoff", None) or {}
    for name, value in backoff.items():
        retry[_BACKOFF.get(name, name)] = value
    merged: dict[str, str] = {}
    for source in (retry, client_options or {}, config or {}, keywords):
        for name, value in source.items():
            name = str(name).lower()
            if value is None:
                merged.pop(name, None)
            elif name == "default_headers":
                raise UnsupportedError("the client option default_headers is not supported")
            else:
                merged[name] = _text(name, value)
    return tuple(sorted(merged.items()))


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)}us"
    if name in _DURATIONS and isinstance(value, int | float):
        return f"{round(value * 1e6)}us"
    return str(value)


def public_options(options: Options) -> Options:
    """The options that are not secret: no keys, tokens and passwords, and URLs without user info."""
    return tuple((name, public_url(value)) for name, value in options if not _is_secret(name))


def _is_secret(name: str) -> bool:
    return name.endswith(_SECRET_ENDS) or "customer_key" in name


def public_url(url: str) -> str:
    """A URL without the user info, query and fragment of a web server, which may be secret; any other as it is: those of buckets
    hold no secrets."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return url
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def split_memory(url: str) -> tuple[str, str] | None:
    """Name and prefix of a store in memory, to the letter; `None` for the URL of anything else."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() != "memory" or "|" in rest:
        return None
    name, _, prefix = rest.strip("/").partition("/")
    return name, prefix
