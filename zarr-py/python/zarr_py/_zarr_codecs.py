"""Additional codecs for zarr-python, which run in the engine.

zarr-python finds the codecs by the entry points of this package. In `zarr_py.CodecPipeline`, the
engine runs them with all other codecs of an array; in a pipeline of zarr-python, each chunk is one
call.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from zarr.abc.codec import ArrayArrayCodec, ArrayBytesCodec, BytesBytesCodec
from zarr.registry import get_codec_class, register_codec

from zarr_py._native import NativePipeline, NativeStore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zarr.core.array_spec import ArraySpec
    from zarr.core.buffer import Buffer, NDBuffer
    from zarr.core.common import JSON

__all__ = ["CODECS", "Bitround", "Conditional", "N5Default", "Packbits", "Reshape", "Zfp", "register"]


@dataclass(frozen=True)
class _Ours:
    """A codec, given by its configuration in metadata."""

    configuration: Mapping[str, Any] = field(default_factory=dict)
    alias: str = ""
    """The name in metadata, if it differs from `name`."""

    name: ClassVar[str] = ""
    legacy: ClassVar[tuple[str, ...]] = ()
    """Names before the codec was registered."""

    @classmethod
    def from_dict(cls, data: dict[str, JSON]) -> Self:
        configuration = data.get("configuration") or {}
        if not isinstance(configuration, dict):
            raise TypeError(f"codec {cls.name!r}: expected an object as its configuration, got {configuration!r}")
        name = data["name"]
        return cls(configuration, "" if name == cls.name else str(name))

    def to_dict(self) -> dict[str, JSON]:
        configuration, name = dict(self.configuration), self.alias or self.name
        return {"name": name, "configuration": configuration} if configuration else {"name": name}

    def __hash__(self) -> int:
        return hash((self.name, json.dumps(self.to_dict(), sort_keys=True)))

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        raise NotImplementedError


def _engine(spec: ArraySpec, *codecs: dict[str, JSON]) -> NativePipeline:
    """Returns the engine's pipeline for one chunk with these codecs."""
    data_type = spec.dtype.to_json(zarr_format=3)
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(spec.shape),
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(spec.shape)}},
        "chunk_key_encoding": {"name": "default"},
        "fill_value": spec.dtype.to_json_scalar(spec.fill_value, zarr_format=3),
        "codecs": list(codecs),
    }
    return NativePipeline(NativeStore.memory(), json.dumps(document).encode(), 3)


def _native(spec: ArraySpec) -> np.dtype[Any]:
    return spec.dtype.to_native_dtype().newbyteorder("=")


def _elements(array: NDBuffer, spec: ArraySpec) -> np.ndarray[Any, Any]:
    """Returns the elements in C order and native byte order, as bytes."""
    found = np.ascontiguousarray(array.as_numpy_array(), dtype=_native(spec))
    return found.reshape(-1).view("u1")


class _ToBytes(_Ours, ArrayBytesCodec):
    """A codec that turns elements into bytes."""

    is_fixed_size = False

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        decoded = _engine(chunk_spec, self.to_dict()).decode(chunk_bytes.to_bytes())
        found = np.frombuffer(bytearray(decoded), _native(chunk_spec)).reshape(chunk_spec.shape)
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(found.astype(chunk_spec.dtype.to_native_dtype(), copy=False))

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> NDBuffer:
        return self._decode_sync(chunk_bytes, chunk_spec)

    def _encode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        encoded = _engine(chunk_spec, self.to_dict()).encode(_elements(chunk_array, chunk_spec))
        return chunk_spec.prototype.buffer.from_bytes(bytes(encoded))

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> Buffer | None:
        return self._encode_sync(chunk_array, chunk_spec)


class Packbits(_ToBytes):
    """`packbits`: packs elements of a few bits side by side."""

    name = "packbits"


class Zfp(_ToBytes):
    """`zfp`: compresses numbers, with or without loss."""

    name = "zfp"
    legacy = ("zarrs.zfp", "https://codec.zarrs.dev/array_to_bytes/zfp")


class N5Default(_ToBytes):
    """`n5_default`: chunks in the format of N5."""

    name = "n5_default"


class _ToArray(_Ours, ArrayArrayCodec):
    """A codec that turns an array into another array."""

    is_fixed_size = True

    def _decode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> NDBuffer:
        raise NotImplementedError

    def _encode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> NDBuffer | None:
        raise NotImplementedError

    async def _decode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> NDBuffer:
        return self._decode_sync(chunk_array, chunk_spec)

    async def _encode_single(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> NDBuffer | None:
        return self._encode_sync(chunk_array, chunk_spec)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: ArraySpec) -> int:
        return input_byte_length


