"""Turns the arguments of `create_array` into the description that the engine takes."""

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from zarr_py._attributes import to_json
from zarr_py._checks import nearest, unknown
from zarr_py._codecs import Codec, Codecs, codec, codecs
from zarr_py._option_names import StoreOptions
from zarr_py._shapes import chunk_grid, chunk_shape, lengths, shard_shape
from zarr_py.errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["ArrayOptions", "NewArray", "as_data", "check_names", "new_array"]


class ArrayOptions(TypedDict, total=False):
    """The array properties that `create_array` accepts."""

    shape: int | Sequence[int] | None
    dtype: Any
    data: Any
    chunks: int | Sequence[int | Sequence[int]] | str | bool | None
    shards: int | Sequence[int] | str | bool | None
    filters: Codecs | None
    serializer: Codec
    compressors: Codecs | None
    fill_value: Any
    attributes: Mapping[str, Any] | None
    dimension_names: Sequence[str | None] | None
    chunk_key_encoding: Codec | None


_ELSEWHERE = {
    "compressor": "compressors=[...], or compressors=None for none",
    "compression": "compressors=[...], or compressors=None for none",
    "order": "filters=[{'name': 'transpose', ...}]",
    "object_codec": "dtype=str or dtype=bytes",
    "dimension_separator": "chunk_key_encoding={'name': 'v2', 'configuration': {'separator': '/'}}",
    "zarr_format": "nothing: arrays are Zarr v3, or Zarr v2 in a Zarr v2 group",
    "zarr_version": "nothing: arrays are Zarr v3, or Zarr v2 in a Zarr v2 group",
    "maxshape": "nothing: every array can be resized",
    "attrs": "attributes={...}",
    "dims": "dimension_names=[...]",
    "name": "the path as the second argument",
    "storage_options": "the options themselves as keywords, or config={...}",
    "consolidated": "use_consolidated=True or False",
}
"""Keywords of other libraries, with the keyword to write instead."""


def check_names(names: Mapping[str, Any], function: str, known: Iterable[str], *, options: bool) -> None:
    """Refuses keywords that are not `known`; if store options may follow, only likely mistakes.

    Raises `TypeError` with the keyword to write instead.
    """
    known = list(known)
    for name in names:
        if name in known:
            continue
        if name in _ELSEWHERE:
            raise ArgumentError(f"{function}: unknown keyword {name!r}; write {_ELSEWHERE[name]}")
        is_option = options and name in StoreOptions.__annotations__
        if not options or (not is_option and nearest(name, known) is not None):
            raise unknown(function, name, known)


class NewArray(NamedTuple):
    """The description of a new array: extensions as JSON, `None` for defaults of the engine."""

    shape: list[int]
    data_type: str
    chunks: list[int] | None
    shards: list[int] | None
    chunk_grid: str | None
    filters: list[str]
    serializer: str | None
    compressors: list[str] | None
    fill_value: bytes | None
    attributes: str
    dimension_names: list[str | None] | None
    chunk_key_encoding: str | None


def new_array(
    *,
    shape: int | Sequence[int] | None = None,
    dtype: Any = None,
    data: "npt.NDArray[Any] | None" = None,
    chunks: int | Sequence[int | Sequence[int]] | str | bool | None = None,
    shards: int | Sequence[int] | str | bool | None = None,
    filters: Codecs | None = None,
    serializer: Codec = "auto",
    compressors: Codecs | None = "auto",
    fill_value: Any = None,
    attributes: Mapping[str, Any] | None = None,
    dimension_names: Sequence[str | None] | None = None,
    chunk_key_encoding: Codec | None = None,
) -> NewArray:
    """Returns the description of an array; see `zarr_py.create_array`."""
    from zarr_py._dtypes import from_numpy

    if data is not None:
        shape = data.shape if shape is None else shape
        dtype = data.dtype if dtype is None else dtype
    if shape is None:
        raise TypeError("shape: expected an integer or a sequence of integers, or data")
    if dtype is None:
        raise TypeError("dtype: expected a data type, or data")
    data_type = json.dumps(from_numpy(dtype))
    array_shape = lengths(shape, "shape")
    if data is not None and list(data.shape) != array_shape:
        raise ValueError(f"data: shape {data.shape} differs from the shape of the array, {tuple(array_shape)}")
    grid = chunk_grid(chunks)
    if grid is not None and shards:
        raise ValueError("chunks: lists of lengths are only for arrays without shards")
    chunk = chunk_shape(chunks, len(array_shape)) if grid is None else None
    item_size = partial(_item_size, data_type)
    return NewArray(
        shape=array_shape,
        data_type=data_type,
        chunks=chunk,
        shards=shard_shape(shards, array_shape, chunk, item_size),
        chunk_grid=None if grid is None else json.dumps(grid),
        filters=codecs(filters, item_size, "filters") or [],
        serializer=None if isinstance(serializer, str) and serializer == "auto" else codec(serializer, item_size, "serializer"),
        compressors=[] if compressors is None else codecs(compressors, item_size, "compressors"),
        fill_value=None if fill_value is None else _fill_bytes(fill_value, data_type),
        attributes=to_json(attributes),
        dimension_names=_names(dimension_names),
        chunk_key_encoding=None if chunk_key_encoding is None else codec(chunk_key_encoding, item_size, "chunk_key_encoding"),
    )


def _names(names: Sequence[str | None] | None) -> list[str | None] | None:
    if names is None:
        return None
    if isinstance(names, str):
        raise TypeError(f"dimension_names: expected one name or None for each dimension, got {names!r}")
    for name in names:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"dimension_names: expected strings or None, got {name!r}")
    return list(names)


def _item_size(data_type: str) -> int:
    """Returns the size of an element in memory, in bytes; 1 for variable-size elements."""
    from zarr_py._dtypes import to_numpy

    dtype = to_numpy(data_type)
    return 1 if dtype.kind in "TO" else dtype.itemsize


def _fill_bytes(value: Any, data_type: str) -> bytes:
    """Returns the bytes of a fill value."""
    import numpy as np

    from zarr_py._dtypes import to_memory, to_numpy

    dtype = to_numpy(data_type)
    if dtype.kind == "T":
        return str(value).encode()
    if dtype.kind == "O":
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"fill_value: expected bytes, got {value!r}")
        return bytes(value)
    if dtype.kind == "V" and dtype.fields is None and isinstance(value, bytes):
        value = np.void(value)
    try:
        element = to_memory(value, dtype)
    except (OverflowError, TypeError, ValueError) as error:
        raise type(error)(f"fill_value: {value!r} is no {dtype}: {error}") from None
    if element.ndim > 0:
        raise TypeError(f"fill_value: expected one element, got {value!r}")
    return element.tobytes()


def as_data(data: Any) -> "npt.NDArray[np.generic] | None":
    """Returns the elements for a new array as a NumPy array."""
    import numpy as np

    return None if data is None else np.asanyarray(data)
