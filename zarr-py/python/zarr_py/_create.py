"""What the caller of `create_array` says, as the engine takes it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zarr_py._attributes import to_json
from zarr_py._shapes import chunk_shape, lengths, shard_shape

__all__ = ["NewArray", "new_array"]

Codec = str | Mapping[str, Any]
Codecs = Sequence[Codec] | Codec


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
    shape: int | Sequence[int],
    dtype: Any,
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

    data_type = json.dumps(from_numpy(dtype))
    array_shape = lengths(shape, "shape")
    chunk = chunk_shape(chunks, len(array_shape))
    return NewArray(
        shape=array_shape,
        data_type=data_type,
        chunks=chunk,
        shards=shard_shape(shards, array_shape, chunk, _item_size(data_type)),
        filters=_codecs(filters) or [],
        serializer=None if isinstance(serializer, str) and serializer == "auto" else _codec(serializer),
        compressors=[] if compressors is None else _codecs(compressors),
        fill_value=None if fill_value is None else _fill_bytes(fill_value, data_type),
        attributes=to_json(attributes),
        dimension_names=_names(dimension_names),
        chunk_key_encoding=None if chunk_key_encoding is None else _codec(chunk_key_encoding),
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


def _codecs(codecs: Codecs | None) -> list[str] | None:
    """Codecs as JSON; `None` where the default is wanted."""
    if codecs is None or codecs == "auto":
        return None
    if isinstance(codecs, Sequence) and not isinstance(codecs, str):
        return [_codec(codec) for codec in codecs]
    return [_codec(codecs)]


def _codec(codec: Any) -> str:
    """A codec by its name, its object in metadata, or an object of zarr-python."""
    if hasattr(codec, "to_dict"):
        codec = codec.to_dict()
    if isinstance(codec, str):
        codec = {"name": codec}
    return json.dumps(codec)


def _item_size(data_type: str) -> int:
    """The bytes of an element in memory, about those of a short text where elements have any size."""
    from zarr_py._dtypes import to_numpy

    dtype = to_numpy(data_type)
    return 16 if dtype.kind in "TO" else dtype.itemsize


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
