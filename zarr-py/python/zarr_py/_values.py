"""Checks names and values of options.

An error names the option and the legal values, and never shows a value that may be secret.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from math import isfinite
from os import PathLike
from typing import Any

from zarr_py import _checks, _option_names, _options
from zarr_py._given import Given, kind_of
from zarr_py._native import NativeStore
from zarr_py.errors import ArgumentError, InvalidError

__all__ = ["STORE_FLAGS", "absent", "check_names", "check_values", "part"]

STORE_FLAGS = {"missing_on_403": "missing_on_forbidden", "single_writer": "single_writer"}
"""Options of a called store, and the names of their arguments."""

_BACKOFF = ("init_backoff", "max_backoff", "base")
_VALUES = (str, bool, int, float, timedelta, PathLike, type(None))
_COUNTS = {"max_retries": 0, "pool_max_idle_per_host": 0, "http2_max_frame_size": 1}
"""Integer options, each with its minimum."""

_ELSEWHERE = {
    "anon": "skip_signature=True",
    "key": "access_key_id",
    "secret": "secret_access_key",
    "use_ssl": "allow_http=True for a server without TLS",
    "client_kwargs": "its entries as options, such as endpoint_url and region",
    "config_kwargs": "client_options={...}",
    "storage_options": "the options themselves as keywords, or config={...}",
    "requester_pays": "request_payer=True",
    "anonymous": "skip_signature=True",
    "account_host": "endpoint",
    "connection_string": "account_name and account_key",
    "headers": "default_headers={...}",
    "token": "bearer_token",
    "checksum": "checksum_algorithm",
    "sse": "server_side_encryption",
    "tls": "allow_http=True for a server without TLS",
    "verify": "allow_invalid_certificates=True",
    "credential": "account_key, sas_token, bearer_token or credential_provider",
}
"""Option names of fsspec and other libraries, with the option to write instead."""


def part(options: Given, name: str) -> Given:
    """Removes nested options from the options, and returns them.

    Raises `TypeError` for anything but a mapping with names as keys.
    """
    if options.get(name) is None:
        options.pop(name, None)
        return Given()
    if not isinstance(options[name], Mapping):
        raise TypeError(f"{name}: expected a mapping of names to values, got {kind_of(options[name])}")
    found = Given(options.pop(name))
    wrong = [kind_of(key) for key in found if not isinstance(key, str)]
    if wrong:
        raise TypeError(f"{name}: expected names as keys, got {wrong[0]}")
    return found


def absent(options: Given) -> list[str]:
    """Returns the options of the backend that were given as `None`."""
    parts = [Given(options[name]) for name in ("config", "client_options") if isinstance(options.get(name), Mapping)]
    return [name for one in (options, *parts) for name in one
            if one[name] is None and name not in _option_names.StoreArguments.__annotations__]


def check_names(url: str, names: Iterable[str], function: str, known: Collection[str], is_remote: bool) -> None:
    """Refuses options that the store at a URL does not have, whatever their values.

    The engine decides on options of remote stores that the tables here do not contain.
    """
    legal = _option_names.names(url)
    for name in names:
        if name.lower() in legal or name.lower() in (*STORE_FLAGS, "default_headers"):
            continue
        if is_remote and _engine_knows(url, name):
            continue
        place = f' for "{_options.public_url(url)}"' if url else ""
        if name in _ELSEWHERE and is_remote:
            raise ArgumentError(f'{function}: unknown option "{name}"{place}; write {_ELSEWHERE[name]}')
        if not is_remote and name.lower() in _option_names.BackendOptions.__annotations__:
            raise ArgumentError(f"{function}: unknown option \"{name}\"{place}; a store of this kind has no options")
        raise _checks.unknown(function, name, {*legal, *known}, kind="option", of=place)


def _engine_knows(url: str, name: str) -> bool:
    try:
        _ = NativeStore(url, [(name.lower(), "")]).location
    except InvalidError as error:
        return "unknown option" not in str(error)
    return True


def check_values(values: Given, function: str) -> None:
    """Refuses values that cannot be converted to a meaningful text."""
    for name in values:
        if name == "backoff":
            backoff = part(Given(backoff=values[name]), name)
            for option in backoff:
                if option not in _BACKOFF:
                    raise _checks.unknown(function, option, _BACKOFF, kind="option", of=" of backoff")
            check_values(backoff, function)
            continue
        fault = _fault(name.lower(), values[name])
        if fault is not None:
            kind = InvalidError if fault.startswith("got") else TypeError
            raise kind(f"{function}: option {name}: {fault.removeprefix('got: ')}")


def _fault(name: str, value: Any) -> str | None:
    """Returns the fault of a value, after `got: ` unless the type of the value is wrong.

    Never raises, because its frame holds the value.
    """
    if value is None:
        return None
    if isinstance(value, str) and not _options.is_text(value):
        return "got: it has half of a surrogate pair, which is not valid text"
    if name == "default_headers":
        return _fault_of_headers(value)
    if _options.is_secret(name) and not isinstance(value, str):
        return f"expected a string, got {kind_of(value)}"
    if isinstance(value, bool) and not _option_names.takes_flags(name) and name not in (*_COUNTS, *_options.DURATIONS, *_BACKOFF):
        return f"expected a string, got {kind_of(value)}"
    if name in _COUNTS and not isinstance(value, str):
        least = _COUNTS[name]
        if isinstance(value, bool) or not hasattr(value, "__index__"):
            return f"expected an integer of {least} or more, got {kind_of(value)}"
        return None if value >= least else f"got: expected an integer of {least} or more, got {value}"
    if name in _COUNTS and not (value.isascii() and value.isdigit()):
        return f"got: expected an integer of {_COUNTS[name]} or more, got other text"
    if name in _options.DURATIONS and isinstance(value, bool):
        return "expected a number of seconds, a timedelta or a text with a unit, got bool"
    if isinstance(value, float) and not isfinite(value):
        return f"got: expected a number, got {value}"
    if not isinstance(value, _VALUES) and not hasattr(value, "__index__"):
        return f"expected a string, a number, a boolean or a time, got {kind_of(value)}"
    return None


def _fault_of_headers(value: Any) -> str | None:
    if isinstance(value, str):
        return None
    if not isinstance(value, Mapping):
        return f"expected a mapping of names to strings, got {kind_of(value)}"
    for name in value:
        if not isinstance(name, str):
            return f"expected names as keys, got {kind_of(name)}"
        if isinstance(value[name], bool) or not isinstance(value[name], str | bytes | int):
            return f"field {name}: expected a string, got {kind_of(value[name])}"
        content = value[name].decode("latin-1") if isinstance(value[name], bytes) else str(value[name])
        if any(ord(letter) < 32 for letter in name + content) or not _options.is_text(name + content):
            return f"got: field {name!r}: it has a line break or another control character"
    return None
