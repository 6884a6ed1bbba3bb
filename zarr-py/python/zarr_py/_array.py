"""`zarr_py.Array`: an array that needs no zarr-python. The native base class reads and writes."""

from collections.abc import Buffer, Iterator, Sequence
from html import escape
from math import prod
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, overload

from zarr_py import _source, codecs
from zarr_py._chunked import Chunked
from zarr_py._growing import Growing
from zarr_py._native import NativeArray, bind_node
from zarr_py._node import Node
from zarr_py._plan import Planning
from zarr_py._steps import Steps, blocking, later
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


class Array(Node, Growing, Planning, Chunked):
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

    def shard_map(self, *, limit: int = 1024) -> "ShardMap":
        """Returns the stored shards and inner chunks, their sizes, and the dead space in shards.

        `print` the map, or display it in a notebook. Costs a listing, and a request for the index
        of each shard, for at most `limit` shards.
        """
        from zarr_py._shard_map import shard_map

        return shard_map(self, limit)

    @blocking
    def read_encoded(self, block: Any, *, inner: Any = None) -> Steps[memoryview | None]:
        """Returns the encoded bytes of a chunk, or of a shard if the array is sharded.

        Returns `None` if the chunk or shard is not stored.

        `block` is the indices of the chunk or shard, as for `blocks`. With `inner`, the indices of
        an inner chunk within its shard, returns the encoded bytes of that inner chunk.
        """
        from zarr_py._stored import read_encoded

        return (yield from read_encoded(self, block, inner))

    read_encoded_async = later(read_encoded)

    @blocking
    def write_encoded(self, block: Any, data: Buffer, *, check: bool = True) -> Steps[None]:
        """Stores the encoded bytes of a chunk, or of a shard if the array is sharded.

        `data` holds the bytes as another array of the same layout stores them. The bytes are first
        decoded as a check, and `InvalidError` is raised if they cannot be; `check=False` skips the
        check.
        """
        from zarr_py._stored import write_encoded

        yield from write_encoded(self, block, data, check)

    write_encoded_async = later(write_encoded)

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
            raise ValueError("a stored array cannot become a NumPy array without a copy")
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
            raise TypeError("only arrays of one element can be converted to Python numbers")
        return self.__array__().reshape(())[()]

    def _ipython_key_completions_(self) -> list[str]:
        return list(self.dtype.names or ())

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, ("array", tuple(self._origin.pickled()), self.read_only, self.path, self.metadata_text())

    def __dask_tokenize__(self) -> tuple[Any, ...]:
        return "zarr_py.Array", repr(self._origin.public()._replace(token=None)), self.path, self._layout_text()

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
        raise TypeError(f"out: expected a NumPy array or an object with the buffer protocol, got "
                        f"{type(out).__name__}") from None
    if not found.flags.writeable:
        raise ValueError(f"out: expected writable memory, but the memory of {type(out).__name__} is read-only")
    return found


def _unpickle(kind: str, source: tuple[Any, ...], read_only: bool, path: str, metadata: str) -> Any:
    return bind_node(_source.unpickled(source, read_only), kind, path, metadata)
