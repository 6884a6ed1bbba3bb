"""Sweeps: remove what killed writers left in a store."""

from datetime import timedelta
from math import inf
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from zarr_py._steps import Steps, ask
from zarr_py.errors import InvalidError

if TYPE_CHECKING:
    from zarr_py._native import NativeStore

__all__ = ["Leftover", "seconds", "sweep"]


class Leftover(NamedTuple):
    """Something that a killed writer left in a store, and that no reader sees."""

    kind: Literal["upload", "file", "temporary", "probe"]
    """An incomplete upload (S3); a lock file or a partly written file (local directories); a
    temporary object of a patch (Google Cloud Storage); an object with which a writer tested whether
    the server honours conditions.
    """
    key: str
    """The key from the root of the store; of an upload, the key of the object that it was for."""


def sweep(store: "NativeStore", prefix: str, older_than: Any) -> Steps[list[Leftover]]:
    """Removes the leftovers below a prefix, and returns them."""
    time = seconds(older_than, "older_than")
    if not 0 <= time < inf:
        raise InvalidError(f"older_than: expected 0 seconds or more, got {time}")
    found = yield from ask(store.sweep, prefix, time)
    start = f"{prefix}/" if prefix else ""
    return [Leftover(kind, start + key) for kind, key in found]


def seconds(value: Any, name: str) -> float:
    """Returns the seconds of a `timedelta` or a number. Raises `TypeError` for anything else."""
    found = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise TypeError(f"{name}: expected a timedelta or a number of seconds, got {value!r}")
    return found
