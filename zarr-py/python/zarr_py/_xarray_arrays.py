"""Lazily indexed variables of xarray: the elements of stored arrays, read by the engine."""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.backends.common import BackendArray
from xarray.core import indexing

from zarr_py._indexing import Prepared, prepare, prepare_coordinates, prepare_orthogonal

if TYPE_CHECKING:
    from zarr_py._array import Array

__all__ = ["Batch", "Elements", "each"]

_AT_ONCE = 32
"""The number of arrays that are read or made at once."""


def each[T, R](function: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Calls a function for several items, many at once: each call waits for a store."""
    listed = list(items)
    if len(listed) < 2:
        return [function(item) for item in listed]
    with ThreadPoolExecutor(min(len(listed), _AT_ONCE)) as pool:
        return list(pool.map(function, listed))


class Batch:
    """The dimension coordinates of a data set, which are read together when the first is needed.

    xarray reads them one after the other when it makes indexes. Each is kept until it is used once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, Array] = {}
        self._read: dict[str, Future[Any]] = {}

    def add(self, array: "Array") -> None:
        """Adds an array to those that are read together."""
        self._waiting[array.path] = array

    def take(self, array: "Array") -> Any:
        """Returns all elements of an array: from the batch once, later from the store."""
        with self._lock:
            if array.path in self._waiting:
                waiting, self._waiting = list(self._waiting.items()), {}
                self._read.update(zip((path for path, _ in waiting), each(_read, (array for _, array in waiting)), strict=True))
            found = self._read.pop(array.path, None)
        return array.read() if found is None else found.result()


def _read(array: "Array") -> Future[Any]:
    done: Future[Any] = Future()
    try:
        done.set_result(array.read())
    except Exception as error:
        done.set_exception(error)
    return done


class Elements(BackendArray):
    """The elements of an array, with all forms of xarray's indexing."""

    __slots__ = ("_array", "_batch", "dtype", "shape")

    def __init__(self, array: "Array", batch: Batch | None = None) -> None:
        self._array, self._batch = array, batch
        self.shape, self.dtype = array.shape, array.dtype

    def __getitem__(self, key: Any) -> Any:
        return self._found(indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.VECTORIZED, lambda raw: self._read(_prepared(key, raw, self.shape))))

    async def async_getitem(self, key: Any) -> Any:
        """Reads elements without blocking the event loop."""
        async def read(raw: Any) -> Any:
            return self._found(await self._array.read_async(_prepared(key, raw, self.shape)))

        return self._found(await indexing.async_explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.VECTORIZED, read))

    def _read(self, wanted: Prepared) -> Any:
        if self._batch is not None and wanted.axes == [slice(0, self.shape[0], 1)]:
            return self._batch.take(self._array)
        return self._found(self._array.read(wanted))

    def _found(self, value: Any) -> Any:
        """Keeps the data type of single strings."""
        if self.dtype.kind == "T" and isinstance(value, str):
            return np.asarray(value, dtype=self.dtype)
        return value

    def __getstate__(self) -> tuple[Any, ...]:
        return (self._array,)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.__init__(*state)  # type: ignore[misc]


def _prepared(key: Any, raw: tuple[Any, ...], shape: tuple[int, ...]) -> Prepared:
    if isinstance(key, indexing.VectorizedIndexer):
        is_mixed = any(isinstance(item, slice) for item in raw)
        return prepare(raw, shape) if is_mixed else prepare_coordinates(raw, shape)
    return prepare_orthogonal(raw, shape)