class Bitround(_ToArray):
    """`bitround`: rounds floats to fewer bits of mantissa."""

    name = "bitround"
    legacy = ("https://codec.zarrs.dev/array_to_array/bitround", "https://codec.zarrs.dev/array_to_bytes/bitround")

    def _decode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> NDBuffer:
        return chunk_array

    def _encode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> NDBuffer | None:
        little: dict[str, JSON] = {"name": "bytes", "configuration": {"endian": "little"}}
        encoded = _engine(chunk_spec, self.to_dict(), little).encode(_elements(chunk_array, chunk_spec))
        found = np.frombuffer(bytearray(encoded), _native(chunk_spec).newbyteorder("<")).reshape(chunk_spec.shape)
        return chunk_spec.prototype.nd_buffer.from_ndarray_like(found.astype(chunk_spec.dtype.to_native_dtype(), copy=False))


class Reshape(_ToArray):
    """`reshape`: gives a chunk another shape with the same elements."""

    name = "reshape"

    def _shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the encoded shape: products of dimensions, lengths, and -1 for the rest."""
        found = [
            prod(shape[axis] for axis in one) if isinstance(one, list | tuple) else int(one)
            for one in self.configuration["shape"]
        ]
        known = prod(length for length in found if length != -1)
        return tuple(prod(shape) // known if length == -1 else length for length in found)

    def resolve_metadata(self, chunk_spec: ArraySpec) -> ArraySpec:
        return replace(chunk_spec, shape=self._shape(chunk_spec.shape))

    def _decode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> NDBuffer:
        return chunk_array.reshape(chunk_spec.shape)

    def _encode_sync(self, chunk_array: NDBuffer, chunk_spec: ArraySpec) -> NDBuffer | None:
        return chunk_array.reshape(self._shape(chunk_spec.shape))


class Conditional(_Ours, BytesBytesCodec):
    """`conditional`: codecs that a chunk applies if they make it smaller.

    The codecs inside are those of zarr-python, which may know more of them than the engine.
    """

    name = "conditional"
    is_fixed_size = False

    def _codecs(self, chunk_spec: ArraySpec) -> list[Any]:
        """Returns the codecs inside."""
        named: list[dict[str, Any]] = [{"name": one} if isinstance(one, str) else one for one in self.configuration["codecs"]]
        found = [get_codec_class(one["name"]).from_dict(one) for one in named]
        return [codec.evolve_from_array_spec(chunk_spec) for codec in found]

    def _header_size(self, count: int) -> int:
        return int(self.configuration.get("header_bits", -(-count // 8) * 8)) // 8

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        codecs = self._codecs(chunk_spec)
        size = self._header_size(len(codecs))
        if len(chunk_bytes) < size:
            raise ValueError(f"conditional: a chunk of {len(chunk_bytes)} bytes has no header of {size}")
        applied = int.from_bytes(chunk_bytes[:size].to_bytes(), "little")
        if applied >> len(codecs):
            raise ValueError(f"conditional: the header {applied:#x} has bits beyond those of {len(codecs)} codecs")
        decoded = chunk_bytes[size:]
        for position in reversed(range(len(codecs))):
            if applied >> position & 1:
                decoded = codecs[position]._decode_sync(decoded, chunk_spec)
        return decoded

    def _encode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer | None:
        codecs, encoded = self._codecs(chunk_spec), chunk_bytes
        for codec in codecs:
            encoded = codec._encode_sync(encoded, chunk_spec)
        is_smaller = len(encoded) < len(chunk_bytes)
        applied = (1 << len(codecs)) - 1 if is_smaller else 0
        header = applied.to_bytes(self._header_size(len(codecs)), "little")
        kept = encoded if is_smaller else chunk_bytes
        return chunk_spec.prototype.buffer.from_bytes(header + kept.to_bytes())

    async def _decode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        return await asyncio.to_thread(self._decode_sync, chunk_bytes, chunk_spec)

    async def _encode_single(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer | None:
        return await asyncio.to_thread(self._encode_sync, chunk_bytes, chunk_spec)


CODECS = (Bitround, Conditional, N5Default, Packbits, Reshape, Zfp)


def register() -> None:
    """Registers the codecs whose names zarr-python does not know."""
    from zarr import registry

    registries: Mapping[str, Any] = registry._codec_registries
    for codec in CODECS:
        for name in (codec.name, *codec.legacy):
            known = registries.get(name)
            if not known and not getattr(known, "lazy_load_list", None):
                register_codec(name, codec)
