"""What the caller of `create_array` says, as the engine takes it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from zarr_py._attributes import to_json

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
    chunks: int | Sequence[int] | str | None = None,
    shards: int | Sequence[int] | None = None,
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
    lengths = [shape] if isinstance(shape, int) else [int(length) for length in shape]
    return NewArray(
        shape=lengths,
        data_type=data_type,
        chunks=_shape(chunks, len(lengths)),
        shards=_shape(shards, len(lengths)),
        filters=_codecs(filters) or [],
        serializer=None if isinstance(serializer, str) and serializer == "auto" else _codec(serializer),
        compressors=[] if compressors is None else _codecs(compressors),
        fill_value=None if fill_value is None else _fill_bytes(fill_value, data_type),
        attributes=to_json(attributes),
        dimension_names=None if dimension_names is None else list(dimension_names),
        chunk_key_encoding=None if chunk_key_encoding is None else _codec(chunk_key_encoding),
    )


def _shape(shape: int | Sequence[int] | str | None, rank: int) -> list[int] | None:
    if shape is None or shape == "auto":
        return None
    if isinstance(shape, str):
        raise ValueError(f"expected a shape, 'auto' or None, got {shape!r}")
    return [shape] * rank if isinstance(shape, int) else [int(length) for length in shape]


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
