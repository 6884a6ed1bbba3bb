"""Options of stores: obstore's names in, the texts that the engine takes out; and which of them are secret."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from zarr_py.errors import InvalidError

__all__ = ["Options", "Secret", "guarded", "merge", "place_options", "public_options", "public_url"]

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


class Secret(str):
    """A text that shows itself nowhere: not in `repr`, `str`, tracebacks and debuggers. It is sent all the same."""

    def __repr__(self) -> str:
        return "'***'"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "'***'"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str.__str__(self),)


class SecretUrl(Secret):
    """A URL with a part that is secret, and shown without it."""

    def __repr__(self) -> str:
        return repr(public_url(str.__str__(self)))

    def __str__(self) -> str:
        return public_url(str.__str__(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def guarded(url: str) -> str:
    """A URL that does not show what is secret in it."""
    return url if isinstance(url, Secret) or public_url(url) == url else SecretUrl(url)


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
            elif _is_secret(name):
                merged[name] = Secret(_text(name, value))
            else:
                merged[name] = guarded(_text(name, value))
    return tuple(sorted(merged.items()))


def _text(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if name == "default_headers" and isinstance(value, Mapping):
        return "\n".join(f"{field}: {_field(content)}" for field, content in value.items())
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)}us"
    if name in _DURATIONS and isinstance(value, int | float):
        return f"{round(value * 1e6)}us"
    return str(value)


def _field(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    if any(ord(letter) < 32 for letter in text):
        raise InvalidError("a value of default_headers has a line break or another control character")
    return text


_LOST = "credentials_lost"
"""The option that says which secrets a pickle did not keep."""


def public_options(options: Options, lost_url: bool = False) -> Options:
    """The options that are not secret: no keys, tokens and passwords, and URLs without user info. The names of those that were
    left out, and of what the URL of the store lost, are among them, so that where they are missed it is said why."""
    public = {name: public_url(value) for name, value in options if not _is_secret(name)}
    lost = [name for name, _ in options if _is_secret(name)]
    if lost_url:
        lost.append("the user or query of the URL")
    if lost:
        public[_LOST] = ", ".join(lost)
    return tuple(sorted(public.items()))


def place_options(options: Options) -> Options:
    """The options that say where a store is, whoever it is for."""
    return tuple(option for option in public_options(options) if option[0] != _LOST)


def _is_secret(name: str) -> bool:
    return name.endswith(_SECRET_ENDS) or "customer_key" in name or name == "default_headers"


def public_url(url: str) -> str:
    """A URL without the user info, query and fragment of a web server, which may be secret; any other as it is: those of buckets
    hold no secrets."""
    scheme, mark, rest = url.partition("://")
    if not mark or scheme.lower() not in ("http", "https"):
        return url
    inside = re.search(r"\|[A-Za-z0-9]+:", rest)
    first, archives = (rest[:inside.start()], rest[inside.start():]) if inside else (rest, "")
    authority, slash, path = re.split(r"[?#]", first, maxsplit=1)[0].partition("/")
    return f"{scheme}://{authority.rpartition('@')[2]}{slash}{path}{archives}"


def split_memory(url: str) -> tuple[str, str] | None:
    """Name and prefix of a store in memory, to the letter; `None` for the URL of anything else."""
    scheme, _, rest = url.partition(":")
    if scheme.lower() != "memory" or "|" in rest:
        return None
    name, _, prefix = rest.strip("/").partition("/")
    return name, prefix
