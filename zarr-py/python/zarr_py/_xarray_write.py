"""`zarr_py.xarray.to_zarr`: writes a data set, with the semantics of `xarray.Dataset.to_zarr`."""

import json
from collections.abc import Hashable, Iterator, Mapping, Sequence
from inspect import signature
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from xarray import Dataset, DataTree, Variable, conventions
from xarray.backends.common import _encode_variable_name
from xarray.backends.zarr import (
    FillValueCoder,
    _choose_default_mode,
    _validate_and_transpose_existing_dims,
    _validate_datatypes_for_zarr_append,
    encode_zarr_variable,
)
from xarray.coding.strings import check_vlen_dtype

from zarr_py._array import Array
from zarr_py._attributes import Bare
from zarr_py._copy import format_above
from zarr_py._group import Group
from zarr_py._kept import check_kept
from zarr_py._region import within
from zarr_py._xarray_arrays import each
from zarr_py._xarray_encoding import attributes, codec, extracted, lengths, whole
from zarr_py._xarray_groups import blank, consolidate, opened, place_of
from zarr_py._xarray_store import DIMENSIONS, DataStore, dimensions

if TYPE_CHECKING:
    from zarr_py._region import Region

__all__ = ["to_zarr"]

_KEEPS_STRINGS = "zarr_format" in signature(encode_zarr_variable).parameters
"""Whether this version of xarray stores NumPy's strings of any length as they are."""

type Sizes = Mapping[Any, Any] | Sequence[int] | int | str | None
"""Lengths for all variables: by dimension, or by variable and then in either form."""


def to_zarr(
    dataset: "Dataset | DataTree",
    store: Any,
    mode: str | None = None,
    group: str | None = None,
    encoding: Mapping[Any, Mapping[str, Any]] | None = None,
    *,
    chunks: Sizes = None,
    shards: Sizes = None,
    compute: bool = True,
    consolidated: bool | None = None,
    append_dim: Hashable | None = None,
    region: Any = None,
    storage_options: Mapping[str, Any] | None = None,
    zarr_format: int | None = None,
    dask_options: Mapping[str, Any] | None = None,
    write_inherited_coords: bool = False,
) -> Any:
    """Writes a data set or a tree, and returns its group; with `compute=False`, a delayed write of dask.

    Blocks of dask need not match chunks or shards: they are regrouped along stored objects, and
    writers of one object merge. There is therefore no `safe_chunks` and no `align_chunks`. Chunks
    of only fill values are not stored.

    Parameters
    ----------
    dataset, mode, group, encoding, compute, append_dim, region, storage_options
        As for `xarray.Dataset.to_zarr`. Options of the store are named as in `zarr_py.Store`.
        Several writers may append at once: each gets its own part of `append_dim`.
    store
        A URL, a path, a group, or any store that `zarr_py.open_group` accepts.
    chunks, shards
        The shapes of chunks and shards of new variables that `encoding` does not give: a mapping of
        dimensions to lengths (a missing dimension has its whole length), or a mapping of variables
        to such mappings, shapes or `"auto"`. `"auto"` is for all variables.
    consolidated
        Whether the root group gets consolidated metadata, in one write at the end; by default, it
        does, except with mode `"r+"`.
    zarr_format
        The format of a new hierarchy: 3, which is the default, or 2.
    dask_options
        Options for `dask.compute`.
    write_inherited_coords
        Whether the groups of a tree repeat the coordinates that they inherit. The `encoding` of a
        tree is a mapping of the paths of groups to that of each group.

    Raises `InvalidError` if `mode="w"` would delete arrays that the data set reads.
    """
    mode = _choose_default_mode(mode=mode, append_dim=append_dim, region=region)  # type: ignore[arg-type]
    place, above = place_of(store, group, dict(storage_options or {}))
    groups = list(_groups(dataset, encoding or {}, write_inherited_coords, append_dim))
    _check_arguments([one for _, one, _ in groups], {"chunks": chunks, "shards": shards}, zarr_format)
    if mode == "w":
        check_kept([one for _, one, _ in groups], place, above)
    # Errors come before a group is deleted or created.
    instead = blank(format_above(place, above) or zarr_format) if mode in ("w", "w-") else None
    targets: list[_Target] = []
    for path, one, given in groups:
        found = instead or opened(place, f"{above}/{path}".strip("/"), mode, zarr_format)
        target = _Target(found, mode=mode, append_dim=append_dim, region=dict(region) if isinstance(region, Mapping) else region)
        target.chunks, target.shards = chunks, shards
        target.arrange(one, dict(given))
        targets.append(target)
    writes: list[_Write] = []
    for target, (path, _, _) in zip(targets, groups, strict=True):
        if instead is not None:
            target.zarr_group = opened(place, f"{above}/{path}".strip("/"), mode, zarr_format)
        writes += target.create()
    delayed = _written(writes, compute, dict(dask_options or {}))
    if mode not in ("r", "r+"):
        each(lambda target: target.ds.set_attrs(target.attributes), targets)
    if consolidated or (consolidated is None and mode != "r+"):
        consolidate(targets[0].ds, any(target.is_new for target in targets))
    return targets[0].ds if compute else delayed


