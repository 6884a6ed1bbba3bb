"""`zarr_py.Array`: an array that needs no zarr-python. The native base class reads and writes."""

from collections.abc import Buffer, Iterator, Sequence
from html import escape
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, overload

from zarr_py import _source, codecs
from zarr_py._native import NativeArray, Opened, bind_node
from zarr_py._node import Node
from zarr_py._plan import Plan
from zarr_py._shapes import appended, lengths
from zarr_py._steps import run
from zarr_py._views import Blocks, OIndex, VIndex

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarr_py._info import ArrayInfo
    from zarr_py._lazy import Lazy, Typed
    from zarr_py._shard_map import ShardMap

__all__ = ["Array", "OIndex", "VIndex"]

Output = Any
"""The target of a read: a NumPy array of any strides, or any object with the buffer protocol.

`None` stands for a new array.
"""

_BAND = 32 << 20
"""The maximum number of bytes that iteration reads at once, unless one row is larger."""


class Array(Node, NativeArray):
    """An open array. Reading and writing elements does not fetch the metadata document again.

    Indexing follows NumPy, `oindex` selects all combinations of indices, and `vindex` selects
    coordinates. A read returns a NumPy array, and the engine decodes directly into its memory. A
    write replaces each chunk or shard atomically. A write that covers part of a chunk or shard
    merges with the stored elements, on condition that no other writer changes the object in
    between.

    Arrays can be used by several threads, in forked children, and can be pickled.
    """

    __module__ = "zarr_py"
    __slots__ = ("__weakref__",)

    def __new__(cls, opened: Any = None) -> Self:
        if not isinstance(opened, Opened):
            raise TypeError("an array is opened by zarr_py.open_array, and made by zarr_py.create_array")
        return NativeArray.__new__(cls, opened)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size of all elements in memory, in bytes.

        For strings, the size of NumPy's descriptors.
        """
        return self.size * self.dtype.itemsize

    @property
    def order(self) -> str:
        """The order of elements in results: always `"C"`, whatever the order in chunks."""
        return "C"

    @property
    def filters(self) -> tuple[codecs.Codec, ...]:
        """The codecs before the serializer; those of the inner chunks if the array is sharded."""
        return codecs.split(self.metadata["codecs"])[0]

    @property
    def serializer(self) -> codecs.Codec | None:
        """The codec that turns elements into bytes.

        If the array is sharded, the serializer of the inner chunks.
        """
        return codecs.split(self.metadata["codecs"])[1]

    @property
    def compressors(self) -> tuple[codecs.Codec, ...]:
        """The codecs after the serializer; those of the inner chunks if the array is sharded."""
        return codecs.split(self.metadata["codecs"])[2]

    @property
    def cdata_shape(self) -> tuple[int, ...]:
        """The number of chunks along each dimension; of inner chunks if the array is sharded."""
        if self.shards is None:
            return self._grid_shape
        return tuple(-(-length // chunk) if chunk else 0 for length, chunk in zip(self.shape, self.chunks, strict=True))

    @property
    def nchunks(self) -> int:
        """The number of chunks; of inner chunks if the array is sharded."""
        return prod(self.cdata_shape)

    @property
    def nchunks_initialized(self) -> int:
        """The number of stored chunks, counted by listing the store.

        A stored shard counts as all of its inner chunks.
        """
        inside = prod(shard // chunk for shard, chunk in zip(self.shards or self.chunks, self.chunks, strict=True) if chunk)
        return len(self._objects()) * (1 if self.shards is None else inside)

    def nbytes_stored(self) -> int:
        """Returns the size of all stored objects of the array, in bytes, by listing the store.

        The size includes the metadata document.
        """
        return sum(size for _, size in self._store.entries_sync(self.path))

    def _objects(self) -> list[tuple[str, int]]:
        """Returns the keys and sizes of the stored chunks or shards."""
        entries = self._store.entries_sync(self.path)
        return [(key, size) for key, size in entries if self._cell_of_key(key) is not None]

    def _stored_chunks(self) -> Iterator[tuple[slice, ...]]:
        """Yields the selections of the stored chunks or shards."""
        for key, _ in self._store.entries_sync(self.path):
            cell = self._cell_of_key(key)
            if cell is not None:
                yield tuple(slice(start, stop) for start, stop in self._extent(cell))

    @property
    def info(self) -> "ArrayInfo":
        """A summary of the array to `print`, without a listing of the store."""
        from zarr_py._info import info_of

        return info_of(self)

    def info_complete(self) -> "ArrayInfo":
        """Returns `info` with the stored size and object count, by listing the store."""
        from zarr_py._info import info_of

        return info_of(self, complete=True)

    @property
    def oindex(self) -> OIndex:
        """Orthogonal indexing: all combinations of one index, slice, list or mask per dimension.

        `array.oindex[[1, 5], :, mask]`.
        """
        return OIndex(self)

    @property
    def vindex(self) -> VIndex:
        """Indexing by coordinates, or by a mask: `array.vindex[[1, 5], [0, 7]]`.

        A mask must have the shape of the array.
        """
        return VIndex(self)

    @property
    def blocks(self) -> Blocks:
        """Indexing by the indices of chunks: `array.blocks[0, 1:3]`.

        If the array is sharded, the indices are those of shards.
        """
        return Blocks(self)

    def iter_chunks(self) -> Iterator[tuple[slice, ...]]:
        """Yields the selections of all chunks in C order, or of all shards if the array is sharded.

        Writing one of these selections needs no read.
        """
        for cell in product(*map(range, self._grid_shape)):
            yield tuple(slice(start, stop) for start, stop in self._extent(cell))

    @overload
    def read(self, selection: SupportsIndex | tuple[SupportsIndex, ...], *, out: Output = None) -> Any: ...
    @overload
    def read(self, selection: Any = None, *, out: Output = None) -> "npt.NDArray[Any]": ...
    def read(self, selection: Any = None, *, out: Output = None) -> Any:
        """Reads a selection, by default the whole array, into `out` if it is given.

        `out` is a NumPy array of any strides, or any object with the buffer protocol. `out` must
        have the shape of the selection and the data type of the array.
        """
        return NativeArray.read(self, selection, out=None if out is None else _output(out))

    def write(self, selection: Any, value: Any) -> None:
        """Writes a value to a selection."""
        self[selection] = value

    def plan(self, selection: Any = None) -> Plan:
        """Returns the objects, requests and bytes that a read would touch, without any I/O."""
        return Plan(*self._plan(selection))

    def shard_map(self, *, limit: int = 1024) -> "ShardMap":
        """Returns the stored shards and inner chunks, their sizes, and the dead space in shards.

        `print` the map, or display it in a notebook. Costs a listing, and a request for the index
        of each shard, for at most `limit` shards.
        """
        from zarr_py._shard_map import shard_map

        return shard_map(self, limit)

    def read_encoded(self, block: Any, *, inner: Any = None) -> memoryview | None:
        """Returns the encoded bytes of a chunk, or of a shard if the array is sharded.

        Returns `None` if the chunk or shard is not stored.

        `block` is the indices of the chunk or shard, as for `blocks`. With `inner`, the indices of
        an inner chunk within its shard, returns the encoded bytes of that inner chunk.
        """
        from zarr_py._stored import Steps, read_encoded

        return run(read_encoded(Steps(awaits=False), self, block, inner))

    async def read_encoded_async(self, block: Any, *, inner: Any = None) -> memoryview | None:
        """Async variant of `read_encoded`."""
        from zarr_py._stored import Steps, read_encoded

        return await read_encoded(Steps(awaits=True), self, block, inner)

    def write_encoded(self, block: Any, data: Buffer, *, check: bool = True) -> None:
        """Stores the encoded bytes of a chunk, or of a shard if the array is sharded.

        `data` holds the bytes as another array of the same layout stores them. The bytes are first
        decoded as a check, and `InvalidError` is raised if they cannot be; `check=False` skips the
        check.
        """
        from zarr_py._stored import Steps, write_encoded

        run(write_encoded(Steps(awaits=False), self, block, data, check))

    async def write_encoded_async(self, block: Any, data: Buffer, *, check: bool = True) -> None:
        """Async variant of `write_encoded`."""
        from zarr_py._stored import Steps, write_encoded

        await write_encoded(Steps(awaits=True), self, block, data, check)

    def astype(self, dtype: "npt.DTypeLike") -> "Typed":
        """Returns a view of the array in another data type.

        `array.astype("f4")[:10]` reads and converts.
        """
        from zarr_py._lazy import Typed

        return Typed(self, None, dtype)

    def fields(self, names: str | Sequence[str]) -> "Typed":
        """Returns a view of some fields: `array.fields("x")[:10]` is `array["x", :10]`."""
        from zarr_py._lazy import Typed

        return Typed(self, names if isinstance(names, str) else list(names))

    @property
    def lazy(self) -> "Lazy":
        """A view of the array that is read later: `array.lazy[10:, ::2][3].read()`."""
        from zarr_py._lazy import Lazy

        return Lazy(self)

    @property
    def is_rectilinear(self) -> bool:
        """Whether chunks, or shards if the array is sharded, differ in length along a dimension.

        `write_chunk_sizes` lists the lengths.
        """
        grid = self.metadata["chunk_grid"]
        return (grid if isinstance(grid, str) else grid["name"]) != "regular"

    @property
    def write_chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of all chunks along each dimension, or of all shards if the array is sharded.

        The last length is cut off at the end of the array.
        """
        def size(axis: int, number: int) -> int:
            start, stop = self._extent([number if other == axis else 0 for other in range(self.ndim)])[axis]
            return stop - start

        return tuple(tuple(size(axis, number) for number in range(count)) for axis, count in enumerate(self._grid_shape))

    @property
    def read_chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of all chunks, or inner chunks if sharded, along each dimension."""
        if self.shards is None:
            return self.write_chunk_sizes
        return tuple(
            tuple(min(chunk, length - start) for start in range(0, length, chunk))
            for length, chunk in zip(self.shape, self.chunks, strict=True))

    def read_into(self, selection: Any, out: "npt.NDArray[Any] | Buffer") -> None:
        """Reads a selection into an array without a copy.

        `out` must have the shape of the selection and the data type of the array, with any strides.
        """
        NativeArray.read(self, selection, out=_output(out))

    @overload
    async def read_async(self, selection: SupportsIndex | tuple[SupportsIndex, ...], *, out: Output = None) -> Any: ...
    @overload
    async def read_async(self, selection: Any = None, *, out: Output = None) -> "npt.NDArray[Any]": ...
    async def read_async(self, selection: Any = None, *, out: Output = None) -> Any:
        """Async variant of `read`.

        Cancelling it ends the requests; `out` may then hold part of the result.
        """
        return await self._read_later(selection, out=None if out is None else _output(out))

    async def read_into_async(self, selection: Any, out: "npt.NDArray[Any] | Buffer") -> None:
        """Async variant of `read_into`."""
        await self._read_later(selection, out=_output(out))

    async def write_async(self, selection: Any, value: Any) -> None:
        """Async variant of `write`. The caller must not change `value` until the write is done."""
        from zarr_py._indexing import Prepared, prepare, split_fields, write_fields_async

        fields = None if isinstance(selection, Prepared) else split_fields(selection)[0]
        if fields is None:
            await self._write_later(selection, value)
        else:
            await write_fields_async(self, prepare(selection, self.shape, self._struct()), value)

    def _write(self, selection: Any, value: Any, *, awaitable: bool = False) -> Any:
        return self._write_later(selection, value) if awaitable else self.write(selection, value)

    def _struct(self) -> str | None:
        """Returns the data type as JSON if it has fields."""
        import json

        return json.dumps(self.metadata["data_type"]) if self.dtype.fields else None

    def resize(self, shape: int | Sequence[int]) -> None:
        """Changes the shape of the array; the number of dimensions stays the same.

        Elements beyond the new shape are deleted, and new elements have the fill value.
        """
        self._resize(lengths(shape, "shape"))

    async def resize_async(self, shape: int | Sequence[int]) -> None:
        """Async variant of `resize`."""
        await self._resize(lengths(shape, "shape"), awaitable=True)

    def append(self, data: Any, axis: int = 0) -> tuple[int, ...]:
        """Writes data after the last elements along an axis, and returns the new shape.

        Raises `ValueError` if `data` differs in shape along another axis, and `ChangedError` if
        another writer changed the shape.
        """
        elements, shape, selection = appended(self.shape, data, axis)
        self.resize(shape)
        self[selection] = elements
        return self.shape

    async def append_async(self, data: Any, axis: int = 0) -> tuple[int, ...]:
        """Async variant of `append`."""
        elements, shape, selection = appended(self.shape, data, axis)
        await self.resize_async(shape)
        await self.write_async(selection, elements)
        return self.shape

    def compact(self, percent: int = 0, *, order: str | None = None) -> tuple[int, int]:
        """Rewrites every shard of which more than `percent` percent is dead space: replaced inner chunks.

        `order` is the order in which shards store their inner chunks, `"C"` or `"morton"`; shards in
        another order are rewritten too. By default, rewritten shards are in C order, and no shard is
        rewritten for its order. Inner chunks stay encoded. Returns the number of rewritten shards and
        the number of freed bytes.
        """
        from zarr_py._stored import compaction

        done: tuple[int, int] = self._compact(*compaction(percent, order))
        return done

    async def compact_async(self, percent: int = 0, *, order: str | None = None) -> tuple[int, int]:
        """Async variant of `compact`."""
        from zarr_py._stored import compaction

        done: tuple[int, int] = await self._compact(*compaction(percent, order), awaitable=True)
        return done

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over an array without dimensions")
        row = max(prod(self.shape[1:]) * self.dtype.itemsize, 1)
        # Decodes a row of chunks only once if the row is within the limit.
        step = max(min(self.chunks[0], _BAND // row), 1)
        for start in range(0, self.shape[0], step):
            yield from self[start : start + step]

    def __array__(self, dtype: "npt.DTypeLike | None" = None, copy: bool | None = None) -> "npt.NDArray[Any]":
        if copy is False:
            raise ValueError("an array that is stored cannot become one of NumPy without a copy")
        found: npt.NDArray[Any] = self.read()
        return found if dtype is None else found.astype(dtype, copy=False)

    def __dlpack__(self, **options: Any) -> Any:
        """Returns all elements as a tensor, for `from_dlpack` of other libraries."""
        return self.__array__().__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        # DLPack's device type for CPU memory.
        return 1, 0

    def __int__(self) -> int:
        return int(self._element())

    def __float__(self) -> float:
        return float(self._element())

    def __complex__(self) -> complex:
        return complex(self._element())

    def _element(self) -> Any:
        if self.size != 1:
            raise TypeError("only arrays of one element can become Python's numbers")
        return self.__array__().reshape(())[()]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.dtype.names or ())

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, ("array", tuple(self._origin.pickled()), self.read_only, self.path, self.metadata_text())

    def __copy__(self) -> Self:
        return self

    def __repr__(self) -> str:
        parts = [f"/{self.path}", f"in {self._location()!r}"]
        try:
            chunks = self.write_chunk_sizes if self.is_rectilinear else self.chunks
            parts += [f"shape={self.shape}", f"dtype={self._dtype_text()}", f"chunks={chunks}"]
            if self.shards is not None:
                parts.append(f"shards={self.shards}")
        except Exception as error:
            parts.append(f"that cannot be opened here: {error}")
        return f"<zarr_py.Array {' '.join(parts)}>"

    def _dtype_text(self) -> str:
        data_type = self.metadata["data_type"]
        return str(data_type if isinstance(data_type, str) else data_type["name"])

    def _repr_html_(self) -> str:
        rows = {
            "Path": f"/{self.path}",
            "Store": self.location,
            "Shape": self.shape,
            "Data type": self._dtype_text(),
            "Chunks": self.chunks,
            "Shards": self.shards,
            "Dimensions": self.dimension_names,
            "Codecs": ", ".join(codec if isinstance(codec, str) else codec["name"] for codec in self.metadata["codecs"]),
        }
        cells = (f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items() if value is not None)
        return f"<table>{''.join(cells)}</table>"


def _output(out: Any) -> "npt.NDArray[Any]":
    import numpy as np

    if isinstance(out, np.ndarray):
        return out
    try:
        found = np.asarray(memoryview(out))
    except TypeError:
        raise TypeError(f"out: expected an array of NumPy, or anything with the buffer protocol, got {type(out).__name__}") from None
    if not found.flags.writeable:
        raise ValueError(f"out: expected memory that can be written, and that of {type(out).__name__} cannot")
    return found


def _unpickle(kind: str, source: tuple[Any, ...], read_only: bool, path: str, metadata: str) -> Any:
    return bind_node(_source.unpickled(source, read_only), kind, path, metadata)
