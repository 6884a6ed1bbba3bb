"""Plans of writes and reads as values: tasks that never share a stored object.

The engine's grid gives the edges of objects: chunks, or shards if the array is sharded. A plan cuts
a selection along these edges, one dimension at a time, so it takes little memory however many tasks
it has. Nothing here depends on the program that runs the tasks.
"""

import operator
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from zarr_py import _checks, _source
from zarr_py._indexing import basic
from zarr_py._native import bind_node

if TYPE_CHECKING:
    from zarr_py._array import Array

__all__ = ["ReadPlan", "ReadTask", "Target", "WritePlan", "WriteTask"]

type Index = int | slice
type Part = tuple[slice, ...]

_KEPT = 64
"""The number of arrays that a process keeps for the tasks it unpickles."""


class Target:
    """The array of a task. Copies unpickled in one process share one open array.

    `open_axis` is a dimension along which other writers may be appending.
    """

    __slots__ = ("array", "open_axis")

    array: "Array"
    open_axis: int | None

    def __init__(self, array: "Array", open_axis: int | None = None) -> None:
        self.array, self.open_axis = array, open_axis

    def __reduce__(self) -> tuple[Any, ...]:
        array = self.array
        source = tuple(array._origin.pickled())
        return _target, (source, array.read_only, array.path, array._layout_text(), self.open_axis)

    def token(self) -> tuple[Any, ...]:
        """Returns values that are equal in every process for equal targets."""
        return (*self.array.__dask_tokenize__(), self.open_axis)


_targets: OrderedDict[Any, Target] = OrderedDict()


def _target(source: tuple[Any, ...], read_only: bool, path: str, metadata: str, open_axis: int | None) -> Target:
    # The token stands for the Python objects of the source, which every unpickling makes anew.
    place = _source.Source(*source)._replace(credential_provider=None, called=None)
    key = (place, read_only, path, metadata, open_axis)
    found = _targets.get(key)
    if found is None:
        array = bind_node(_source.unpickled(source, read_only), "array", path, metadata)
        if open_axis is not None:
            # Other writers may have grown the array.
            array.refresh()
            array._open_end(open_axis)
        found = _targets[key] = Target(array, open_axis)
        while len(_targets) > _KEPT:
            _targets.popitem(last=False)
    return found


