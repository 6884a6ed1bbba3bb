"""Encoded bytes of chunks: reads and writes chunks as they are stored."""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from zarr_py import _checks
from zarr_py._indexing import is_index
from zarr_py._native import NativeStore, bind_node
from zarr_py._source import Place, Source
from zarr_py._steps import Steps, ask
from zarr_py.errors import InvalidError, NotFoundError, SelectionError, ZarrError

if TYPE_CHECKING:
    from zarr_py._array import Array

__all__ = ["ABSENT", "compaction", "decoded_size", "read_encoded", "write_encoded"]

ABSENT = (2**64 - 1, 2**64 - 1)
"""The shard index entry of an inner chunk that is not stored."""


def read_encoded(array: "Array", block: Any, inner: Any) -> Steps[memoryview | None]:
    """Returns the encoded bytes of a chunk, shard or inner chunk; `None` if it is not stored."""
    cell = _indices(block, array._grid_shape, "block")
    store, key = array._store, array._key_of_cell(cell)
    if inner is None:
        try:
            found = yield from ask(store.fetch, key, 0, None, None)
        except NotFoundError:
            return None
        return memoryview(found[0])
    grid = array._inner_grid(cell)
    if grid is None:
        raise InvalidError(f"/{array.path}: inner: the array has no inner chunks that can be read separately")
    place = _indices(inner, tuple(grid), "inner")
    (shard,) = yield from ask(array._shard_indexes, [cell])
    if shard is None:
        return None
    _, version, _, entries = shard
    number = 0
    for index, count in zip(place, grid, strict=True):
        number = number * count + index
    if entries[number] == ABSENT:
        return None
    offset, size = entries[number]
    (part,) = yield from ask(store.fetch_ranges, key, [(offset, offset + size)], version if version.is_known else None)
    return memoryview(part)


def write_encoded(array: "Array", block: Any, data: Any, check: Any) -> Steps[None]:
    """Stores the encoded bytes of a chunk or shard."""
    cell = _indices(block, array._grid_shape, "block")
    _checks.writable(array.read_only, array.path)
    key = array._key_of_cell(cell)
    if _checks.flag(check, "check"):
        _check(array, cell, key, data)
    yield from ask(array._store.put, key, data, False, None)


def _check(array: "Array", cell: list[int], key: str, data: Any) -> None:
    """Raises `InvalidError` if the codecs of the array cannot decode the bytes."""
    memory = NativeStore.memory()
    memory.set_sync(key, data)
    other = bind_node(Place(memory, Source("memory:"), True), "array", array.path, array.metadata_text())
    try:
        other.read(tuple(slice(start, stop) for start, stop in array._extent(cell)))
    except ZarrError as error:
        raise InvalidError(f"data: the codecs of the array cannot decode it: {error}") from error


def _indices(given: Any, grid: Sequence[int], what: str) -> list[int]:
    """Returns the indices of one cell of a grid, counted from the start."""
    items = list(given) if isinstance(given, tuple | list) else [given]
    if len(items) != len(grid) or not all(is_index(item) for item in items):
        raise SelectionError(f"{what}: expected {len(grid)} integers, got {given!r}")
    found = []
    for axis, (item, count) in enumerate(zip(items, grid, strict=True)):
        index = int(item) + (count if item < 0 else 0)
        if not 0 <= index < count:
            raise SelectionError(f"{what} {item} is out of bounds for axis {axis} with {count} chunks")
        found.append(index)
    return found


def decoded_size(shape: Sequence[int], array: "Array") -> int | None:
    """Returns the size of elements of this shape in memory, in bytes.

    Returns `None` for variable-size elements.
    """
    return None if array.dtype.kind in "TO" else prod(shape) * array.dtype.itemsize


def compaction(percent: Any, order: Any) -> tuple[int, bool | None]:
    """Checks the arguments of `Array.compact`."""
    percent = _checks.count(percent, "percent", 0)
    if percent > 100:
        raise ValueError(f"percent: expected at most 100, got {percent}")
    orders = {"C": False, "morton": True}
    if order is None:
        return percent, None
    if _checks.text(order, "order") not in orders:
        raise ValueError(f'order: expected "C" or "morton", got {order!r}')
    return percent, orders[order]
