"""xarray without zarr-python: the engine `zarr_py`, and `to_zarr`.

`xarray.open_dataset(url, engine="zarr_py")` finds the engine by its entry point.
"""

import os
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xarray.backends.common import BackendEntrypoint
from xarray.backends.store import StoreBackendEntrypoint

from zarr_py._group import Group
from zarr_py._nodes import open_group
from zarr_py._xarray_arrays import Batch, each
from zarr_py._xarray_store import DataStore
from zarr_py._xarray_write import to_zarr
from zarr_py.errors import NotFoundError

if TYPE_CHECKING:
    from xarray import Dataset, DataTree

__all__ = ["ZarrPyBackendEntrypoint", "to_zarr"]


class ZarrPyBackendEntrypoint(BackendEntrypoint):
    """Opens Zarr hierarchies: URLs, paths, stores, groups of this package."""

    description = "Open Zarr (v2 and v3) in Xarray by the Rust engine of zarr_py, without zarr-python"
    supports_groups = True

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether this is a group of this package, or a path or URL that ends in `.zarr`."""
        if isinstance(filename_or_obj, Group):
            return True
        if not isinstance(filename_or_obj, str | os.PathLike):
            return False
        place = os.fspath(filename_or_obj).partition("|")[0].partition("?")[0]
        return str(place).rstrip("/").endswith(".zarr")

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        mask_and_scale: Any = True,
        decode_times: Any = True,
        concat_characters: Any = True,
        decode_coords: Any = True,
        drop_variables: str | Iterable[str] | None = None,
        use_cftime: Any = None,
        decode_timedelta: Any = None,
        group: str | None = None,
        consolidated: bool | None = None,
        storage_options: Mapping[str, Any] | None = None,
        preferred_chunks: str = "inner",
        use_zarr_fill_value_as_mask: bool | None = None,
    ) -> "Dataset":
        """Opens the data set of a group.

        Parameters
        ----------
        filename_or_obj
            A URL, a path, a group of this package, or any store that `zarr_py.open_group` accepts.
        group
            The path of the group.
        consolidated
            Whether to read consolidated metadata: by default if the root has them, `True` requires
            them, `False` ignores them.
        storage_options
            Options of the store, named as in `zarr_py.Store`.
        preferred_chunks
            The chunks of dask with `chunks={}`: `"inner"` chunks, or whole `"shards"`.
        use_zarr_fill_value_as_mask
            Whether elements with the fill value are missing; by default in Zarr v2 only.

        Other parameters are those of `xarray.open_dataset`.
        """
        decoding = {
            "mask_and_scale": mask_and_scale,
            "decode_times": decode_times,
            "concat_characters": concat_characters,
            "decode_coords": decode_coords,
            "use_cftime": use_cftime,
            "decode_timedelta": decode_timedelta,
        }
        found = _group(filename_or_obj, group, consolidated, storage_options)
        drop = _names(drop_variables)
        store = DataStore(
            found, drop=drop, blocks=_blocks(preferred_chunks), mask=use_zarr_fill_value_as_mask, batch=Batch())
        return _decoded(store, drop_variables, decoding)

    def open_groups_as_dict(
        self,
        filename_or_obj: Any,
        *,
        mask_and_scale: Any = True,
        decode_times: Any = True,
        concat_characters: Any = True,
        decode_coords: Any = True,
        drop_variables: str | Iterable[str] | None = None,
        use_cftime: Any = None,
        decode_timedelta: Any = None,
        group: str | None = None,
        consolidated: bool | None = None,
        storage_options: Mapping[str, Any] | None = None,
        preferred_chunks: str = "inner",
        use_zarr_fill_value_as_mask: bool | None = None,
    ) -> "dict[str, Dataset]":
        """Opens the data sets of a group and of all groups below, by path.

        The parameters are those of `open_dataset`.
        """
        decoding = {
            "mask_and_scale": mask_and_scale,
            "decode_times": decode_times,
            "concat_characters": concat_characters,
            "decode_coords": decode_coords,
            "use_cftime": use_cftime,
            "decode_timedelta": decode_timedelta,
        }
        root = _group(filename_or_obj, group, consolidated, storage_options)
        drop, batch, blocks = _names(drop_variables), Batch(), _blocks(preferred_chunks)
        found: dict[str, Dataset] = {}

        def opened(node: tuple[str, Group]) -> tuple[str, DataStore]:
            return node[0], DataStore(node[1], drop=drop, blocks=blocks, mask=use_zarr_fill_value_as_mask, batch=batch)

        for path, store in each(opened, _groups(root)):
            found[path] = _decoded(store, drop_variables, decoding)
        return found

    def open_datatree(self, filename_or_obj: Any, **options: Any) -> "DataTree":
        """Opens a group and all groups below. The parameters are those of `open_dataset`."""
        from xarray import DataTree

        return DataTree.from_dict(self.open_groups_as_dict(filename_or_obj, **options))

    open_dataset_parameters = (
        "filename_or_obj",
        "mask_and_scale",
        "decode_times",
        "concat_characters",
        "decode_coords",
        "drop_variables",
        "use_cftime",
        "decode_timedelta",
        "group",
        "consolidated",
        "storage_options",
        "preferred_chunks",
        "use_zarr_fill_value_as_mask",
    )


def _decoded(store: DataStore, drop: str | Iterable[str] | None, options: Mapping[str, Any]) -> "Dataset":
    found = StoreBackendEntrypoint().open_dataset(store, drop_variables=drop, **options)
    # There is nothing to close, and a pickle need not hold the store.
    found.set_close(None)
    return found


def _group(store: Any, path: str | None, consolidated: bool | None, options: Mapping[str, Any] | None) -> Group:
    """Opens a group, from the consolidated metadata of the root if it has them."""
    path = (path or "").strip("/")
    if isinstance(store, Group):
        root = store
    else:
        given = dict(options or {})
        if path and consolidated is False:
            return open_group(store, path, mode="r", use_consolidated=False, **given)
        try:
            root = open_group(store, mode="r", use_consolidated=consolidated, **given)
        except NotFoundError:
            if not path or consolidated:
                raise
            # Zarr v2 and some writers of Zarr v3 leave out the groups above.
            return open_group(store, path, mode="r", **given)
    return root.open_group(path) if path else root


def _groups(root: Group) -> list[tuple[str, Group]]:
    """Returns a group and all groups below, by path; the path of the group itself is `/`."""
    below = [path for path, kind in root.walk() if kind == "group"]
    return [("/", root), *each(lambda path: (f"/{path}", root.open_group(path)), below)]


def _names(names: str | Iterable[str] | None) -> frozenset[Hashable]:
    return frozenset([names] if isinstance(names, str) else names or ())


def _blocks(preferred: str) -> str:
    if preferred not in ("inner", "shards"):
        raise ValueError(f"preferred_chunks: expected 'inner' or 'shards', got {preferred!r}")
    return preferred
