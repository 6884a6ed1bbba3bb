"""Binds arrays of zarr-python to the engine: which arrays qualify, and their reads and writes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from zarr.codecs import ShardingCodec
from zarr.codecs._v2 import V2Codec
from zarr.core.array_spec import ArrayConfig, ArraySpec
from zarr.core.buffer import default_buffer_prototype
from zarr.core.codec_pipeline import BatchedCodecPipeline
from zarr.core.metadata.v2 import ArrayV2Metadata
from zarr.core.metadata.v3 import RegularChunkGridMetadata
from zarr.storage import LocalStore, ObjectStore, StorePath

from zarr_py import _source
from zarr_py._foreign import Calls
from zarr_py._native import NativePipeline, NativeStore
from zarr_py._shared import shared
from zarr_py._store import Store as Ours
from zarr_py.errors import ZarrError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from zarr.abc.codec import Codec, GetResult
    from zarr.abc.store import Store
    from zarr.core.buffer import NDBuffer
    from zarr.core.metadata import ArrayMetadata

type BatchItem = tuple[Any, ArraySpec, Any, Any, bool]
type Batch = list[BatchItem]

OWN_MODULES = ("zarr", "zarr_py", "numcodecs")
"""Packages whose codecs and data types the engine identifies by name."""

BYTES = ("get", "set", "delete", "get_ranges", "set_if_not_exists")
"""The methods of a store that transfer bytes."""


def zarrs_own(metadata: ArrayMetadata) -> BatchedCodecPipeline:
    """Returns zarr-python's own pipeline, as `zarr.core.array.create_codec_pipeline` makes it."""
    if isinstance(metadata, ArrayV2Metadata):
        codec = V2Codec(filters=metadata.filters, compressor=metadata.compressor)
        codecs: Iterable[Codec] = [codec]
        shape, order = metadata.chunks, metadata.order
    else:
        codecs, order = metadata.codecs, None
        grid = metadata.chunk_grid
        shape = (1,) * len(metadata.shape)
        if isinstance(grid, RegularChunkGridMetadata):
            shape = grid.chunk_shape
    spec = ArraySpec(
        shape=shape,
        dtype=metadata.dtype,
        fill_value=metadata.fill_value,
        config=ArrayConfig.from_dict({"order": order} if order else {}),
        prototype=default_buffer_prototype(),
    )
    return BatchedCodecPipeline.from_codecs(codecs).evolve_from_array_spec(spec)


def bind(metadata: ArrayMetadata, store: Store) -> Binding | str:
    """Binds an array to the engine, or returns the reason why the engine does not support it."""
    native_store = _native_store(store)
    for part in _parts(metadata):
        if type(part).__module__.partition(".")[0] not in OWN_MODULES:
            return f"{_name(part)} is not a class of zarr-python"
        if isinstance(part, ShardingCodec) and part.subchunk_write_order == "colexicographic":
            return "the inner chunks must be stored in colexicographic order"
    try:
        document = metadata.to_dict()
        document.pop("attributes", None)
        text = json.dumps(document).encode()
        # A foreign store gets a native store of its own for each call.
        native = NativePipeline(native_store or NativeStore.memory(), text, metadata.zarr_format)
    except (TypeError, ValueError, NotImplementedError, ZarrError) as error:
        # Includes a store that cannot be opened here: zarr-python's own pipeline raises when it is
        # used.
        return str(error)
    dtype = metadata.dtype.to_native_dtype()
    if native.variable_kind is None and native.item_size != dtype.itemsize:
        return f"elements of {dtype.itemsize} bytes, in the engine of {native.item_size}"
    kind = ForeignBinding if native_store is None else Binding
    return kind(
        native=native,
        store=store,
        dtype=dtype if native.variable_kind or dtype.isnative else dtype.newbyteorder("="),
        variable=native.variable_kind is not None,
        keeps_fill=metadata.fill_value is None,
    )


def _native_store(store: Store) -> NativeStore | None:
    """Returns the native store, or `None` if a foreign class handles the bytes."""
    if isinstance(store, Ours):
        kind = type(store)
        if not issubclass(kind, Ours) or any(getattr(kind, name) is not getattr(Ours, name) for name in BYTES):
            return None
    return native_of(store)


def native_of(store: Store) -> NativeStore | None:
    """Returns the native store behind a store of zarr-python; `None` if it has none.

    The store can be a `zarr_py.Store`, or exactly a `zarr.storage.LocalStore` or
    `zarr.storage.ObjectStore`.

    Returns `None` for a subclass with requests of its own, so that the engine does not bypass them.
    Stores of one place share one native store, with its connections and caches.
    """
    if isinstance(store, Ours):
        return None if store._has_own_requests else store._native
    if type(store) is LocalStore or type(store) is ObjectStore:
        return shared(_source.source_of(store, {}, "native_of"))
    return None


