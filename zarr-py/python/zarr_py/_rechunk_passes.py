"""How `rechunk` divides a copy: boxes of whole objects, and one pass or two within a memory bound."""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from itertools import product
from math import ceil, prod

from zarr_py._array import Array
from zarr_py._tasks import Part

__all__ = ["Passes", "boxes"]

type Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Passes:
    """The parts of a copy: one pass over boxes of the target, or two through an intermediate array."""

    last: Shape | None
    """The shape of the boxes of the target; `None` for one object at a time."""
    first: Shape | None = None
    """The shape of the boxes of the intermediate array."""
    chunks: Shape | None = None
    """The shape of the chunks of the intermediate array; `None` for one pass."""

    @staticmethod
    def of(source: Array, target: Array, limit: int) -> "Passes":
        """Returns the parts of a copy in tasks of at most `limit` bytes of decoded elements.

        Raises `ValueError` if one object of the target is larger.
        """
        item = max(source.dtype.itemsize, target.dtype.itemsize, 1)
        shape = target.shape
        objects = target.shards or target.chunks
        if target.is_rectilinear:
            objects = tuple(max(lengths, default=1) for lengths in target.write_chunk_sizes)
        needed = prod(map(min, objects, shape)) * item
        if needed > limit:
            raise ValueError(
                f"memory: one object of /{target.path} takes {needed} bytes, and a task may take {limit}: the memory, "
                "divided by the tasks at once and by 3 copies of each element")
        if target.is_rectilinear or source.is_rectilinear:
            return Passes(None if target.is_rectilinear else objects)
        unit, most = source.chunks, limit // item
        last = _grown(objects, unit, shape, most)
        direct = _reads(shape, last, unit)
        if prod(map(min, unit, shape)) > most:
            return Passes(last)
        first = _grown(unit, last, shape, most)
        chunks = tuple(map(min, first, last))
        first = tuple(length // chunk * chunk for length, chunk in zip(first, chunks, strict=True))
        # Two passes also write and read the intermediate array.
        if _reads(shape, first, unit) + 1 + _reads(shape, last, chunks) < direct:
            return Passes(last, first, chunks)
        return Passes(last)


def _grown(unit: Shape, reach: Shape, shape: Shape, most: int) -> Shape:
    """Returns a box of whole units that reaches far along each dimension, within `most` elements."""
    box = list(unit)
    for axis in reversed(range(len(box))):
        others = prod(min(length, whole) for at, (length, whole) in enumerate(zip(box, shape, strict=True)) if at != axis)
        wanted = min(reach[axis], max(shape[axis], 1))
        room = max(most // max(others, 1), unit[axis])
        pieces = ceil(wanted / room)
        # Pieces of nearly equal length.
        units = min(ceil(ceil(wanted / pieces) / unit[axis]), max(room // unit[axis], 1))
        box[axis] = units * unit[axis]
    return tuple(box)


def _reads(shape: Shape, box: Shape, chunks: Shape) -> float:
    """Returns how often each chunk is read on average, if each box reads the chunks that it touches."""
    found = 1.0
    for length, step, chunk in zip(shape, box, chunks, strict=True):
        touched = sum((min(start + step, length) - 1) // chunk - start // chunk + 1 for start in range(0, length, step))
        found *= touched / max(ceil(length / chunk), 1)
    return found


def boxes(target: Array, box: Shape | None, resume: bool, needed: Container[str] | None = None) -> list[Part]:
    """Returns the parts of a target: boxes, or single objects.

    On resuming, returns those with objects that are not stored, of the `needed` ones if given.
    """
    if box is None:
        parts: Iterable[Part] = (task.part for task in target.write_plan())
    else:
        lines = [
            [slice(start, min(start + step, length)) for start in range(0, length, step)]
            for length, step in zip(target.shape, box, strict=True)]
        parts = product(*lines)
    if not resume:
        return list(parts)
    stored = {key for key, _ in target._objects()}
    return [
        part for part in parts
        if any(key not in stored and (needed is None or key in needed) for key in target._keys(part))]
