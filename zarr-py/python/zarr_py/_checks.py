"""Checks arguments of callers; errors state what to write instead."""

import operator
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from zarr_py.errors import ArgumentError, ReadOnlyError

__all__ = ["count", "flag", "mapping", "nearest", "text", "unknown", "writable"]

_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def flag(value: Any, name: str) -> bool:
    """Returns a Python or NumPy boolean, or the meaning of true, yes, on, false, no or off.

    Raises `TypeError` for anything else, because every other non-empty text would count as true.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _WORDS:
        return _WORDS[value.lower()]
    if getattr(getattr(value, "dtype", None), "kind", "") == "b" and getattr(value, "ndim", 1) == 0:
        return bool(value)
    raise TypeError(f"{name}: expected True or False, got {value!r}")


def count(value: Any, name: str, least: int) -> int:
    """Returns an integer of at least `least`.

    Raises `TypeError` for anything but an integer, and `ValueError` for one out of range.
    """
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from None
    if not least <= number < 1 << 63:
        raise ValueError(f"{name}: expected an integer of {least} or more, got {number}")
    return number


def text(value: Any, name: str) -> str:
    """Returns a text. Raises `TypeError` for anything else."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a string, got {value!r}")
    return value


def mapping(value: Any, name: str) -> Mapping[str, Any]:
    """Returns a mapping with names as keys; an empty mapping for `None`.

    Raises `TypeError` for anything else.
    """
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: expected a mapping of names to values, got {type(value).__name__}")
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"{name}: expected names as keys, got {key!r}")
    return value


def writable(read_only: bool, path: str) -> None:
    """Raises `ReadOnlyError` for a write to a node of a store that was opened read-only."""
    if read_only:
        raise ReadOnlyError(f"/{path}: store was opened in read-only mode and does not support writing")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the known name that was probably meant."""
    near = get_close_matches(name.lower(), list(known), n=1, cutoff=0.7)
    return near[0] if near else None


def unknown(function: str, name: str, known: Iterable[str], *, kind: str = "keyword", of: str = "") -> ArgumentError:
    """Returns the error for an unknown name.

    Its message has the nearest known name, or all known names if they are few.
    """
    known = sorted(known)
    near = nearest(name, known)
    hint = ""
    if near is not None:
        hint = f'; did you mean "{near}"?'
    elif len(known) <= 12:
        hint = f"; known: {', '.join(known)}"
    return ArgumentError(f'{function}: unknown {kind} "{name}"{of}{hint}')
