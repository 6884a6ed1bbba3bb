"""The indexing views of an array: `oindex`, `vindex` and `blocks`."""

from typing import TYPE_CHECKING, Any, SupportsIndex, overload

from zarr_py.errors import SelectionError

if TYPE_CHECKING:
    import numpy.typing as npt

    from zarr_py._array import Array
    from zarr_py._indexing import Prepared
    from zarr_py._plan import Plan

__all__ = ["Blocks", "OIndex", "VIndex"]


class OIndex:
    """Orthogonal indexing of an array."""

    __module__ = "zarr_py"
    __slots__ = ("_array",)

    def __init__(self, array: "Array") -> None:
        self._array = array

    def _prepare(self, selection: Any) -> "Prepared":
        from zarr_py._indexing import prepare_orthogonal

        return prepare_orthogonal(selection, self._array.shape)

    @overload
    def __getitem__(self, selection: SupportsIndex | tuple[SupportsIndex, ...]) -> Any: ...
    @overload
    def __getitem__(self, selection: Any) -> "npt.NDArray[Any]": ...
    def __getitem__(self, selection: Any) -> Any:
        return self._array.read(self._prepare(selection))

    def __setitem__(self, selection: Any, value: Any) -> None:
        self._array.write(self._prepare(selection), value)

    def read(self, selection: Any, *, out: "npt.NDArray[Any] | None" = None) -> Any:
        """Reads a selection, into `out` if it is given."""
        return self._array.read(self._prepare(selection), out=out)

    async def read_async(self, selection: Any, *, out: "npt.NDArray[Any] | None" = None) -> Any:
        """Async variant of `read`."""
        return await self._array.read_async(self._prepare(selection), out=out)

    async def write_async(self, selection: Any, value: Any) -> None:
        """Writes a value to a selection, as a coroutine."""
        await self._array.write_async(self._prepare(selection), value)

    def plan(self, selection: Any) -> "Plan":
        """Returns the objects, requests and bytes that a read would touch, without any I/O."""
        return self._array.plan(self._prepare(selection))


class VIndex(OIndex):
    """Indexing of an array by coordinates."""

    __module__ = "zarr_py"
    __slots__ = ()

    def _prepare(self, selection: Any) -> "Prepared":
        from zarr_py._indexing import prepare_coordinates

        return prepare_coordinates(selection, self._array.shape)


class Blocks(OIndex):
    """Indexing of an array by chunks, or by shards if the array is sharded.

    `array.blocks[0, 1:3]` is the elements of these chunks or shards.
    """

    __module__ = "zarr_py"
    __slots__ = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of chunks along each dimension, or of shards if the array is sharded."""
        return self._array._grid_shape

    def __getitem__(self, selection: Any) -> "npt.NDArray[Any]":
        found: npt.NDArray[Any] = self._array.read(self._slices(selection))
        return found

    def __setitem__(self, selection: Any, value: Any) -> None:
        self._array.write(self._slices(selection), value)

    def _prepare(self, selection: Any) -> "Prepared":
        from zarr_py._indexing import prepare

        return prepare(self._slices(selection), self._array.shape)

    def _slices(self, selection: Any) -> tuple[slice, ...]:
        from zarr_py._indexing import is_index

        grid = self.shape
        items = list(selection) if isinstance(selection, tuple) else [selection]
        if any(item is Ellipsis for item in items):
            at = next(number for number, item in enumerate(items) if item is Ellipsis)
            items[at : at + 1] = [slice(None)] * (len(grid) - len(items) + 1)
        if len(items) > len(grid):
            raise SelectionError(f"{len(items)} indices for an array of {len(grid)} dimensions")
        items += [slice(None)] * (len(grid) - len(items))
        bounds = []
        for axis, (item, count) in enumerate(zip(items, grid, strict=True)):
            if isinstance(item, slice):
                start, stop, step = item.indices(count)
                if step != 1:
                    raise SelectionError("blocks takes integers and slices with a step of 1")
            elif is_index(item):
                start = int(item) + (count if item < 0 else 0)
                if not 0 <= start < count:
                    raise SelectionError(f"block {item} is out of bounds for axis {axis} with {count} chunks")
                stop = start + 1
            else:
                raise SelectionError(f"blocks takes integers and slices with a step of 1, got {item!r}")
            bounds.append((start, stop))
        return self._elements(bounds)

    def _elements(self, bounds: list[tuple[int, int]]) -> tuple[slice, ...]:
        """Returns the selection that covers ranges of chunks."""
        if any(start >= stop for start, stop in bounds):
            return tuple(slice(0, 0) if start >= stop else slice(None) for start, stop in bounds)
        first = self._array._extent([start for start, _ in bounds])
        last = self._array._extent([stop - 1 for _, stop in bounds])
        return tuple(slice(start, stop) for (start, _), (_, stop) in zip(first, last, strict=True))