def _parts(metadata: ArrayMetadata) -> Iterable[object]:
    """Yields the data type and the codecs."""
    yield metadata.dtype
    if isinstance(metadata, ArrayV2Metadata):
        yield from metadata.filters or ()
        if metadata.compressor is not None:
            yield metadata.compressor
    else:
        yield from _codecs(metadata.codecs)


def _codecs(codecs: Iterable[Codec]) -> Iterable[Codec]:
    for codec in codecs:
        yield codec
        if isinstance(codec, ShardingCodec):
            yield from _codecs(codec.codecs)
            yield from _codecs(codec.index_codecs)


def _name(thing: object) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


@dataclass(frozen=True, slots=True, eq=False)
class Binding:
    """An array bound to the engine.

    The result is `None` for a call that the engine does not support.
    """

    native: NativePipeline
    store: Store
    dtype: np.dtype[Any]
    """The data type of the elements, in native byte order."""
    variable: bool
    """Whether elements are variable-length strings or byte strings."""
    keeps_fill: bool
    """Whether chunks of only fill values are always stored, because the array has no fill value."""

    def read(
        self, batch: Batch, out: NDBuffer, drop_axes: tuple[int, ...]
    ) -> tuple[GetResult, ...] | Awaitable[tuple[GetResult, ...]] | None:
        array = out.as_ndarray_like()
        if not isinstance(array, np.ndarray) or not self._is_for(batch):
            return None
        if self.variable:
            return self.native.read_variable(batch, array, drop_axes) if array.dtype.kind in "OT" else None
        if array.dtype == self.dtype:
            return self.native.read(batch, array, drop_axes)
        if self._is_swapped(array.dtype):
            read = self.native.read(batch, array.view(self.dtype), drop_axes)
            return None if read is None else _swapped(read, array)
        return None

    def write(
        self, batch: Batch, value: NDBuffer, drop_axes: tuple[int, ...]
    ) -> Awaitable[None] | None:
        array = value.as_ndarray_like()
        if not isinstance(array, np.ndarray) or not self._is_for(batch):
            return None
        batch[0][0].store._check_writable()
        store_fill = self.keeps_fill or batch[0][1].config.write_empty_chunks
        if self.variable:
            if array.dtype.kind not in "OT":
                return None
            elements = array.ravel().tolist()
            return self.native.write_variable(batch, elements, array.shape, drop_axes, store_fill)
        if array.dtype != self.dtype:
            if not self._is_swapped(array.dtype):
                return None
            array = array.byteswap().view(self.dtype)
        return self.native.write(batch, array, drop_axes, store_fill)

    def _is_swapped(self, dtype: np.dtype[Any]) -> bool:
        """Whether elements have the array's data type in the opposite byte order."""
        if dtype.fields:
            return dtype == self.dtype.newbyteorder("S")
        return not dtype.isnative and dtype.newbyteorder("=") == self.dtype

    def _is_for(self, batch: Batch) -> bool:
        """Whether the chunks are in the store that is bound to the engine."""
        path = batch[0][0]
        return type(path) is StorePath and (path.store is self.store or path.store == self.store)


@dataclass(frozen=True, slots=True, eq=False)
class ForeignBinding(Binding):
    """An array in a foreign store: the engine works through the store's own methods."""

    def read(
        self, batch: Batch, out: NDBuffer, drop_axes: tuple[int, ...]
    ) -> Awaitable[tuple[GetResult, ...]] | None:
        return self._called(batch, lambda binding: binding.read(batch, out, drop_axes))

    def write(
        self, batch: Batch, value: NDBuffer, drop_axes: tuple[int, ...]
    ) -> Awaitable[None] | None:
        return self._called(batch, lambda binding: binding.write(batch, value, drop_axes))

    def _called[T](self, batch: Batch, call: Callable[[Binding], Any]) -> Awaitable[T] | None:
        path, spec = batch[0][:2]
        # The engine refuses keys with control characters, which a store may contain.
        if type(path) is not StorePath or not path.path.isprintable():
            return None
        calls = Calls(path.store, spec.prototype)
        native = self.native.over(calls.native())
        running = call(Binding(native, path.store, self.dtype, self.variable, self.keeps_fill))
        return None if running is None else calls.finish(running)


async def _swapped(
    read: tuple[GetResult, ...] | Awaitable[tuple[GetResult, ...]], array: np.ndarray[Any, Any]
) -> tuple[GetResult, ...]:
    """Swaps elements that were just read to the byte order of their array."""
    results = read if isinstance(read, tuple) else await read
    array.byteswap(inplace=True)
    return results
