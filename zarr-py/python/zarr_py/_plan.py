"""The objects, requests and bytes that a read would touch, as text and as numbers."""

from typing import TYPE_CHECKING, Any, Self, cast

if TYPE_CHECKING:
    from zarr_py._array import Array
    from zarr_py._tasks import ReadPlan, WritePlan

__all__ = ["Cost", "Plan", "Planning"]

Cost = tuple[int, int, int, int, int]
"""Objects, requests, inner chunks, bytes wanted, bytes decoded."""


class Plan(str):
    """The objects, requests and bytes that a read would touch: a text to `print`, and its numbers.

    Planning makes no I/O. For more than 16,384 objects, `requests`, `inner_chunks` and
    `bytes_decoded` are estimates.
    """

    __module__ = "zarr_py"
    __slots__ = ("_numbers",)

    _numbers: Cost

    def __new__(cls, text: str, numbers: Cost) -> Self:
        plan = super().__new__(cls, text)
        plan._numbers = numbers
        return plan

    @property
    def objects(self) -> int:
        """The number of chunks, or of shards if the array is sharded, that the read touches."""
        return self._numbers[0]

    @property
    def requests(self) -> int:
        """The minimum number of requests.

        Merged byte ranges of inner chunks may add requests, and cached chunks save some.
        """
        return self._numbers[1]

    @property
    def inner_chunks(self) -> int:
        """The number of inner chunks to fetch after the index of their shard."""
        return self._numbers[2]

    @property
    def bytes_wanted(self) -> int:
        """The size of the result, in bytes."""
        return self._numbers[3]

    @property
    def bytes_decoded(self) -> int:
        """The size of all decoded chunks, in bytes."""
        return self._numbers[4]

    def __repr__(self) -> str:
        return str(self)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self._numbers


class Planning:
    """The part of `zarr_py.Array` that plans reads and writes; its native class defines `_plan`."""

    __slots__ = ()

    if TYPE_CHECKING:

        def _plan(self, selection: Any = None) -> tuple[str, Cost]: ...

    def plan(self, selection: Any = None) -> Plan:
        """Returns the objects, requests and bytes that a read would touch, without any I/O."""
        return Plan(*self._plan(selection))

    def read_plan(self, selection: Any = None, *, workers: int | None = None) -> "ReadPlan":
        """Cuts a read along stored objects into tasks, which run anywhere.

        Parameters
        ----------
        selection
            Integers, slices and `...`; by default, the whole array.
        workers
            The number of tasks at most, each of neighbouring objects; by default, each object is a
            task.

        `out[task.part] = task.read()` for all tasks reads the selection.
        """
        from zarr_py._tasks import ReadPlan, Target

        return ReadPlan(Target(cast("Array", self)), selection, workers)

    def write_plan(self, selection: Any = None, *, workers: int | None = None) -> "WritePlan":
        """Cuts a write along stored objects into tasks, which run anywhere.

        The parameters are those of `read_plan`. `task.write(data[task.part])` for all tasks writes
        the selection. Tasks can be pickled and never share an object, so they can run in any order,
        at once, and again after a failure. No I/O is made before the tasks run.
        """
        from zarr_py._tasks import Target, WritePlan

        return WritePlan(Target(cast("Array", self)), selection, workers)
