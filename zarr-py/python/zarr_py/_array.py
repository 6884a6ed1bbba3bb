"""`zarr_py.Array`: an array that needs no zarr-python. Reading and writing is all in the native class that it inherits."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from html import escape
from math import prod
from typing import TYPE_CHECKING, Any, Self

from zarr_py import _place
from zarr_py._native import NativeArray, bind_node
from zarr_py._node import Node
from zarr_py._shapes import lengths

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from zarr_py._indexing import Prepared

__all__ = ["Array", "OIndex", "VIndex"]


class Array(Node, NativeArray):
    """An array that is open: its metadata is known, and nothing of it is read again.

    Indexing is NumPy's, `oindex` takes all combinations of indices and `vindex` coordinates. A read gives an array of NumPy, in
    memory that the engine decoded into. A write replaces each chunk or shard atomically, and merges with what is stored where
    it is a part of one, on condition that nobody changes it in between.

    Handles may be used by several threads, in forked children, and be pickled.
    """

    __module__ = "zarr_py"
    __slots__ = ()

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size of all elements in memory, in bytes; of strings that of NumPy's descriptors."""
        return self.size * self.dtype.itemsize

    @property
    def oindex(self) -> "OIndex":
        """All combinations of indices, one integer, slice, list or mask for each dimension: `array.oindex[[1, 5], :, mask]`."""
        return OIndex(self)

    @property
    def vindex(self) -> "VIndex":
        """Elements at coordinates, or where a mask of the array's shape is true: `array.vindex[[1, 5], [0, 7]]`."""
        return VIndex(self)

    def read_into(self, selection: Any, out: "npt.NDArray[Any]") -> None:
        """Reads a selection into an array of its shape and of the array's data type, of any strides, without a copy."""
        self.read(selection, out=out)

    async def read_into_async(self, selection: Any, out: "npt.NDArray[Any]") -> None:
        """The same for an event loop."""
        await self.read_async(selection, out=out)

    def resize(self, shape: int | Sequence[int]) -> None:
        """Gives the array another shape of as many dimensions. What is cut off is deleted, what is new has the fill value."""
        self._resize(lengths(shape, "shape"))

    async def resize_async(self, shape: int | Sequence[int]) -> None:
        """The same for an event loop."""
        await self._resize(lengths(shape, "shape"), awaitable=True)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over an array without dimensions")
        step = max((self.shards or self.chunks)[0], 1)
        for start in range(0, self.shape[0], step):
            yield from self[start : start + step]

    def __array__(self, dtype: "npt.DTypeLike | None" = None, copy: bool | None = None) -> "npt.NDArray[Any]":
        if copy is False:
            raise ValueError("an array that is stored cannot become one of NumPy without a copy")
        found: npt.NDArray[Any] = self.read()
        return found if dtype is None else found.astype(dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        origin = _place.pickled(self._origin)
        return _unpickle, (origin, self.read_only, self.path, self.metadata_text())

    def __copy__(self) -> Self:
        return self

    def __repr__(self) -> str:
        parts = [f"/{self.path}", _place_text(self.location), f"shape={self.shape}", f"dtype={self._dtype_text()}"]
        parts.append(f"chunks={self.chunks}")
        if self.shards is not None:
            parts.append(f"shards={self.shards}")
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
            "Codecs": ", ".join(codec["name"] for codec in self.metadata["codecs"]),
        }
        cells = (f"<tr><th>{name}</th><td>{escape(str(value))}</td></tr>" for name, value in rows.items() if value is not None)
        return f"<table>{''.join(cells)}</table>"


class OIndex:
    """Orthogonal indexing of an array."""

    __module__ = "zarr_py"
    __slots__ = ("_array",)

    def __init__(self, array: Array) -> None:
        self._array = array

    def _prepare(self, selection: Any) -> "Prepared":
        from zarr_py._indexing import prepare_orthogonal

        return prepare_orthogonal(selection, self._array.shape)

    def __getitem__(self, selection: Any) -> Any:
        return self._array.read(self._prepare(selection))

    def __setitem__(self, selection: Any, value: Any) -> None:
        self._array.write(self._prepare(selection), value)

    def read(self, selection: Any, *, out: "np.ndarray[Any, Any] | None" = None) -> Any:
        """Reads a selection, into `out` where it is given."""
        return self._array.read(self._prepare(selection), out=out)

    def read_async(self, selection: Any, *, out: "np.ndarray[Any, Any] | None" = None) -> Awaitable[Any]:
        """The same for an event loop."""
        return self._array.read_async(self._prepare(selection), out=out)

    def write_async(self, selection: Any, value: Any) -> Awaitable[None]:
        """Writes a selection, for an event loop."""
        return self._array.write_async(self._prepare(selection), value)

    def plan(self, selection: Any) -> str:
        """What a read would touch."""
        return self._array.plan(self._prepare(selection))


class VIndex(OIndex):
    """Indexing of an array by coordinates."""

    __module__ = "zarr_py"
    __slots__ = ()

    def _prepare(self, selection: Any) -> "Prepared":
        from zarr_py._indexing import prepare_coordinates

        return prepare_coordinates(selection, self._array.shape)


def _place_text(location: str) -> str:
    return f"in {location!r}"


def _unpickle(origin: Any, read_only: bool, path: str, metadata: str) -> Any:
    return bind_node(_place.unpickled(origin, read_only), path, metadata)
