"""The elements that `Array.reserve` returns: a part of an array that belongs to one writer."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from zarr_py._tasks import ReadPlan, Target, WritePlan

if TYPE_CHECKING:
    from zarr_py._array import Array

__all__ = ["Region", "region"]


class Region(tuple[slice, ...]):
    """The elements that `Array.reserve` added to an array, as an index of the array.

    Write them through `write`, through the tasks of `write_plan`, or through the array that
    reserved them. Other writers may be appending to the last chunks, and these writes merge with
    theirs. A region can be pickled, and written in another process.
    """

    __module__ = "zarr_py"

    _target: Target

    @property
    def array(self) -> "Array":
        """The array that the region is part of."""
        return self._target.array

    @property
    def axis(self) -> int:
        """The dimension along which the array grew."""
        return self._target.open_axis or 0

    @property
    def start(self) -> int:
        """The first new index along the axis."""
        return int(self[self.axis].start)

    @property
    def stop(self) -> int:
        """The end of the new indices along the axis."""
        return int(self[self.axis].stop)

    @property
    def shape(self) -> tuple[int, ...]:
        """The number of elements along each dimension."""
        return tuple(part.stop - part.start for part in self)

    def write(self, data: Any) -> None:
        """Writes data of the shape of the region, or data that broadcasts to it."""
        self.array[tuple(self)] = data

    async def write_async(self, data: Any) -> None:
        """Async variant of `write`. The caller must not change `data` until the write is done."""
        await self.array.write_async(tuple(self), data)

    def write_plan(self, *, workers: int | None = None) -> WritePlan:
        """Cuts the write of the region into tasks, as `Array.write_plan` does."""
        return WritePlan(self._target, tuple(self), workers)

    def read_plan(self, *, workers: int | None = None) -> ReadPlan:
        """Cuts the read of the region into tasks, as `Array.read_plan` does."""
        return ReadPlan(self._target, tuple(self), workers)

    def __reduce__(self) -> tuple[Any, ...]:
        return _region, (self._target, tuple(self))

    def __repr__(self) -> str:
        return f"<zarr_py.Region {tuple(self)} of /{self.array.path}>"


def region(array: "Array", axis: int, start: int, count: int) -> Region:
    """Returns the region of `count` indices along an axis, from `start`."""
    parts = [slice(0, length) for length in array.shape]
    parts[axis] = slice(start, start + count)
    return within(array, axis, parts)


def within(array: "Array", open_axis: int | None, parts: Iterable[slice]) -> Region:
    """Returns a region of an array that may grow along `open_axis`."""
    return _region(Target(array, open_axis), tuple(parts))


def _region(target: Target, parts: tuple[slice, ...]) -> Region:
    found = Region(parts)
    found._target = target
    return found
