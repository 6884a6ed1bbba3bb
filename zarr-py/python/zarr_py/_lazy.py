"""Views of arrays: in another data type, of fields, and of parts that are read later."""

import operator
from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, Any, Self, SupportsIndex, overload

import numpy as np
import numpy.typing as npt

from zarr_py._indexing import Prepared, is_index, split_fields
from zarr_py._plan import Plan
from zarr_py.errors import SelectionError

if TYPE_CHECKING:
    from zarr_py._array import Array

__all__ = ["Lazy", "Typed"]

type Axis = int | range | npt.NDArray[np.int64]
"""The selected indices of a dimension; a single index removes the dimension from the view."""


class _View:
    """The common part of views: an array, its selected fields, and the data type to convert to."""

    __slots__ = ("_array", "_dtype", "_fields")

    _array: "Array"
    _fields: str | list[str] | None
    _dtype: np.dtype[Any] | None

    def __init__(self, array: "Array", fields: str | list[str] | None = None, dtype: Any = None) -> None:
        self._array, self._fields = array, fields
        self._dtype = None if dtype is None else np.dtype(dtype)
        _ = self.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of elements along each dimension."""
        return self._array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type of results."""
        if self._dtype is not None:
            return self._dtype
        if self._fields is None:
            return self._array.dtype
        try:
            return np.empty(0, self._array.dtype)[self._fields].dtype
        except (IndexError, KeyError, ValueError) as error:
            raise SelectionError(f"no fields {self._fields!r} in {self._array.dtype}") from error

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The size of all elements in memory, in bytes."""
        return self.size * self.dtype.itemsize

    def _finished(self, found: Any, out: "npt.NDArray[Any] | None") -> Any:
        """Returns the result for the elements that were read.

        The elements are already in `out` if they were read directly into it.
        """
        if found is out and out is not None:
            return out
        if self._fields is not None:
            found = found[self._fields]
        if out is not None:
            out[...] = found
            return out
        return found if self._dtype is None else found.astype(self._dtype)

    def _direct(self, out: "npt.NDArray[Any] | None") -> "npt.NDArray[Any] | None":
        """Returns the output array if elements can be read into it without conversion."""
        if out is None or self._fields is not None or self._dtype is not None:
            return None
        return out

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a view without dimensions")
        return self.shape[0]

    def __repr__(self) -> str:
        return f"<zarr_py.{type(self).__name__} of /{self._array.path} shape={self.shape} dtype={self.dtype}>"


class Typed(_View):
    """A view of an array in another data type, or of some fields. `array.astype("f4")[:10]`.

    Indexing reads and converts the elements. NumPy converts, as `ndarray.astype` does.
    """

    __module__ = "zarr_py"
    __slots__ = ()

    @property
    def lazy(self) -> "Lazy":
        """A `Lazy` view with the fields and data type of this view."""
        return Lazy(self._array, self._fields, self._dtype)

    def astype(self, dtype: "npt.DTypeLike") -> "Typed":
        """Returns a view with the fields of this view in another data type."""
        return Typed(self._array, self._fields, dtype)

    def read(self, selection: Any = None, *, out: "npt.NDArray[Any] | None" = None) -> Any:
        """Reads a selection, by default the whole array, into `out` if it is given."""
        return self._finished(self._array.read(selection, out=self._direct(out)), out)

    async def read_async(self, selection: Any = None, *, out: "npt.NDArray[Any] | None" = None) -> Any:
        """Async variant of `read`."""
        return self._finished(await self._array.read_async(selection, out=self._direct(out)), out)

    def plan(self, selection: Any = None) -> Plan:
        """Returns the objects, requests and bytes that a read would touch, without any I/O."""
        return self._array.plan(selection)

    @overload
    def __getitem__(self, selection: SupportsIndex | tuple[SupportsIndex, ...]) -> Any: ...
    @overload
    def __getitem__(self, selection: Any) -> npt.NDArray[Any]: ...
    def __getitem__(self, selection: Any) -> Any:
        return self.read(selection)

    def __iter__(self) -> Iterator[Any]:
        for row in self._array:
            yield self._finished(row, None)

    def __array__(self, dtype: "npt.DTypeLike | None" = None, copy: bool | None = None) -> "npt.NDArray[Any]":
        return _as_array(self.read(), dtype, copy)


class Lazy(_View):
    """A part of an array that is read later. `array.lazy[10:, ::2][3].read()`.

    Indexing follows NumPy, returns another view, and reads nothing. `read` and `numpy.asarray`
    read, and `write` writes. A read returns the elements stored at that time, for the indices that
    were fixed when the view was made.
    """

    __module__ = "zarr_py"
    __slots__ = ("_axes", "_points")

    _axes: tuple[Axis, ...]
    """The selected indices of each dimension of the array, in all combinations."""
    _points: tuple[npt.NDArray[np.int64], ...] | None
    """The coordinates of single elements, as arrays of the view's shape; `None` if `_axes` applies.
    """

    def __init__(
        self,
        array: "Array",
        fields: str | list[str] | None = None,
        dtype: Any = None,
        *,
        axes: tuple[Axis, ...] | None = None,
        points: tuple[npt.NDArray[np.int64], ...] | None = None,
    ) -> None:
        self._axes = tuple(map(range, array.shape)) if axes is None else axes
        self._points = points
        super().__init__(array, fields, dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of elements along each dimension."""
        if self._points is not None:
            return self._points[0].shape
        return tuple(len(axis) for axis in self._axes if not isinstance(axis, int))

    def _with(self, **changes: Any) -> Self:
        state = {"axes": self._axes, "points": self._points, "fields": self._fields, "dtype": self._dtype, **changes}
        return type(self)(self._array, **state)

    def astype(self, dtype: "npt.DTypeLike") -> Self:
        """Returns a view of this part in another data type; NumPy converts after the read."""
        return self._with(dtype=dtype)

    def __getitem__(self, selection: Any) -> Self:
        fields, rest = split_fields(selection)
        if fields is not None and (self._dtype is not None or self._fields is not None):
            raise SelectionError(f"fields {fields!r}: name fields once, and before astype")
        view = self if fields is None else self._with(fields=fields)
        items = rest if isinstance(rest, tuple) else (rest,)
        if self._points is None:
            axes = view._composed(items)
            if axes is not None:
                return view._with(axes=axes)
        points = tuple(_indexed(coordinates, rest) for coordinates in view._coordinates())
        return view._with(points=points)

    def _composed(self, items: tuple[Any, ...]) -> tuple[Axis, ...] | None:
        """Returns the axes of a part of the view; `None` if the part is not orthogonal."""
        if any(item is None for item in items) or sum(item is Ellipsis for item in items) > 1:
            return None
        seen = [number for number, axis in enumerate(self._axes) if not isinstance(axis, int)]
        at = next((number for number, item in enumerate(items) if item is Ellipsis), len(items))
        given = [*items[:at], *[slice(None)] * (len(seen) - len(items) + (at < len(items))), *items[at + 1 :]]
        if len(given) != len(seen):
            return None
        arrays = [item for item in given if not isinstance(item, slice) and not is_index(item)]
        # With an integer beside an array, NumPy may move the array's dimension to the front.
        if len(arrays) > 1 or (arrays and any(is_index(item) for item in given)):
            return None
        if any(np.ndim(item) != 1 for item in arrays):
            return None
        axes = list(self._axes)
        for number, item in zip(seen, given, strict=True):
            axis = axes[number]
            assert not isinstance(axis, int)
            axes[number] = _part(axis, item, number)
        return tuple(axes)

    def _coordinates(self) -> tuple[npt.NDArray[np.int64], ...]:
        """Returns the array coordinates of each element of the view, as broadcast arrays."""
        if self._points is not None:
            return self._points
        shape, place, coordinates = self.shape, 0, []
        for axis in self._axes:
            if isinstance(axis, int):
                coordinates.append(np.broadcast_to(np.int64(axis), shape))
                continue
            line = np.asarray(axis, dtype=np.int64).reshape((-1,) + (1,) * (len(shape) - place - 1))
            coordinates.append(np.broadcast_to(line, shape))
            place += 1
        return tuple(coordinates)

    def _prepared(self) -> Prepared:
        if self._points is not None:
            found: Prepared = self._array.vindex._prepare(self._points)
            return found
        if not self._axes:
            return self._array.oindex._prepare(())
        # From slices and integers, the engine can infer more about the selection.
        return self._array.oindex._prepare(tuple(_as_slice(axis) if isinstance(axis, range) else axis for axis in self._axes))

    def read(self, *, out: "npt.NDArray[Any] | None" = None) -> "npt.NDArray[Any]":
        """Reads the part, into `out` if it is given.

        A single element is returned as a NumPy scalar.
        """
        found: npt.NDArray[Any] = self._finished(self._array.read(self._prepared(), out=self._direct(out)), out)
        return found

    async def read_async(self, *, out: "npt.NDArray[Any] | None" = None) -> "npt.NDArray[Any]":
        """Async variant of `read`."""
        found: npt.NDArray[Any] = self._finished(await self._array.read_async(self._prepared(), out=self._direct(out)), out)
        return found

    def write(self, value: Any) -> None:
        """Writes the part.

        Raises `TypeError` for a view of fields: write these through the array.
        """
        self._array.write(self._writable(), value)

    async def write_async(self, value: Any) -> None:
        """Async variant of `write`."""
        await self._array.write_async(self._writable(), value)

    def __setitem__(self, selection: Any, value: Any) -> None:
        self[selection].write(value)

    def _writable(self) -> Prepared:
        if self._fields is not None:
            raise TypeError("a view of fields is read-only; write fields with array[name, selection] = ...")
        return self._prepared()

    def plan(self) -> Plan:
        """Returns the objects, requests and bytes that a read would touch, without any I/O."""
        return self._array.plan(self._prepared())

    def __iter__(self) -> Iterator[Self]:
        for number in range(len(self)):
            yield self[number]

    def __array__(self, dtype: "npt.DTypeLike | None" = None, copy: bool | None = None) -> "npt.NDArray[Any]":
        return _as_array(self.read(), dtype, copy)