@dataclass(frozen=True, slots=True)
class ReadTask:
    """One part of a read: whole objects, or the selected elements in them."""

    __module__ = "zarr_py"

    target: Target
    selection: tuple[Index, ...]
    """The index of the elements in the array."""
    part: Part
    """The index of the elements in the result of the whole selection."""

    @property
    def array(self) -> "Array":
        """The array, opened once in each process."""
        return self.target.array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the elements of the task."""
        return tuple(part.stop - part.start for part in self.part)

    @property
    def bytes(self) -> int:
        """The size of the elements in memory, in bytes."""
        return prod(self.shape) * self.array.dtype.itemsize

    @property
    def keys(self) -> list[str]:
        """The keys of the objects. No two tasks of a plan share a key."""
        axes = _axes(self.target, self.selection)
        return [self.array._key_of_cell(cell) for cell in product(*(axis.cells for axis in axes))]

    @property
    def requests(self) -> int:
        """The minimum number of requests of the task."""
        return int(self.array._plan(self.selection)[1][1])

    def read(self, *, out: Any = None) -> Any:
        """Reads the elements, into `out` if it is given."""
        return self.array.read(self.selection, out=out)

    async def read_async(self, *, out: Any = None) -> Any:
        """Async variant of `read`."""
        return await self.array.read_async(self.selection, out=out)


@dataclass(frozen=True, slots=True)
class WriteTask(ReadTask):
    """One part of a write: objects that no other task of the plan writes.

    A task may run anywhere, at any time, and more than once: it stores the elements again, and
    keeps the others.
    """

    __module__ = "zarr_py"

    replaces: int
    """The number of objects that the task stores whole, without reading them."""
    modifies: int
    """The number of objects that the task merges with the stored ones."""

    @property
    def requests(self) -> int:
        """The minimum number of requests: one to store an object, two to merge with it."""
        return self.replaces + 2 * self.modifies

    def write(self, data: Any) -> None:
        """Writes data of the shape of the task, or data that broadcasts to it."""
        self.array[self.selection] = data

    async def write_async(self, data: Any) -> None:
        """Async variant of `write`. The caller must not change `data` until the write is done."""
        await self.array.write_async(self.selection, data)


@dataclass(frozen=True, slots=True)
class _Axis:
    """A selection along one dimension, cut along the edges of objects.

    `starts` and `stops` are positions among the selected indices, one pair for each object.
    """

    indices: int | range
    cells: list[int]
    starts: list[int]
    stops: list[int]
    whole: list[bool]
    """Whether all elements of the object along this dimension are selected."""

    def index(self, start: int, stop: int) -> Index:
        """Returns the index of the selected elements between two positions."""
        if isinstance(self.indices, int):
            return self.indices
        taken = self.indices[start:stop]
        return slice(taken.start, taken.stop if taken.stop >= 0 else None, taken.step)


def _axis(array: "Array", axis: int, indices: int | range, is_open: bool) -> _Axis:
    edges = np.asarray(array._edges(axis), dtype=np.int64)
    line = range(indices, indices + 1) if isinstance(indices, int) else indices
    ascending = line if line.step > 0 else line[::-1]
    # The number of selected indices before each edge.
    before = np.clip(-((ascending.start - edges) // ascending.step), 0, len(line))
    touched = np.flatnonzero(before[1:] > before[:-1])
    starts, stops = before[touched], before[touched + 1]
    whole = stops - starts == edges[touched + 1] - edges[touched]
    if is_open and len(touched) and touched[-1] == len(edges) - 2:
        # Other writers may be appending to the last object, unless it ends with the array.
        length = None if array.is_rectilinear else (array.shards or array.chunks)[axis]
        whole[-1] &= edges[-1] - edges[-2] == length
    if line.step < 0:
        touched, whole = touched[::-1], whole[::-1]
        starts, stops = (len(line) - stops)[::-1], (len(line) - starts)[::-1]
    return _Axis(indices, touched.tolist(), starts.tolist(), stops.tolist(), whole.tolist())


def _axes(target: Target, selection: Any) -> list[_Axis]:
    found = enumerate(basic(selection, target.array.shape))
    return [_axis(target.array, axis, indices, axis == target.open_axis) for axis, indices in found]


class _Plan[Task](Sequence[Task]):
    """A sequence of tasks, each made when it is asked for."""

    __slots__ = ("_axes", "_groups", "_target")

    _target: Target
    _axes: list[_Axis]
    _groups: list[list[tuple[int, int]]]
    """For each dimension, the first and last object of each task."""

    def __init__(self, target: Target, selection: Any, workers: int | None) -> None:
        self._target, self._axes = target, _axes(target, selection)
        counts = [len(axis.cells) for axis in self._axes]
        tasks = counts if workers is None else _shares(counts, _checks.count(workers, "workers", 1))
        self._groups = [_runs(count, some) for count, some in zip(counts, tasks, strict=True)]

    @property
    def array(self) -> "Array":
        """The array."""
        return self._target.array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the selection."""
        return tuple(len(axis.indices) for axis in self._axes if isinstance(axis.indices, range))

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of the tasks along each dimension of the selection, in the form of dask."""
        lines = zip(self._axes, self._groups, strict=True)
        kept = [(axis, groups) for axis, groups in lines if isinstance(axis.indices, range)]
        return tuple(tuple(axis.stops[last] - axis.starts[first] for first, last in groups) for axis, groups in kept)

    @property
    def objects(self) -> int:
        """The number of objects that the tasks touch."""
        return prod(len(axis.cells) for axis in self._axes)

    @property
    def bytes(self) -> int:
        """The size of the selection in memory, in bytes."""
        return prod(self.shape) * self.array.dtype.itemsize

    def __len__(self) -> int:
        return prod(map(len, self._groups))

    @overload
    def __getitem__(self, number: int) -> Task: ...
    @overload
    def __getitem__(self, number: slice) -> list[Task]: ...
    def __getitem__(self, number: int | slice) -> Task | list[Task]:
        if isinstance(number, slice):
            return [self[one] for one in range(*number.indices(len(self)))]
        at = operator.index(number)
        if not -len(self) <= at < len(self):
            raise IndexError(f"task {at} of {len(self)}")
        at %= len(self)
        runs: list[tuple[int, int]] = []
        for groups in reversed(self._groups):
            at, position = divmod(at, len(groups))
            runs.append(groups[position])
        return self._task(runs[::-1])

    def __iter__(self) -> Iterator[Task]:
        return (self._task(runs) for runs in product(*self._groups))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} tasks for {self.objects} objects of /{self.array.path}>"

    def _task(self, runs: Sequence[tuple[int, int]]) -> Task:
        raise NotImplementedError

    def _place(self, runs: Sequence[tuple[int, int]]) -> tuple[tuple[Index, ...], Part]:
        spans = [
            (axis, axis.starts[first], axis.stops[last])
            for axis, (first, last) in zip(self._axes, runs, strict=True)]
        selection = tuple(axis.index(start, stop) for axis, start, stop in spans)
        return selection, tuple(slice(start, stop) for axis, start, stop in spans if isinstance(axis.indices, range))


class ReadPlan(_Plan[ReadTask]):
    """The tasks of a read, which never share a stored object."""

    __module__ = "zarr_py"
    __slots__ = ()

    @property
    def requests(self) -> int:
        """The minimum number of requests of all tasks."""
        selection = tuple(axis.index(0, axis.stops[-1]) for axis in self._axes) if len(self) else ()
        return int(self.array._plan(selection)[1][1]) if len(self) else 0

    def _task(self, runs: Sequence[tuple[int, int]]) -> ReadTask:
        return ReadTask(self._target, *self._place(runs))


class WritePlan(_Plan[WriteTask]):
    """The tasks of a write, which never share a stored object."""

    __module__ = "zarr_py"
    __slots__ = ()

    @property
    def replaces(self) -> int:
        """The number of objects that are stored whole, without reading them."""
        return prod(sum(axis.whole) for axis in self._axes)

    @property
    def modifies(self) -> int:
        """The number of objects that are merged with the stored ones."""
        return self.objects - self.replaces

    @property
    def requests(self) -> int:
        """The minimum number of requests: one to store an object, two to merge with it."""
        return self.replaces + 2 * self.modifies

    def _task(self, runs: Sequence[tuple[int, int]]) -> WriteTask:
        lines = list(zip(self._axes, runs, strict=True))
        replaced = prod(sum(axis.whole[first : last + 1]) for axis, (first, last) in lines)
        objects = prod(last + 1 - first for first, last in runs)
        return WriteTask(self._target, *self._place(runs), replaced, objects - replaced)


def _runs(count: int, tasks: int) -> list[tuple[int, int]]:
    """Splits objects into runs of nearly equal length; returns the first and last of each run."""
    edges = [count * number // tasks for number in range(tasks + 1)] if tasks else []
    return [(start, stop - 1) for start, stop in zip(edges, edges[1:], strict=False)]


def _shares(counts: list[int], workers: int) -> list[int]:
    """Returns the number of tasks along each dimension, at most `workers` in all."""
    best = [min(count, 1) for count in counts]
    for first in range(len(counts)):
        found, left = list(best), workers
        for axis in (first, *(axis for axis in range(len(counts)) if axis != first)):
            found[axis] = min(counts[axis], left)
            left //= max(found[axis], 1)
        if prod(found) > prod(best):
            best = found
    return best
