"""dask without zarr-python: arrays whose blocks are whole stored objects.

`from_zarr` reads each block by one call of the engine. `store` and `to_zarr` regroup blocks along
stored objects, so that each object is written once, by one task, without reading it.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any

import dask
import dask.array
import numpy as np
from dask.array.core import ArraySliceDep, normalize_chunks
from dask.base import tokenize

from zarr_py import _source
from zarr_py._array import Array
from zarr_py._kept import check_kept
from zarr_py._nodes import open_array
from zarr_py._option_names import StoreOptions
from zarr_py._region import Region
from zarr_py._tasks import Target, WritePlan

if TYPE_CHECKING:
    from dask.delayed import Delayed

__all__ = ["from_zarr", "store", "to_zarr"]

_REGROUPED = 1 << 30
"""The largest object, in bytes in memory, along which blocks are regrouped."""


def from_zarr(
    array: Any,
    path: str = "",
    *,
    chunks: Any = "shards",
    region: Sequence[slice] | None = None,
    name: str | None = None,
    **options: Any,
) -> dask.array.Array:
    """Returns a dask array whose blocks are read by the engine, each in one call.

    Parameters
    ----------
    array
        An array of this package, or a URL, path or store with `path` and `options` as for
        `zarr_py.open_array`.
    chunks
        The blocks: `"shards"` (whole objects), `"inner"` chunks, `"auto"` (whole objects, or inner
        chunks of objects that are larger, up to dask's `array.chunk-size`), or anything that dask
        takes as chunks.
    region
        The part of the array, as slices; by default, the whole array.
    name
        The name of the result in graphs. By default, the name depends on the location, the metadata
        and the blocks only, so equal calls in any process give equal names.
    """
    stored = array if isinstance(array, Array) else open_array(array, path, mode="r", **options)
    parts = _parts(region, stored.ndim)
    shape = tuple(len(range(length)[part]) for part, length in zip(parts, stored.shape, strict=True))
    blocks = _blocks(stored, parts, shape, chunks)
    token = tokenize(stored, blocks, parts)
    return _reading(stored, parts, blocks, name or f"zarr_py-{token}")


def to_zarr(
    array: dask.array.Array,
    store: Any,
    path: str = "",
    *,
    region: Sequence[slice] | None = None,
    compute: bool = True,
    return_stored: bool = False,
    regroup: bool | None = None,
    dask_options: Mapping[str, Any] | None = None,
    **options: Any,
) -> Any:
    """Writes a dask array to an existing array, or to an array that is created.

    Parameters
    ----------
    store
        An array of this package, or a URL, path or store. In the second case, the array is created
        at `path` by `zarr_py.create_array` with `options`. Unless `chunks` is among them, its
        chunks have the lengths of the largest blocks.
    region, compute, return_stored, regroup, dask_options
        As for `store`.

    Raises `InvalidError` if `overwrite=True` would delete an array that the dask array reads.
    """
    _check_known(array)
    if isinstance(store, Array | Region):
        if options or path:
            raise TypeError(f"{next(iter(options), 'path')!r} is for an array that is created, and this one exists")
        target: Array | Region = store
    else:
        from zarr_py._nodes import create_array

        if region is not None:
            raise ValueError("region: only an existing array has a region")
        if options.get("overwrite"):
            opening = {name: value for name, value in options.items() if name in StoreOptions.__annotations__}
            check_kept(array, _source.of(store, opening, None, "to_zarr"), path)
        options.setdefault("shape", array.shape)
        options.setdefault("dtype", array.dtype)
        options.setdefault("chunks", tuple(max(*lengths, 1) for lengths in array.chunks))
        target = create_array(store, path, **options)
    return _store([array], [target], [region], compute, return_stored, regroup, dask_options)


def store(
    sources: dask.array.Array | Sequence[dask.array.Array],
    targets: Any,
    *,
    regions: Any = None,
    compute: bool = True,
    return_stored: bool = False,
    regroup: bool | None = None,
    **options: Any,
) -> Any:
    """Writes dask arrays to arrays, as `dask.array.store` does.

    Parameters
    ----------
    sources, targets
        A dask array and an array of this package, or equally many of both. A region that
        `Array.reserve` returned is a target too.
    regions
        The part of each target to write, as slices, or a list of such parts, one for each target; by
        default, the whole targets.
    compute
        Whether to write now; otherwise returns a delayed write.
    return_stored
        Whether to return dask arrays that read what was written. With `compute=False`, computing
        them writes.
    regroup
        Whether blocks are cut and merged along stored objects, so that each object is written once
        without reading it; by default, if an object takes at most 1 GiB of memory. Otherwise, the
        blocks stay as they are, and the tasks of one object merge: those that run at once in one
        worker are committed together.
    options
        Options for `dask.compute`.
    """
    single = isinstance(sources, dask.array.Array)
    listed: list[dask.array.Array] = [sources] if isinstance(sources, dask.array.Array) else list(sources)
    into = [targets] if single else list(targets)
    parts = list(regions) if isinstance(regions, list) else [regions] * len(listed)
    if not len(listed) == len(into) == len(parts):
        raise ValueError(f"different numbers of sources ({len(listed)}), targets ({len(into)}) and regions ({len(parts)})")
    return _store(listed, into, parts, compute, return_stored, regroup, options)


def _store(
    sources: Sequence[dask.array.Array],
    targets: Sequence[Any],
    regions: Sequence[Any],
    compute: bool,
    return_stored: bool,
    regroup: bool | None,
    options: Mapping[str, Any] | None,
) -> Any:
    writes = [
        _writing(source, target, region, regroup, reads=return_stored and not compute)
        for source, target, region in zip(sources, targets, regions, strict=True)]
    if not compute:
        arrays = tuple(written for written, _, _ in writes)
        if return_stored:
            return arrays[0] if len(arrays) == 1 else arrays
        return _joined(arrays)
    dask.compute(*(written for written, _, _ in writes), **(options or {}))
    if not return_stored:
        return None
    stored = tuple(
        _reading(target.array, parts, blocks, f"stored-{written.name}") for written, target, (parts, blocks) in writes)
    return stored[0] if len(stored) == 1 else stored


def _joined(arrays: Sequence[dask.array.Array]) -> "Delayed":
    """Returns one delayed value for the writes of all blocks."""
    name = f"zarr_py-done-{tokenize(*(array.name for array in arrays))}"
    done: Delayed = dask.delayed(_done, name=name)(*arrays, dask_key_name=name)
    return done


def _done(*_: Any) -> None:
    """Waits for the writes of all blocks."""


def _writing(
    source: Any, target: Any, region: Any, regroup: bool | None, *, reads: bool
) -> tuple[dask.array.Array, Target, tuple[tuple[slice, ...], tuple[tuple[int, ...], ...]]]:
    """Returns the write of an array: one element for each block, or the elements read again."""
    _check_known(source)
    if isinstance(target, Region):
        if region is not None:
            raise ValueError("regions: this target is a region already")
        place, parts = target._target, tuple(target)
    elif isinstance(target, Array):
        place, parts = Target(target), _parts(region, target.ndim)
    else:
        raise TypeError(f"targets: expected arrays of zarr_py, got {type(target).__name__}")
    plan = WritePlan(place, parts, None)
    if plan.shape != source.shape:
        raise ValueError(f"the source has shape {source.shape}, and the target /{place.array.path} has {plan.shape}")
    if regroup is None:
        regroup = _object_size(place.array) <= _REGROUPED
    if regroup:
        source = source.rechunk(tuple(map(_regrouped, source.chunks, plan.chunks)))
    token = tokenize(source.name, place.token(), parts, reads)
    held = dask.delayed(place, name=f"zarr_py-target-{tokenize(place.token())}", pure=True)
    slices = ArraySliceDep(source.chunks)
    if reads:
        written = dask.array.map_blocks(
            _write_and_read, source, slices, held, parts, name=f"zarr_py-stored-{token}", dtype=place.array.dtype, meta=_meta(place.array))
    else:
        written = dask.array.map_blocks(
            _write, source, slices, held, parts, name=f"zarr_py-store-{token}", dtype=bool,
            chunks=tuple((1,) * len(lengths) for lengths in source.chunks), meta=np.empty((0,) * source.ndim, bool))
    return written, place, (parts, source.chunks)


def _parts(region: Any, ndim: int) -> tuple[slice, ...]:
    """Returns one slice for each dimension.

    Raises `ValueError` for a region of other indices, or of too many.
    """
    given = region if isinstance(region, tuple | list) else () if region is None else (region,)
    for at, one in enumerate(given):
        if one is ...:
            given = (*given[:at], *(slice(None),) * (ndim + 1 - len(given)), *given[at + 1:])
            break
    if len(given) > ndim or not all(isinstance(one, slice) for one in given):
        raise ValueError(f"region: expected at most one slice for each of {ndim} dimensions, got {region!r}")
    return (*given, *(slice(None),) * (ndim - len(given)))


def _write(block: Any, slices: tuple[slice, ...], target: Target, parts: tuple[slice, ...]) -> Any:
    target.array[_moved(slices, parts, target.array.shape)] = np.asarray(block)
    return np.ones((1,) * np.ndim(block), bool)


def _write_and_read(block: Any, slices: tuple[slice, ...], target: Target, parts: tuple[slice, ...]) -> Any:
    _write(block, slices, target, parts)
    return _read(slices, target, parts)


def _read(slices: tuple[slice, ...], target: Target, parts: tuple[slice, ...]) -> Any:
    return np.asarray(target.array.read(_moved(slices, parts, target.array.shape)))


def _moved(slices: tuple[slice, ...], parts: tuple[slice, ...], shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Returns the index in the array of a block of a region."""
    def one(block: slice, part: slice, length: int) -> slice:
        taken = range(length)[part][block]
        return slice(taken.start, taken.stop if taken.stop >= 0 else None, taken.step)

    return tuple(map(one, slices, parts, shape))


def _reading(array: Array, parts: tuple[slice, ...], blocks: Any, name: str) -> dask.array.Array:
    """Returns the dask array that reads a part of an array in these blocks."""
    whole = all(part in (slice(None), slice(0, length)) for part, length in zip(parts, array.shape, strict=True))
    source = _Source(Target(array), None if whole else parts)
    made: dask.array.Array = dask.array.from_array(source, chunks=blocks, name=name, asarray=False, fancy=False, meta=_meta(array))
    return made


class _Source:
    """The part of an array that blocks are read from; small when pickled."""

    __slots__ = ("_parts", "_target", "shape")

    def __init__(self, target: Target, parts: tuple[slice, ...] | None) -> None:
        self._target, self._parts = target, parts
        lengths = target.array.shape
        self.shape = lengths if parts is None else tuple(len(range(length)[part]) for part, length in zip(parts, lengths, strict=True))

    @property
    def dtype(self) -> Any:
        return self._target.array.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __getitem__(self, key: Any) -> Any:
        array = self._target.array
        if self._parts is not None:
            return np.asarray(array.lazy[self._parts][key].read())
        return np.asarray(array[key])

    def __reduce__(self) -> tuple[Any, ...]:
        return _Source, (self._target, self._parts)


def _meta(array: Array) -> Any:
    return np.empty((0,) * array.ndim, array.dtype)


def _blocks(array: Array, parts: tuple[slice, ...], shape: tuple[int, ...], chunks: Any) -> tuple[tuple[int, ...], ...]:
    """Returns the blocks of a part of an array, in the form of dask."""
    if chunks not in ("shards", "inner", "auto"):
        try:
            given: tuple[tuple[int, ...], ...] = normalize_chunks(chunks, shape, dtype=array.dtype)
        except (TypeError, ValueError, ZeroDivisionError) as error:
            raise ValueError(f"chunks: expected 'shards', 'inner', 'auto' or what dask takes, got {chunks!r}: {error}") from error
        return given
    objects = WritePlan(Target(array), parts, None).chunks
    objects = tuple(lengths or (0,) for lengths in objects)
    if chunks == "shards" or (chunks == "inner" and array.shards is None):
        return objects
    limit = dask.utils.parse_bytes(dask.config.get("array.chunk-size"))
    if chunks == "auto" and _object_size(array) <= limit:
        return _merged(objects, limit // max(array.dtype.itemsize, 1))
    if array.shards is None:
        return objects
    inner = tuple(_cut(lengths, length, part) for lengths, length, part in zip(array.read_chunk_sizes, array.shape, parts, strict=True))
    return inner if chunks == "inner" else _merged(inner, limit // max(array.dtype.itemsize, 1))


def _cut(lengths: tuple[int, ...], length: int, part: slice) -> tuple[int, ...]:
    """Returns the lengths of the chunks within a part of a dimension."""
    taken = range(length)[part]
    edges = [0, *np.cumsum(lengths, dtype=int).tolist()]
    if taken.step > 0:
        cuts = [len(range(taken.start, min(edge, taken.stop), taken.step)) for edge in edges]
    else:
        cuts = [len(range(taken.start, max(edge - 1, taken.stop), taken.step)) for edge in reversed(edges)]
    return tuple(end - start for start, end in pairwise(cuts) if end > start) or (0,)


def _merged(blocks: tuple[tuple[int, ...], ...], most: int) -> tuple[tuple[int, ...], ...]:
    """Merges neighbouring blocks, from the last dimension on, up to a number of elements."""
    merged = list(blocks)
    for axis in reversed(range(len(merged))):
        others = prod(max(lengths) for at, lengths in enumerate(merged) if at != axis)
        room = max(most // max(others, 1), max(merged[axis]))
        lengths = [0]
        for length in merged[axis]:
            if lengths[-1] + length > room:
                lengths.append(0)
            lengths[-1] += length
        merged[axis] = tuple(lengths)
    return tuple(merged)


def _regrouped(blocks: tuple[int, ...], objects: tuple[int, ...]) -> tuple[int, ...]:
    """Moves the edges of blocks to the nearest edges of objects; blocks that become empty vanish."""
    if not objects:
        return blocks
    edges = np.cumsum((0, *objects))
    wanted = np.cumsum(blocks)[:-1]
    after = np.searchsorted(edges, wanted)
    before = np.maximum(after - 1, 0)
    nearest = np.where(edges[after] - wanted < wanted - edges[before], edges[after], edges[before])
    found = np.unique(np.concatenate(([0], nearest, edges[-1:])))
    return tuple(int(length) for length in np.diff(found))


def _object_size(array: Array) -> int:
    """Returns the size of the largest object in memory, in bytes."""
    if array.is_rectilinear:
        return prod(max(lengths, default=0) for lengths in array.write_chunk_sizes) * array.dtype.itemsize
    return prod(array.shards or array.chunks) * array.dtype.itemsize


def _check_known(array: Any) -> None:
    if not isinstance(array, dask.array.Array):
        raise TypeError(f"sources: expected arrays of dask, got {type(array).__name__}; dask.array.from_array makes them")
    if any(np.isnan(length) for length in array.shape):
        raise ValueError("an array of dask with unknown lengths cannot be written; compute_chunk_sizes() finds them")