def _as_array(found: Any, dtype: "npt.DTypeLike | None", copy: bool | None) -> "npt.NDArray[Any]":
    if copy is False:
        raise ValueError("a view of a stored array cannot become a NumPy array without a copy")
    array: npt.NDArray[Any] = np.asarray(found)
    return array if dtype is None else array.astype(dtype, copy=False)


def _part(axis: "range | npt.NDArray[np.int64]", item: Any, number: int) -> Axis:
    """Applies an index, slice, list or mask to the selected indices of a dimension."""
    if isinstance(item, slice):
        return axis[item]
    if is_index(item):
        index = operator.index(item)
        if not -len(axis) <= index < len(axis):
            raise SelectionError(f"index {index} is out of bounds for axis {number} with size {len(axis)}")
        return int(axis[index])
    indices = np.asarray(item)
    if indices.dtype.kind == "b":
        if len(indices) != len(axis):
            raise SelectionError(f"mask of {len(indices)} for axis {number} with size {len(axis)}")
        indices = np.flatnonzero(indices)
    if indices.size == 0:
        indices = indices.astype(np.int64)
    if indices.dtype.kind not in "iu":
        raise SelectionError(f"expected integers or a mask, got {item!r}")
    indices = indices.astype(np.int64)
    wrong = (indices < -len(axis)) | (indices >= len(axis))
    if wrong.any():
        raise SelectionError(f"index {indices[wrong][0]} is out of bounds for axis {number} with size {len(axis)}")
    indices = np.where(indices < 0, indices + len(axis), indices)
    return axis.start + indices * axis.step if isinstance(axis, range) else axis[indices]


def _as_slice(axis: range) -> slice:
    if not axis:
        return slice(0, 0)
    last = axis[-1] + (1 if axis.step > 0 else -1)
    return slice(axis.start, None if last < 0 else last, axis.step)


def _indexed(coordinates: npt.NDArray[np.int64], selection: Any) -> npt.NDArray[np.int64]:
    try:
        return np.asarray(coordinates[selection])
    except IndexError as error:
        raise SelectionError(str(error)) from None