def _groups(
    dataset: "Dataset | DataTree", encoding: Mapping[Any, Any], inherits: bool, append_dim: Any
) -> "Iterator[tuple[str, Dataset, Mapping[Any, Any]]]":
    """Yields the path, data set and encoding of each group, the group above first."""
    if not isinstance(dataset, DataTree):
        yield "", dataset, encoding
        return
    if append_dim is not None:
        raise NotImplementedError("append_dim: the groups of a tree are appended to one by one")
    unknown = set(encoding) - set(dataset.groups)
    if unknown:
        raise ValueError(f"unexpected encoding group name(s) provided: {unknown}")
    for path, node in dataset.subtree_with_keys:
        yield path.strip("."), node.to_dataset(inherit=inherits or node is dataset), encoding.get(node.path, {})


class _Write(NamedTuple):
    """Data for an array, or for the part of an array that this writer owns."""

    data: Any
    array: "Array | Region"


class _Target(DataStore):
    """The group that a data set is written to."""

    chunks: Sizes = None
    shards: Sizes = None
    is_new = False
    """Whether arrays were created."""
    attributes: Mapping[str, Any] = {}
    """The attributes of the group."""
    _described: list[tuple[Any, Variable, dict[str, Any]]]
    """The variables, with the arguments of `create_array` for new ones."""

    def encode_variable(self, variable: Variable, name: Hashable | None = None) -> Variable:
        """Encodes a variable as Zarr can hold it."""
        options: dict[str, Any] = {"zarr_format": self.zarr_format} if _KEEPS_STRINGS else {}
        encoded: Variable = encode_zarr_variable(variable, name=name, **options)
        return encoded

    def arrange(self, dataset: "Dataset", encoding: dict[Any, Any]) -> None:
        """Encodes variables, and finds all errors in them, before anything is stored."""
        dataset = self._validate_and_autodetect_region(dataset)
        self._validate_encoding(encoding)
        variables, found = conventions.encode_dataset_coordinates(dataset)
        self.attributes = attributes(found)
        for name, given in encoding.items():
            if name not in variables:
                raise KeyError(f"encoding: the data set has no variable {name!r}")
            variables[name].encoding = given
        self._arrange(variables, frozenset(encoding))

    def create(self) -> list[_Write]:
        """Creates and grows arrays, and returns the data to write to them."""
        start = self._reserved()
        if start is not None:
            self._extend_others(start)
        self.is_new = self._mode in ("w", "w-") or any(arguments for _, _, arguments in self._described)
        return each(lambda item: self._write(*item, start), self._described)

    def _arrange(self, variables: Mapping[Any, Variable], checked: frozenset[Any]) -> None:
        existing = set() if self._mode == "w" else set(self.array_keys())
        present = {name for name in variables if _encode_variable_name(name) in existing}
        if self._mode == "r+" and (new := [name for name in variables if name not in present]):
            raise ValueError(
                f"dataset contains non-pre-existing variables {new!r}, which is not allowed in "
                "``xarray.Dataset.to_zarr()`` with ``mode='r+'``. To allow writing new variables, set ``mode='a'``.")
        if self._append_dim is not None and self._append_dim not in existing:
            dimensions = self.get_dimensions()
            if self._append_dim not in dimensions:
                raise ValueError(f"append_dim={self._append_dim!r} does not match any existing dataset dimensions {dimensions}")
        encoded = self._encoded({name: variables[name] for name in variables if name not in present})
        encoded.update(self._like_stored({name: variables[name] for name in variables if name in present}))
        if self._mode == "a-" and self._append_dim is not None:
            encoded = {name: one for name, one in encoded.items() if name not in present or self._append_dim in one.dims}
        self._described = [(name, one, {} if name in present else self._arguments(name, one, name in checked)) for name, one in encoded.items()]
        trial = blank(self.zarr_format)
        for name, _, arguments in self._described:
            if arguments:
                _created(trial, _encode_variable_name(name), arguments)

    def _encoded(self, variables: Mapping[Any, Variable]) -> dict[Any, Variable]:
        encoded = {}
        for name, variable in variables.items():
            try:
                encoded[name] = self.encode_variable(variable)
            except Exception as error:
                error.add_note(f"Raised while encoding variable {name!r} with value {variable!r}")
                raise
        return encoded

    def _like_stored(self, variables: dict[Any, Variable]) -> dict[Any, Variable]:
        """Encodes variables exactly as the stored arrays of these names."""
        if not variables:
            return {}
        stored, _, _ = conventions.decode_cf_variables({name: self.open_store_variable(_encode_variable_name(name)) for name in variables}, {})
        same: dict[Any, Variable] = {}
        for name, variable in variables.items():
            _validate_datatypes_for_zarr_append(name, stored[name], variable)
            same[name] = variable.copy(deep=False)
            same[name].encoding = stored[name].encoding
        same = self._encoded(same)
        for name in same:
            same[name] = _validate_and_transpose_existing_dims(name, same[name], stored[name], self._write_region, self._append_dim)
        return same

    def _arguments(self, name: Any, variable: Variable, checked: bool) -> dict[str, Any]:
        """Returns the arguments of `create_array` for a variable.

        Raises `ValueError` for an unknown encoding.
        """
        attrs, encoding = dict(variable.attrs), variable.encoding
        fill = None
        if self._mask:
            fill = attrs.pop("_FillValue", None)
        else:
            fill = encoding.pop("fill_value", None)
            if fill is None and variable.dtype.kind == "f":
                fill = np.nan
            if attrs.get("_FillValue") is not None:
                attrs["_FillValue"] = FillValueCoder.encode(attrs["_FillValue"], variable.dtype)
            else:
                attrs.pop("_FillValue", None)
        if encoding.pop("_FillValue", None) is not None:
            raise ValueError("Zarr does not support _FillValue in encoding.")
        given = extracted(variable, checked, name, self.zarr_format)
        chunks, shards = given.get("chunks"), given.get("shards")
        if self._rules(self.chunks, "chunks", variable, checked):
            chunks = lengths(self.chunks, name, variable)
        chunks = None if chunks is None or isinstance(chunks, str) else tuple(max(length, 1) for length in chunks)
        if self._rules(self.shards, "shards", variable, checked):
            shards = whole(lengths(self.shards, name, variable), chunks)
        kept = {key: codec(given[key]) for key in ("filters", "serializer", "compressors", "chunk_key_encoding") if given.get(key) is not None}
        if "compressors" in given and given["compressors"] is None:
            kept["compressors"] = None
        if self.zarr_format == 2:
            kept.setdefault("chunk_key_encoding", {"name": "v2", "configuration": {"separator": "."}})
        if self.zarr_format == 2:
            attrs[DIMENSIONS] = list(variable.dims)
        return {
            **kept,
            "chunks": chunks,
            "shards": shards,
            "shape": variable.shape,
            "dtype": str if check_vlen_dtype(variable.dtype) is str else variable.dtype,
            "fill_value": fill,
            "attributes": attributes(attrs),
            "dimension_names": None if self.zarr_format == 2 else list(variable.dims),
        }

    def _rules(self, rule: Sizes, what: str, variable: Variable, checked: bool) -> bool:
        """Whether a rule, rather than the encoding of a variable, gives its chunks or shards."""
        return rule is not None and variable.ndim > 0 and not (checked and variable.encoding.get(what) is not None)

    def _reserved(self) -> int | None:
        """Reserves a part of `append_dim` in one array, which decides for all; returns its start."""
        growing = sorted(
            ((name, one) for name, one, arguments in self._described if not arguments and self._append_dim in one.dims),
            key=lambda item: (item[0] != self._append_dim, str(item[0])))
        if self._append_dim is None or not growing:
            return None
        name, first = growing[0]
        axis = first.dims.index(self._append_dim)
        return self._arrays[_encode_variable_name(name)].reserve(first.shape[axis], axis).start

    def _write(self, name: Any, variable: Variable, described: dict[str, Any], start: int | None) -> _Write:
        key, dims = _encode_variable_name(name), variable.dims
        axis = None if start is None or self._append_dim not in dims else dims.index(self._append_dim)
        end = 0 if axis is None else (start or 0) + variable.shape[axis]
        if described:
            if axis is not None:
                described = {**described, "shape": (*variable.shape[:axis], end, *variable.shape[axis + 1:])}
            array = _created(self.ds, key, described, overwrite=self._mode == "w")
            if self.zarr_format == 2 and described["fill_value"] is None:
                _without_fill_value(array)
            if axis is None:
                return _Write(variable.data, array)
        else:
            array = self._arrays[key]
        region = self._write_region or {}
        parts = [slice(*region.get(dim, slice(None)).indices(length)[:2]) for dim, length in zip(dims, array.shape, strict=True)]
        if axis is None:
            return _Write(variable.data, within(array, None, parts) if region else array)
        array._grow(axis, 0, end)
        parts[axis] = slice(start, end)
        return _Write(variable.data, within(array, axis, parts))

    def _extend_others(self, start: int) -> None:
        """Extends arrays that the data set lacks to the end of an append: a dimension has one length."""
        appended = {_encode_variable_name(name): one for name, one, _ in self._described if self._append_dim in one.dims}
        end = start + next(iter(appended.values())).sizes[self._append_dim]
        for key, array in self._arrays.items():
            dims = dimensions(array, False)
            if key not in appended and self._append_dim in dims:
                array._grow(dims.index(self._append_dim), 0, end)


