"""A pytest plugin for xarray's own tests: engine="zarr" and `Dataset.to_zarr` are those of `zarr_py`."""

from typing import Any

import pytest
import xarray
import xarray.backends.plugins
import zarr
from xarray.backends import writers

from zarr_py.xarray import ZarrPyBackendEntrypoint, to_zarr

UNKNOWN = ("mode", "zarr_format", "cache_members", "store", "engine")
"""Keywords of xarray's engine that are about zarr-python."""


class Engine(ZarrPyBackendEntrypoint):
    """The engine, without keywords that are about zarr-python."""

    open_dataset_parameters = (*ZarrPyBackendEntrypoint.open_dataset_parameters, *UNKNOWN)

    def open_dataset(self, filename_or_obj: Any, **options: Any) -> Any:
        return super().open_dataset(filename_or_obj, **known(options))

    def open_groups_as_dict(self, filename_or_obj: Any, **options: Any) -> Any:
        return super().open_groups_as_dict(filename_or_obj, **known(options))


def known(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name not in UNKNOWN}


def replaced(dataset: Any, store: Any = None, chunk_store: Any = None, mode: Any = None, synchronizer: Any = None, group: Any = None,
             encoding: Any = None, **options: Any) -> Any:
    for name in ("safe_chunks", "align_chunks", "write_empty_chunks", "chunkmanager_store_kwargs", "zarr_version"):
        options.pop(name, None)
    if options.get("zarr_format") is None:
        options["zarr_format"] = zarr.config.get("default_zarr_format")
    return to_zarr(dataset, store, mode, group, encoding, **options)


def replaced_tree(tree: Any, *arguments: Any, **options: Any) -> Any:
    if options.get("group") is not None:
        raise NotImplementedError("specifying a root group for the tree has not been implemented")
    return replaced(tree, *arguments, **options)


def pytest_configure(config: pytest.Config) -> None:
    xarray.backends.plugins.list_engines()["zarr"] = Engine()
    xarray.Dataset.to_zarr = replaced
    writers.to_zarr = replaced
    writers._datatree_to_zarr = replaced_tree
