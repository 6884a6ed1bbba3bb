"""xarray's data store over a group: variables with their dimensions, attributes and encodings."""

import json
import posixpath
from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from xarray import Variable
from xarray.backends.zarr import FillValueCoder, ZarrStore
from xarray.core import indexing

from zarr_py import codecs
from zarr_py._array import Array
from zarr_py._xarray_arrays import Batch, Elements

if TYPE_CHECKING:
    from zarr_py._group import Group

__all__ = ["DIMENSIONS", "DataStore", "attribute", "dimensions", "format_of"]

DIMENSIONS = "_ARRAY_DIMENSIONS"
"""The attribute with the names of dimensions in Zarr v2."""


class DataStore(ZarrStore):
    """The variables of a group. Their metadata are read when the store is made, in one batch.

    `drop` names variables that are left out, even if their metadata are invalid. `blocks` selects
    the chunks that dask should prefer: `"inner"` chunks or whole `"shards"`.
    """

    def __init__(
        self,
        group: "Group",
        *,
        mode: str = "r",
        drop: frozenset[Hashable] = frozenset(),
        blocks: str = "inner",
        mask: bool | None = None,
        batch: Batch | None = None,
        append_dim: Hashable | None = None,
        region: Any = None,
    ) -> None:
        self.zarr_group = group
        self._mode, self._append_dim, self._write_region = mode, append_dim, region
        self._blocks, self._batch = blocks, batch
        self.zarr_format = format_of(group)
        # Zarr v3 data have `_FillValue` among their attributes.
        self._mask = self.zarr_format == 2 if mask is None else mask
        self._arrays = _arrays(group, drop)

    @property
    def ds(self) -> "Group":
        """The group."""
        group: Group = self.zarr_group
        return group

    def array_keys(self) -> tuple[str, ...]:
        """Returns the names of the arrays."""
        return tuple(self._arrays)

    def arrays(self) -> tuple[tuple[str, Array], ...]:  # type: ignore[override]
        """Returns the arrays with their names."""
        return tuple(self._arrays.items())

    def get_attrs(self) -> dict[str, Any]:
        """Returns the attributes of the group, without those of NCZarr."""
        return {name: value for name, value in self.ds.attrs.asdict().items() if not name.lower().startswith("_nc")}

    def get_dimensions(self) -> dict[Hashable, int]:
        """Returns the length of each dimension.

        Raises `ValueError` if arrays differ in the length of a dimension.
        """
        found: dict[Hashable, int] = {}
        for array in self._arrays.values():
            for name, length in zip(dimensions(array, self._mode == "r"), array.shape, strict=True):
                if found.setdefault(name, length) != length:
                    raise ValueError(f"found conflicting lengths for dimension {name} ({length} != {found[name]})")
        return found

    def open_store_variable(self, name: str) -> Variable:
        """Returns the variable of an array, which is read when it is indexed."""
        array = self._arrays[name]
        dims = dimensions(array, self._mode == "r")
        document = array.metadata
        attributes = document.get("attributes") or {}
        if array._zarr_2() is not None:
            attributes = {key: value for key, value in attributes.items() if key != DIMENSIONS and not key.lower().startswith("_nc")}
        encoding = _encoding(array, document, dims, self._blocks)
        if self._mask:
            fill = _fill_value(array)
            if fill is not None:
                attributes["_FillValue"] = fill
        elif self.zarr_format == 3:
            encoding["fill_value"] = array.fill_value
        if not self._mask and "_FillValue" in attributes:
            attributes["_FillValue"] = FillValueCoder.decode(attributes["_FillValue"], array.dtype)
        batch = self._batch if dims == (name,) else None
        if batch is not None:
            batch.add(array)
        return Variable(dims, indexing.LazilyIndexedArray(Elements(array, batch)), attributes, encoding)

    def get_child_store(self, group: str) -> "DataStore":
        """Returns the store of a group below."""
        return DataStore(self.ds.require_group(group), mode=self._mode, blocks=self._blocks)

    def close(self) -> None:
        """Does nothing: a group holds nothing that must be closed."""


def format_of(group: "Group") -> int:
    """Returns the version of the Zarr format of a group that was opened, without a request."""
    return 3 if group._zarr_2() is None else 2


def _arrays(group: "Group", drop: frozenset[Hashable]) -> dict[str, Array]:
    """Returns the arrays directly below a group."""
    found: dict[str, Array] = {}
    for name, node in group._members():
        if name in drop:
            continue
        if isinstance(node, Exception):
            node.add_note(f"drop_variables={name!r} opens the data set without this variable")
            raise node
        if isinstance(node, Array):
            found[name] = node
    return found


def dimensions(array: Array, try_nczarr: bool) -> tuple[Hashable, ...]:
    """Returns the names of an array's dimensions.

    Raises `KeyError` if the array has none.
    """
    text = array._zarr_2()
    if text is None:
        names = array.dimension_names or ()
        if len(names) != array.ndim:
            raise KeyError(f"/{array.path}: the array has no `dimension_names`, which xarray needs")
        return names
    if DIMENSIONS in array.attrs:
        return tuple(array.attrs[DIMENSIONS])
    references = json.loads(text).get("_NCZARR_ARRAY", {}).get("dimrefs") if try_nczarr else None
    if references is None:
        raise KeyError(f"/{array.path}: the array has neither the attribute {DIMENSIONS!r} nor the metadata of NCZarr, and xarray needs one of them")
    return tuple(posixpath.basename(reference) for reference in references)


def _fill_value(array: Array) -> Any:
    """Returns the fill value; `None` if an array of Zarr v2 has none."""
    text = array._zarr_2()
    return None if text is not None and json.loads(text)["fill_value"] is None else array.fill_value


def _encoding(array: Array, document: Mapping[str, Any], dimensions: tuple[Hashable, ...], blocks: str) -> dict[str, Any]:
    """Returns the encoding of a variable, in the forms that both this package and zarr-python write."""
    sizes: Any = array.chunks
    shards: Any = array.shards
    grid = document["chunk_grid"]
    if (grid if isinstance(grid, str) else grid["name"]) != "regular":
        sizes = _compact(array.read_chunk_sizes)
        shards = None if shards is None else _compact(array.write_chunk_sizes)
    preferred = shards if blocks == "shards" and shards is not None else sizes
    filters, serializer, compressors = codecs.split(document["codecs"])
    encoding: dict[str, Any] = {
        "chunks": sizes,
        "preferred_chunks": dict(zip(dimensions, preferred, strict=True)),
        "compressors": tuple(codec.to_dict() for codec in compressors),
        "filters": tuple(codec.to_dict() for codec in filters),
        "shards": shards,
    }
    if array.dtype.kind == "T":
        encoding["dtype"] = array.dtype
    if array._zarr_2() is None:
        encoding["serializer"] = None if serializer is None else serializer.to_dict()
    return encoding


def _compact(sizes: tuple[tuple[int, ...], ...]) -> tuple[int | tuple[int, ...], ...]:
    """Returns one length for each dimension whose chunks are equal, and all lengths for others."""
    def one(lengths: tuple[int, ...]) -> int | tuple[int, ...]:
        if not lengths:
            return (0,)
        return lengths[0] if len(set(lengths[:-1])) <= 1 and lengths[-1] <= lengths[0] else lengths

    return tuple(map(one, sizes))


def attribute(value: Any) -> Any:
    """Returns an attribute as JSON can hold it: without arrays and scalars of NumPy."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, list | tuple):
        return [attribute(one) for one in value]
    if isinstance(value, Mapping):
        return {name: attribute(one) for name, one in value.items()}
    return value