def _created(group: Group, key: str, described: Mapping[str, Any], *, overwrite: bool = False) -> Array:
    """Creates an array without elements."""
    attrs = described["attributes"]
    # New documents have no bare words, but a change may add them.
    plain = {**described, "attributes": {}} if isinstance(attrs, Bare) else described
    array: Array = group.create_array(key, overwrite=overwrite, **plain)
    if plain is not described:
        array.set_attrs(attrs)
    return array


def _written(writes: list[_Write], compute: bool, options: dict[str, Any]) -> Any:
    """Writes data in memory, then the data of dask."""
    from xarray.namedarray.pycompat import is_chunked_array

    lazy = [write for write in writes if is_chunked_array(write.data)]
    each(_write_now, [write for write in writes if not is_chunked_array(write.data)])
    if lazy:
        from zarr_py.dask import store

        return store([write.data for write in lazy], [write.array for write in lazy], compute=compute, **options)
    if compute:
        return None
    from dask import delayed

    return delayed(None)


def _write_now(write: _Write) -> None:
    data = np.asarray(write.data)
    if isinstance(write.array, Array):
        write.array[...] = data
    else:
        write.array.write(data)


def _without_fill_value(array: Array) -> None:
    """Removes the fill value of an array of Zarr v2: xarray reads it as missing elements."""
    key = f"{array.path}/.zarray"
    text = array._store.get_sync(key)
    if text is not None:
        document = json.loads(bytes(text))
        array._store.set_sync(key, json.dumps({**document, "fill_value": None}, indent=2).encode())


def _check_arguments(datasets: "Sequence[Dataset]", rules: Mapping[str, Sizes], zarr_format: int | None) -> None:
    if zarr_format not in (None, 2, 3):
        raise ValueError(f"zarr_format: expected 2 or 3, got {zarr_format!r}")
    for dataset in datasets:
        if not isinstance(dataset, Dataset):
            raise TypeError(f"dataset: expected a Dataset or a DataTree, got {type(dataset).__name__}")
        _check_names(dataset)
    known = {name for dataset in datasets for name in (*dataset.variables, *dataset.dims)}
    for what, rule in rules.items():
        if isinstance(rule, Mapping) and (unknown := set(rule) - known):
            raise ValueError(f"{what}: the data set has no variables and no dimensions {sorted(unknown, key=str)}")


def _check_names(dataset: "Dataset") -> None:
    for name in dataset.variables:
        if not isinstance(name, str | None):
            raise TypeError(f"Invalid name {name!r} for a variable: expected a string or None")
        if name == "":
            raise ValueError("Invalid name '' for a variable: string must be length 1 or greater, or None")
