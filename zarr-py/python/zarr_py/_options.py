"""Converts store options from obstore's names to texts for the engine, and tells secrets apart."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

__all__ = ["DURATIONS", "Options", "Secret", "guarded", "is_secret", "is_text", "merge", "place_options", "public_options", "public_url"]

Options = tuple[tuple[str, str], ...]
"""Names and values, sorted by name."""

_BACKOFF = {"init_backoff": "init_backoff", "max_backoff": "max_backoff", "base": "backoff_base"}
DURATIONS = {
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
    """A text hidden in `repr`, `str`, tracebacks and debuggers, but sent unchanged."""

    def __repr__(self) -> str:
        return "'***'"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "'***'"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (str.__str__(self),)


class SecretUrl(Secret):
    """A URL with a secret part, shown without that part."""

    def __repr__(self) -> str:
        return repr(public_url(str.__str__(self)))

    def __str__(self) -> str:
        return public_url(str.__str__(self))

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)


def is_text(value: str) -> bool:
    """Whether a text has no lone surrogates.

    The encoding error for a lone surrogate would show the whole text.
    """
    return value.isascii() or re.search("[\ud800-\udfff]", value) is None


def guarded(url: str) -> str:
    """Returns a URL that does not show its secret parts."""
    # No path without a colon has a secret part.
    return url if ":" not in url or isinstance(url, Secret) or public_url(url) == url else SecretUrl(url)


def merge(
    config: Mapping[str, Any] | None,
    client_options: Mapping[str, Any] | None,
    retry_config: Mapping[str, Any] | None,
    keywords: Mapping[str, Any],
) -> Options:
    """Merges all options into one list.

    Keywords override `config`, and both override `client_options` and `retry_config`. A duration is
    a `timedelta`, a text with a unit such as `"500ms"`, or a number of seconds.
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
            elif is_secret(name) or (isinstance(value, str) and "@" in value and "://" not in value):
                # A text with `@` may be a URL with a password but without its scheme.
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
    if name in DURATIONS and isinstance(value, int | float):
        return f"{round(value * 1e6)}us"
    return str(value)


def _field(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


_LOST = "credentials_lost"
"""The option that names the secrets that a pickle does not contain."""


def public_options(options: Options, lost_url: bool = False) -> Options:
    """Returns the options without secrets: no keys, tokens and passwords, and no user info in URLs.

    A further option names the secrets left out, including those of the store's URL, for the error
    message when they are missing.
    """
    public = {name: public_url(value) for name, value in options if not is_secret(name)}
    lost = [name for name, _ in options if is_secret(name)]
    if lost_url:
        lost.append("the user or query of the URL")
    if lost:
        public[_LOST] = ", ".join(lost)
    return tuple(sorted(public.items()))


def place_options(options: Options) -> Options:
    """Returns the options that determine the location of a store, without credentials."""
    return tuple(option for option in public_options(options) if option[0] != _LOST)


def is_secret(name: str) -> bool:
    return name.endswith(_SECRET_ENDS) or "customer_key" in name or name == "default_headers"


_URL = re.compile(
    r"(?P<scheme>https?|file|ftps?|s3a?|gs|gcs|az|azure|adl|abfss?)(?P<mark>:[/\\]*)(?P<rest>.*)", re.DOTALL | re.IGNORECASE)


def public_url(url: str) -> str:
    """Returns a URL without parts that may be secret.

    Removes user and password everywhere. Removes query and fragment too, except for a bucket, where
    they are part of the name. A malformed URL is treated like the URL of a web server.
    """
    found = _URL.fullmatch(url)
    if found is None:
        before, mark, rest = url.partition("://")
        known = not mark or "/" in before or before.lower() == "memory"
        return url if known else f"{before}://{re.split(r'[?#]', _without_user(rest), maxsplit=1)[0]}"
    scheme, mark, rest = found["scheme"], found["mark"], found["rest"]
    is_file = scheme.lower() == "file"
    if mark == "://" and scheme.lower() not in ("http", "https", "file", "ftp", "ftps"):
        return f"{scheme}://{_without_user(rest)}"
    inside = re.search(r"\|[A-Za-z0-9]+:", rest)
    first, archives = (rest[:inside.start()], rest[inside.start():]) if inside else (rest, "")
    authority, end, path = first.partition("/")
    port = authority.rpartition(":")[2]
    if "@" in first and "@" not in authority and ":" in authority and not is_file and re.fullmatch(r"\d*|.*\]", port) is None:
        # The password contains a slash, a question mark or the like, which ends the host early.
        authority, end, path = first.rpartition("@")[2].partition("/")
    first = f"{authority if is_file and mark != '://' else authority.rpartition('@')[2]}{end}{path}"
    return f"{scheme}{mark}{re.split(r'[?#]', first, maxsplit=1)[0]}{archives}"


def _without_user(rest: str) -> str:
    """Returns the part of a URL after its slashes, without user, password and query.

    Changes only URLs with a user and a password, which no bucket has; keeps the container of an
    Azure URL.
    """
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    return re.split(r"[?#]", f"{host}{slash}{path}", maxsplit=1)[0] if at and ":" in user else rest


def split_memory(url: str) -> tuple[str, str] | None:
    """Returns the name and prefix of a store in memory, verbatim; `None` for any other URL."""
    scheme, colon, rest = url.partition(":")
    if not colon or scheme.lower() != "memory" or "|" in rest:
        return None
    name, _, prefix = rest.strip("/").partition("/")
    return name, prefix
