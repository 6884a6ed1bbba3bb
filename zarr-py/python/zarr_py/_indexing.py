"""Fancy indices: how the engine reads their elements, and how NumPy arranges the result.

The engine knows two kinds of index. An *orthogonal* index selects all combinations of a set of
indices for each dimension. A *pointwise* index selects the elements at coordinates. Each of NumPy's
fancy indices is one of the two, reshaped and transposed.
"""

import operator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from zarr_py.errors import SelectionError

__all__ = [
    "Prepared",
    "is_index",
    "prepare",
    "prepare_coordinates",
    "prepare_orthogonal",
    "split_fields",
    "write_fields",
    "write_fields_async",
]

Fields = str | list[str]
"""The name of a field, or several names."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """An index as the engine takes it, and the shape of the result as Python sees it."""

    axes: list[slice | npt.NDArray[np.int64]]
    """A slice or indices for each dimension, counted from the start.

    If `pointwise`, the coordinates of all elements along each dimension.
    """
    pointwise: bool
    engine_shape: tuple[int, ...]
    shape: tuple[int, ...]
    """The shape to which the elements from the engine are reshaped."""
    order: tuple[int, ...] | None = None
    """The axes by which the reshaped elements are transposed into the result; `None` for no change.
    """
    scalar: bool = False
    """Whether the result is a single element."""
    fields: Fields | None = None
    """The selected fields of each element; `None` for whole elements."""

    def take(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the result, from an array that the engine read."""
        array = array.reshape(self.shape)
        array = array if self.order is None else array.transpose(self.order)
        return array if self.fields is None else array[self.fields]

    def give(self, value: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns a value to write as the engine takes it."""
        wanted = self._result_shape()
        while value.ndim > len(wanted) and value.shape[0] == 1:
            value = value[0]
        return self._back(np.broadcast_to(value, wanted))

    def place(self, out: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        """Returns an output array as the engine fills it; `None` if that would need a copy."""
        if out.shape != self._result_shape():
            raise ValueError(f"expected an output array of shape {self._result_shape()}, got {out.shape}")
        if self.fields is not None:
            return None
        view = self._back(out)
        return view if view is out or (view.size > 0 and np.may_share_memory(view, out)) else None

    def _result_shape(self) -> tuple[int, ...]:
        return self.shape if self.order is None else tuple(self.shape[axis] for axis in self.order)

    def _back(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        if self.order is not None:
            array = array.transpose(np.argsort(self.order))
        return array.reshape(self.engine_shape)


def is_index(item: object) -> bool:
    """Whether an object is a single integer of Python or NumPy; `bool` and arrays are not."""
    return not isinstance(item, bool | np.bool | np.ndarray) and hasattr(item, "__index__")


def prepare(key: Any, shape: tuple[int, ...], struct: str | None = None) -> Prepared:
    """Prepares an index by NumPy's rules.

    Field names are legal if the data type is a `struct`, given as JSON. Raises `SelectionError` (an
    `IndexError`) for an index that does not fit the shape, or for an object that is no index.
    """
    if isinstance(key, Prepared):
        return key
    fields, key = split_fields(key)
    if fields is None:
        return _prepare(key, shape)
    _check_fields(fields, struct)
    return replace(_prepare(key, shape), fields=fields)


def split_fields(key: Any) -> tuple[Fields | None, Any]:
    """Splits an index into its field names and the rest: `"x"`, `("x", slice)`, `["x", "y"]`."""
    items = key if isinstance(key, tuple) else (key,)
    found = [item for item in items if _is_fields(item)]
    if not found:
        return None, key
    if len(found) > 1:
        raise SelectionError("an index can select fields only once; select several fields by a list of names")
    rest = tuple(item for item in items if not _is_fields(item))
    return found[0], rest or ...


def _is_fields(item: Any) -> bool:
    return isinstance(item, str) or (isinstance(item, list) and bool(item) and all(isinstance(name, str) for name in item))


def _check_fields(fields: Fields, struct: str | None) -> None:
    from zarr_py._dtypes import to_numpy

    if struct is None:
        raise SelectionError(
            "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
            f"are valid indices of an array without fields, got {fields!r}")
    known = to_numpy(struct).names or ()
    for name in [fields] if isinstance(fields, str) else fields:
        if name not in known:
            raise SelectionError(f"no field of name {name!r}; the fields are {', '.join(map(repr, known))}")


def write_fields(array: Any, prepared: Prepared, value: Any) -> None:
    """Writes some fields by reading and writing whole elements.

    Not atomic: another writer may write in between.
    """
    whole = replace(prepared, fields=None)
    elements = np.array(array.read(whole))
    elements[prepared.fields] = value
    array.write(whole, elements)


async def write_fields_async(array: Any, prepared: Prepared, value: Any) -> None:
    """Async variant of `write_fields`."""
    whole = replace(prepared, fields=None)
    elements = np.array(await array.read_async(whole))
    elements[prepared.fields] = value
    await array.write_async(whole, elements)


def _prepare(key: Any, shape: tuple[int, ...]) -> Prepared:
    items, gap = _expand(key, shape)
    arrays = [position for position, item in enumerate(items) if _is_advanced(item)]
    checked: list[slice | npt.NDArray[np.int64] | int | None] = []
    dimension = 0
    for item in items:
        checked.append(None if item is None else _checked(item, dimension, shape[dimension]))
        dimension += item is not None
    # As in NumPy, the dimensions of adjacent index arrays stay in place, and otherwise come first.
    # A `...` between index arrays separates them, even if it stands for no dimension.
    together = not arrays or arrays == list(range(arrays[0], arrays[-1] + 1)) and not arrays[0] < gap <= arrays[-1]
    before = sum(not _is_advanced(item) for item in items[: arrays[0]]) if arrays and together else 0
    slices = [item for item in checked if item is None or isinstance(item, slice)]
    if sum(isinstance(item, np.ndarray) for item in items) < 2:
        return _one_array(checked, before)
    return _points(checked, before, [1 if item is None else _count(item) for item in slices])


def _one_array(items: list[slice | npt.NDArray[np.int64] | int | None], before: int) -> Prepared:
    """Prepares an index with at most one array, in all combinations with the slices.

    Dimensions indexed by an integer are dropped.
    """
    axes: list[slice | npt.NDArray[np.int64]] = []
    shape: list[int] = []
    places: list[int] = []
    mine: list[int] = []
    for item in items:
        if isinstance(item, np.ndarray):
            mine = list(range(len(shape), len(shape) + item.ndim))
            shape.extend(item.shape)
            axes.append(np.ascontiguousarray(item.reshape(-1)))
        elif isinstance(item, int):
            axes.append(slice(item, item + 1, 1))
        else:
            places.append(len(shape))
            shape.append(1 if item is None else _count(item))
            if item is not None:
                axes.append(item)
    engine_shape = tuple(_count(axis) if isinstance(axis, slice) else len(axis) for axis in axes)
    order = (*places[:before], *mine, *places[before:])
    is_sorted = order == tuple(range(len(shape)))
    return Prepared(axes, False, engine_shape, tuple(shape), None if is_sorted else order, scalar=not shape)


def _points(items: list[slice | npt.NDArray[np.int64] | int | None], before: int, counts: list[int]) -> Prepared:
    """Prepares an index with several arrays: the coordinates of each element of the result.

    `counts` are the lengths of slices and new axes; the first `before` of them precede the
    dimensions of the index arrays.
    """
    given = [np.asarray(item, dtype=np.int64) for item in items if isinstance(item, np.ndarray | int)]
    try:
        broadcast = np.broadcast_shapes(*(array.shape for array in given))
    except ValueError:
        shapes = " ".join(str(array.shape) for array in given)
        raise SelectionError(
            f"shape mismatch: indexing arrays could not be broadcast together with shapes {shapes}; "
            "oindex takes all combinations of indices") from None
    shape = (*counts[:before], *broadcast, *counts[before:])
    coordinates: list[slice | npt.NDArray[np.int64]] = []

    def spread(array: npt.NDArray[np.int64], behind: int) -> npt.NDArray[np.int64]:
        array = array.reshape(array.shape + (1,) * behind)
        return np.ascontiguousarray(np.broadcast_to(array, shape).reshape(-1))

    seen = 0
    for item in items:
        if isinstance(item, np.ndarray | int):
            coordinates.append(spread(np.asarray(item, dtype=np.int64), len(counts) - before))
            continue
        if isinstance(item, slice):
            axis = seen if seen < before else seen + len(broadcast)
            line = np.arange(_count(item), dtype=np.int64) * item.step + item.start
            coordinates.append(spread(line, len(shape) - axis - 1))
        seen += 1
    return Prepared(coordinates, True, (prod(shape),), shape)


def prepare_orthogonal(key: Any, shape: tuple[int, ...]) -> Prepared:
    """Prepares an orthogonal index: an integer, slice, list or 1-D mask per dimension."""
    if isinstance(key, Prepared):
        return key
    items, _ = _expand(key, shape, split_masks=False)
    axes: list[slice | npt.NDArray[np.int64]] = []
    result: list[int] = []
    for item in items:
        if item is None:
            raise SelectionError("oindex does not support new axes")
        dimension = len(axes)
        checked = _checked(item, dimension, shape[dimension])
        if isinstance(checked, slice):
            axes.append(checked)
            result.append(_count(checked))
        elif isinstance(checked, np.ndarray):
            if checked.ndim != 1:
                raise SelectionError(f"oindex takes one-dimensional indices, got {checked.ndim} dimensions")
            axes.append(np.ascontiguousarray(checked))
            result.append(len(checked))
        else:
            axes.append(slice(checked, checked + 1, 1))
    engine_shape = tuple(_count(axis) if isinstance(axis, slice) else len(axis) for axis in axes)
    scalar = not result and bool(axes) and not _has_ellipsis(key)
    return Prepared(axes, False, engine_shape, tuple(result), scalar=scalar)


def prepare_coordinates(key: Any, shape: tuple[int, ...]) -> Prepared:
    """Prepares coordinates: broadcast integers or arrays, one per dimension, or a mask."""
    if isinstance(key, Prepared):
        return key
    items, _ = _expand(key, shape)
    if any(item is None or isinstance(item, slice) for item in items):
        raise SelectionError(f"vindex takes {len(shape)} integers or arrays of integers, or a mask of shape {shape}")
    checked = [_checked(item, dimension, shape[dimension]) for dimension, item in enumerate(items)]
    prepared = _points(list(checked), 0, [])
    return Prepared(prepared.axes, True, prepared.engine_shape, prepared.shape, scalar=not prepared.shape)


def _has_ellipsis(key: Any) -> bool:
    return any(item is Ellipsis for item in (key if isinstance(key, tuple) else (key,)))


def _expand(key: Any, shape: tuple[int, ...], *, split_masks: bool = True) -> tuple[list[Any], int]:
    """Returns the items of an index, one per dimension and new axis, and the position of `...`.

    Masks become arrays of integers, and `...` becomes slices. The position is 0 if the index has no
    `...`.
    """
    items: list[Any] = []
    ellipsis = None
    for item in key if isinstance(key, tuple) else (key,):
        if item is Ellipsis:
            if ellipsis is not None:
                raise SelectionError("an index can only have a single ellipsis ('...')")
            ellipsis = len(items)
        elif item is None or isinstance(item, slice):
            items.append(item)
        elif is_index(item):
            items.append(operator.index(item))
        else:
            items.append(_array(item, split_masks))
    left = len(shape) - sum(map(_dimensions, items))
    if left < 0:
        raise SelectionError(f"{len(shape) - left} indices for an array of {len(shape)} dimensions")
    at = len(items) if ellipsis is None else ellipsis
    items[at:at] = [slice(None)] * left
    expanded: list[Any] = []
    dimension = gap = 0
    for position, item in enumerate(items):
        if position == ellipsis:
            gap = len(expanded)
        taken = _dimensions(item)
        if isinstance(item, np.ndarray) and item.dtype.kind == "b":
            wanted = shape[dimension : dimension + taken]
            if item.shape != wanted:
                raise SelectionError(f"mask of shape {item.shape} for dimensions of shape {wanted}")
            expanded.extend(np.nonzero(item))
        else:
            expanded.append(item)
        dimension += taken
    return expanded, gap


def _array(item: Any, split_masks: bool) -> npt.NDArray[Any] | int:
    """Converts an index that is no integer, slice or `None` to an array of integers or a mask."""
    array = np.asarray(item)
    if array.size == 0 and not isinstance(item, np.ndarray):
        array = array.astype(np.int64)
    if array.dtype.kind == "b":
        if array.ndim == 0:
            raise SelectionError("a single bool is not an index of a stored array; None makes a new axis")
        if array.ndim > 1 and not split_masks:
            raise SelectionError("oindex takes masks of one dimension; vindex takes one of the array's shape")
        return array
    if array.dtype.kind in "iu":
        return array if array.ndim else int(array)
    raise SelectionError(
        "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean arrays "
        f"are valid indices, got {type(item).__name__}"
    )


def _dimensions(item: Any) -> int:
    """Returns the number of array dimensions that an item indexes."""
    if item is None:
        return 0
    return item.ndim if isinstance(item, np.ndarray) and item.dtype.kind == "b" else 1


def _is_advanced(item: Any) -> bool:
    return item is not None and not isinstance(item, slice)


def _checked(item: Any, dimension: int, length: int) -> slice | npt.NDArray[np.int64] | int:
    """Checks an index of one dimension, and returns it counted from the start."""
    if isinstance(item, slice):
        start, stop, step = item.indices(length)
        count = len(range(start, stop, step))
        if count == 0:
            return slice(0, 0, 1)
        # A stop of -1 would mean the last element.
        end = start + (count - 1) * step + (1 if step > 0 else -1)
        return slice(start, None if end < 0 else end, step)
    if isinstance(item, np.ndarray):
        if item.dtype.kind == "u" and item.size and int(item.max()) > np.iinfo(np.int64).max:
            raise SelectionError(f"index {item.max()} is out of bounds for axis {dimension} with size {length}")
        indices = item.astype(np.int64)
        wrong = (indices < -length) | (indices >= length)
        if wrong.any():
            found = indices[wrong][0]
            raise SelectionError(f"index {found} is out of bounds for axis {dimension} with size {length}")
        return np.where(indices < 0, indices + length, indices)
    if not -length <= item < length:
        raise SelectionError(f"index {item} is out of bounds for axis {dimension} with size {length}")
    return int(item) % length


def _count(checked: slice) -> int:
    """Returns the number of elements of a checked slice."""
    return len(range(checked.start, -1 if checked.stop is None else checked.stop, checked.step))
