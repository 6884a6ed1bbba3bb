"""Plans of writes and reads as values: tasks that never share a stored object.

The engine cuts a selection along the edges of objects: chunks, or shards if the array is sharded. A
plan makes each task when it is asked for, so it takes little memory however many tasks it has.
Nothing here depends on the program that runs the tasks.
"""

import operator
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, overload

from zarr_py import _checks, _source
from zarr_py._native import NativeTasks, bind_node

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
    objects: int
    """The number of objects."""
    requests: int
    """The minimum number of requests. A write needs one to store an object, two to merge with it."""

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
        return self.array._keys(self.selection)

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

    @property
    def modifies(self) -> int:
        """The number of objects that the task merges with the stored ones."""
        return self.objects - self.replaces

    def write(self, data: Any) -> None:
        """Writes data of the shape of the task, or data that broadcasts to it."""
        self.array[self.selection] = data

    async def write_async(self, data: Any) -> None:
        """Async variant of `write`. The caller must not change `data` until the write is done."""
        await self.array.write_async(self.selection, data)


class _Plan[Task](Sequence[Task]):
    """A sequence of tasks, each made when it is asked for."""

    __slots__ = ("_given", "_tasks", "_target")

    _target: Target
    _tasks: NativeTasks

    def __init__(self, target: Target, selection: Any, workers: int | None) -> None:
        count = None if workers is None else _checks.count(workers, "workers", 1)
        self._target, self._given = target, (selection, workers)
        self._tasks = target.array._tasks(selection, count, isinstance(self, WritePlan))

    @property
    def array(self) -> "Array":
        """The array."""
        return self._target.array

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the selection."""
        return self._tasks.shape

    @property
    def chunks(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of the tasks along each dimension of the selection, in the form of dask."""
        return self._tasks.lengths()

    @property
    def objects(self) -> int:
        """The number of objects that the tasks touch."""
        return self._tasks.objects

    @property
    def bytes(self) -> int:
        """The size of the selection in memory, in bytes."""
        return prod(self.shape) * self.array.dtype.itemsize

    def __len__(self) -> int:
        return len(self._tasks)

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
        return self._task(*self._tasks[at % len(self)])

    def __iter__(self) -> Iterator[Task]:
        return map(self.__getitem__, range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._target, *self._given)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {len(self)} tasks for {self.objects} objects of /{self.array.path}>"

    def _task(self, selection: tuple[Index, ...], part: Part, objects: int, replaced: int, requests: int) -> Task:
        raise NotImplementedError


class ReadPlan(_Plan[ReadTask]):
    """The tasks of a read, which never share a stored object."""

    __module__ = "zarr_py"
    __slots__ = ()

    @property
    def requests(self) -> int:
        """The minimum number of requests of all tasks."""
        return int(self.array._plan(self._given[0])[1][1])

    def _task(self, selection: tuple[Index, ...], part: Part, objects: int, replaced: int, requests: int) -> ReadTask:
        return ReadTask(self._target, selection, part, objects, requests)


class WritePlan(_Plan[WriteTask]):
    """The tasks of a write, which never share a stored object."""

    __module__ = "zarr_py"
    __slots__ = ()

    @property
    def replaces(self) -> int:
        """The number of objects that are stored whole, without reading them."""
        return self._tasks.replaced()

    @property
    def modifies(self) -> int:
        """The number of objects that are merged with the stored ones."""
        return self.objects - self.replaces

    @property
    def requests(self) -> int:
        """The minimum number of requests: one to store an object, two to merge with it."""
        return self.objects + self.modifies

    def _task(self, selection: tuple[Index, ...], part: Part, objects: int, replaced: int, requests: int) -> WriteTask:
        return WriteTask(self._target, selection, part, objects, requests, replaced)
