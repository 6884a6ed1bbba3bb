"""What the caller of `create_array` says, as the engine takes it."""

import json
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypedDict

from zarr_py._attributes import to_json
from zarr_py._codecs import Codec, Codecs, codec, codecs
from zarr_py._shapes import chunk_shape, lengths, shard_shape

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["ArrayOptions", "NewArray", "as_data", "check_names", "new_array"]


class ArrayOptions(TypedDict, total=False):
    """What `create_array` takes of an array."""

    shape: int | Sequence[int] | None
    dtype: Any
    data: Any
    chunks: int | Sequence[int] | str | bool | None
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
    "zarr_format": "nothing: arrays are of Zarr 3, or of Zarr 2 in a group of Zarr 2",
    "zarr_version": "nothing: arrays are of Zarr 3, or of Zarr 2 in a group of Zarr 2",
    "maxshape": "nothing: every array can be resized",
    "attrs": "attributes={...}",
    "name": "the path as the second argument",
}
"""Names that other libraries have for what we call otherwise."""


def check_names(names: Mapping[str, Any], function: str, *, options: bool) -> None:
    """Refuses keywords that are none of an array's: all of them, or, where options of a store may follow, those that look like a
    mistake.

    Raises `TypeError` with what to write instead.
    """
    for name in names:
        if name in ArrayOptions.__annotations__:
            continue
        if name in _ELSEWHERE:
            raise TypeError(f"{function}: no keyword {name!r}; write {_ELSEWHERE[name]}")
        near = get_close_matches(name, ArrayOptions.__annotations__, n=1, cutoff=0.75)
        if near or not options:
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise TypeError(f"{function}: no keyword {name!r}{hint}")


class NewArray(NamedTuple):
    """An array to be created: extensions as JSON, `None` where the engine has a default."""

    shape: list[int]
    data_type: str
    chunks: list[int] | None
    shards: list[int] | None
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
    chunks: int | Sequence[int] | str | bool | None = None,
    shards: int | Sequence[int] | str | bool | None = None,
    filters: Codecs | None = None,
    serializer: Codec = "auto",
    compressors: Codecs | None = "auto",
    fill_value: Any = None,
    attributes: Mapping[str, Any] | None = None,
    dimension_names: Sequence[str | None] | None = None,
    chunk_key_encoding: Codec | None = None,
) -> NewArray:
    """The description of an array; see `zarr_py.create_array`."""
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
        raise ValueError(f"data: shape {data.shape} is not the shape of the array, {tuple(array_shape)}")
    chunk = chunk_shape(chunks, len(array_shape))
    item_size = partial(_item_size, data_type)
    return NewArray(
        shape=array_shape,
        data_type=data_type,
        chunks=chunk,
        shards=shard_shape(shards, array_shape, chunk, item_size),
        filters=codecs(filters, item_size) or [],
        serializer=None if isinstance(serializer, str) and serializer == "auto" else codec(serializer, item_size),
        compressors=[] if compressors is None else codecs(compressors, item_size),
        fill_value=None if fill_value is None else _fill_bytes(fill_value, data_type),
        attributes=to_json(attributes),
        dimension_names=_names(dimension_names),
        chunk_key_encoding=None if chunk_key_encoding is None else codec(chunk_key_encoding, item_size),
    )


def _names(names: Sequence[str | None] | None) -> list[str | None] | None:
    if names is None:
        return None
    if isinstance(names, str):
        raise TypeError(f"dimension_names: expected one name or None for each dimension, got {names!r}")
    for name in names:
        if name is not None and not isinstance(name, str):
            raise TypeError(f"dimension_names: expected texts or None, got {name!r}")
    return list(names)


def _item_size(data_type: str) -> int:
    """The bytes of an element in memory; 1 where elements have any size."""
    from zarr_py._dtypes import to_numpy

    dtype = to_numpy(data_type)
    return 1 if dtype.kind in "TO" else dtype.itemsize


def _fill_bytes(value: Any, data_type: str) -> bytes:
    """The bytes of an element."""
    import numpy as np

    from zarr_py._dtypes import to_memory, to_numpy

    dtype = to_numpy(data_type)
    if dtype.kind == "T":
        return str(value).encode()
    if dtype.kind == "O":
        return bytes(value)
    if dtype.kind == "V" and dtype.fields is None and isinstance(value, bytes):
        value = np.void(value)
    return to_memory(value, dtype).tobytes()


def as_data(data: Any) -> "npt.NDArray[np.generic] | None":
    """Elements that a new array is to hold, as an array of NumPy."""
    import numpy as np

    return None if data is None else np.asanyarray(data)
