"""Checks shapes that callers give, and chooses those that they leave open."""

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import Any

__all__ = ["appended", "chunk_grid", "chunk_shape", "lengths", "position", "shard_shape"]

_SHARD_SIZE = 16 << 20
"""The maximum size, in bytes, of a shard with a shape chosen by this module."""


def lengths(shape: Any, what: str) -> list[int]:
    """Returns the lengths of a shape; an integer is a shape of one dimension.

    `what` names the argument in messages. Raises `TypeError` for anything but integers, and
    `ValueError` for negative ones.
    """
    if isinstance(shape, str | bytes | Mapping | Set):
        raise TypeError(f"{what}: expected an integer or a sequence of integers, got {shape!r}")
    found = [shape] if isinstance(shape, bool) or not isinstance(shape, Iterable) else list(shape)
    return [_length(length, what) for length in found]


def _length(length: Any, what: str) -> int:
    try:
        if isinstance(length, bool):
            raise TypeError
        number = operator.index(length)
    except TypeError:
        raise TypeError(f"{what}: expected integers, got {length!r}") from None
    if number < 0:
        raise ValueError(f"{what}: expected lengths of 0 or more, got {number}; the shape cannot be inferred")
    if number >= 1 << 63:
        raise ValueError(f"{what}: expected lengths below 2**63, got {number}")
    return number


def chunk_shape(chunks: Any, rank: int) -> list[int] | None:
    """Returns the shape of chunks; `None` if the engine chooses.

    An integer is the length along every dimension.
    """
    if chunks is None or chunks is True or (isinstance(chunks, str) and chunks == "auto"):
        return None
    if chunks is False:
        raise ValueError("chunks=False: expected a shape; pass the shape of the array for a single chunk")
    found = lengths(chunks, "chunks")
    return found if isinstance(chunks, Iterable) else found * rank


def chunk_grid(chunks: Any) -> dict[str, Any] | None:
    """Returns a rectilinear chunk grid if lengths of all chunks are listed for a dimension.

    In `[[3, 3, 4], 8]`, the plain number is the length of all chunks along its dimension.
    """
    if isinstance(chunks, str | bytes | Mapping | Set) or not isinstance(chunks, Iterable):
        return None
    listed = list(chunks)
    if not any(isinstance(lengths, Iterable) and not isinstance(lengths, str | bytes) for lengths in listed):
        return None
    shapes = [lengths(one, "chunks") if isinstance(one, Iterable) else _length(one, "chunks") for one in listed]
    if any(one == [] for one in shapes):
        raise ValueError(f"chunks: expected the lengths of chunks, got {chunks!r}")
    return {"name": "rectilinear", "configuration": {"kind": "inline", "chunk_shapes": shapes}}


def shard_shape(
    shards: Any, shape: Sequence[int], chunks: Sequence[int] | None, item_size: Callable[[], int]
) -> list[int] | None:
    """Returns the shape of shards; `None` for no shards.

    `"auto"` and `True` combine whole chunks into shards of at most 16 MiB.
    """
    if shards is None or shards is False:
        return None
    if shards is not True and not (isinstance(shards, str) and shards == "auto"):
        found = lengths(shards, "shards")
        return found if isinstance(shards, Iterable) else found * len(shape)
    if chunks is None:
        raise ValueError(f"shards={shards!r}: pass the shape of the chunks too")
    if len(chunks) != len(shape):
        raise ValueError(f"chunks: expected {len(shape)} lengths, got {len(chunks)}")
    return _grown(list(chunks), shape, max(item_size(), 1))


def _grown(shard: list[int], shape: Sequence[int], item_size: int) -> list[int]:
    """Doubles a shard along one dimension after another, the last first, up to the size limit.

    A shard does not grow along a dimension that it already covers.
    """
    size = item_size
    for length in shard:
        size *= length
    grew = size > 0
    while grew:
        grew = False
        for axis in reversed(range(len(shard))):
            if shard[axis] < shape[axis] and 2 * size <= _SHARD_SIZE:
                shard[axis] *= 2
                size *= 2
                grew = True
    return shard


def position(axis: Any, rank: int) -> int:
    """Returns the number of a dimension, counted from the start.

    Raises `ValueError` if the array has no such dimension.
    """
    number = operator.index(axis)
    if not -rank <= number < rank:
        raise ValueError(f"axis: {number} does not exist in an array of {rank} dimensions")
    return number % rank


def appended(old: Sequence[int], dtype: Any, data: Any, axis: Any) -> tuple[Any, int, int]:
    """Returns the elements to append, the number of the dimension, and their length along it."""
    import numpy as np

    elements, axis = np.asarray(data, dtype), position(axis, len(old))
    if elements.ndim != len(old) or any(
        a != b for at, (a, b) in enumerate(zip(elements.shape, old, strict=True)) if at != axis
    ):
        wanted = ", ".join("n" if at == axis else str(length) for at, length in enumerate(old))
        raise ValueError(f"data: expected shape ({wanted}), got {elements.shape}")
    return elements, axis, elements.shape[axis]
