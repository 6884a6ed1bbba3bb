"""Zarr for Python by a Rust engine.

`Store` is a store for zarr-python, `CodecPipeline` a codec pipeline for it; `open_array` and `open_group` need no zarr-python.
Nothing of zarr or NumPy is imported before it is used.
"""

from typing import TYPE_CHECKING, Any

from zarr_py import errors
from zarr_py._native import __version__

if TYPE_CHECKING:
    from zarr_py._pipeline import CodecPipeline, explain
    from zarr_py._store import Store

__all__ = ["CodecPipeline", "Store", "__version__", "errors", "explain"]

_HOMES = {
    "CodecPipeline": "zarr_py._pipeline",
    "Store": "zarr_py._store",
    "explain": "zarr_py._pipeline",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
