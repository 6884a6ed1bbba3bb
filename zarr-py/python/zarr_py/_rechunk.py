"""`zarr_py.rechunk`: copies arrays into other chunks, shards, codecs and data types.

A copy is cut into tasks that never write one object, for threads, processes or the workers of
`dask.distributed`. Where a task within the memory bound would read most chunks of the source many
times, the copy goes through an intermediate array, in two passes.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from zarr_py import _checks, _native, _source
from zarr_py._array import Array
from zarr_py._attributes import to_json
from zarr_py._copy import _make_room, check_apart
from zarr_py._create import ArrayOptions, check_names, new_array
from zarr_py._given import Given, covered
from zarr_py._group import Group
from zarr_py._rechunk_passes import Passes, boxes
from zarr_py._tasks import Part, Target
from zarr_py.errors import AlreadyExistsError, InvalidError, NotFoundError

if TYPE_CHECKING:
    from zarr_py._copy import Progress
    from zarr_py._source import Place, StoreLike

__all__ = ["rechunk"]

_LAYOUT = ("shape", "data_type", "chunk_grid", "fill_value", "codecs")
"""The members of the metadata on which stored elements depend."""

_BY_PATH = ("chunks", "shards", "dtype")
"""The options that may be mappings of the paths of arrays."""

_COPIES = 3
"""The copies of an element that exist at a time: decoded, encoded in the source, and encoded in the target."""

_WAITING = 1000
"""The number of tasks that a pool holds at a time."""

_FAST = {"name": "zstd", "configuration": {"level": 1, "checksum": False}}
"""The codec of intermediate arrays."""


def rechunk(
    source: Array | Group,
    target: "Array | Group | StoreLike",
    path: str = "",
    *,
    memory: int | str = "512 MiB",
    client: Any = None,
    workers: int | None = None,
    resume: bool = False,
    verify: str | None = None,
    temporary: "StoreLike | None" = None,
    progress: "Progress | None" = None,
    **options: Any,
) -> Any:
    """Copies an array into other chunks, shards, codecs or another data type, with bounded memory.

    Each object of the target is written once, by one task, without reading it. Chunks that stay as
    they are pass through encoded. If the memory is too small for tasks that read each chunk of the
    source about once, the copy takes two passes through an intermediate array, which is deleted at
    the end. A group is copied with all arrays below it. Returns the target.

    Parameters
    ----------
    source
        An array or a group of this package.
    target, path
        An existing array with the shape of the source, or a group or a place as for `create_array`,
        where the target is created with `options`.
    memory
        The memory that the tasks of one process may take for elements, in bytes or as text.
    client
        Where the tasks run: a client of `dask.distributed`, or an executor of `concurrent.futures`.
        By default, threads of this process.
    workers
        The number of tasks that one process runs at once: by default 2 in this process, 1 in the
        processes of an executor, and the number of threads of a worker of `dask.distributed`.
    resume
        Whether to skip tasks whose objects are all stored: those of an interrupted copy with equal
        arguments. An existing target is then no error, unless its layout is not that of the copy.
    verify
        `"checksums"` compares digests of all elements of both arrays, each read once; `"values"`
        compares the elements of each task after it has written them.
    temporary
        The place for intermediate arrays; by default, next to the target.
    progress
        Called with the number of tasks done and the number of all tasks of a pass.
    options
        Properties of the target as for `create_array` (by default, those of the source), and options
        of the store. `overwrite=True` replaces an existing node. For a group, `chunks`, `shards` and
        `dtype` are mappings of the paths of arrays to values.

    Raises `ValueError` if the memory does not hold one object of the target, and `InvalidError` for
    a target that would replace the source, a group that contains it, or a node in it.
    Raises `RuntimeError` if the verification fails.
    """
    into, options = target if isinstance(target, Array | Group) else covered(target), Given(options)
    if verify not in (None, "checksums", "values"):
        raise ValueError(f"verify: expected 'checksums' or 'values', got {verify!r}")
    if not isinstance(source, Array | Group):
        raise TypeError(f"source: expected an array or a group of zarr_py, got {type(source).__name__}")
    most = _bytes(memory)
    with _Pool(client, workers, progress) as pool:
        limit = most // (pool.at_once * _COPIES)

        def check(one: Array, copy: Array) -> None:
            """Finds all errors in the arguments before anything is deleted or created."""
            if one.shape != copy.shape:
                raise ValueError(f"the source has shape {one.shape}, and the target /{copy.path} has {copy.shape}")
            if verify == "checksums" and one.metadata["data_type"] != copy.metadata["data_type"]:
                raise ValueError("verify: 'checksums' needs equal data types; 'values' compares converted numbers")
            if not _is_encoded(one, copy) and Passes.of(one, copy, limit).chunks and temporary is None and not copy.path:
                raise ValueError("temporary: the target is the root of its store; name a place for an intermediate array")

        found, pairs = _target(source, into, _checks.text(path, "path").strip("/"), options, resume, check)
        for one, copy in pairs:
            _copy(one, copy, limit, temporary, resume, verify == "values", pool)
            if verify == "checksums" and len(set(pool.run(_digest, [Target(one), Target(copy)]))) > 1:
                raise RuntimeError(f"/{copy.path} differs from the source, /{one.path}")
    return found


def _target(
    source: Array | Group, target: Any, path: str, options: dict[str, Any], resume: bool, check: Callable[[Array, Array], None]
) -> tuple[Any, list[tuple[Array, Array]]]:
    """Returns the target, an existing array or what is created, and the arrays of the source with their targets."""
    if isinstance(target, Array):
        if options or path:
            raise TypeError(f"{next(iter(options), 'path')!r} is for an array that is created, and this one exists")
        if not isinstance(source, Array):
            raise TypeError("target: expected a place or a group for a group, got an array")
        check(source, target)
        return target, [(source, target)]
    known = ("source", "target", "path", "memory", "client", "workers", "resume", "verify", "temporary", "progress", "overwrite")
    check_names(options, "rechunk", (*known, *ArrayOptions.__annotations__), options=True)
    array = {name: options.pop(name) for name in list(options) if name in ArrayOptions.__annotations__}
    overwrite = _checks.flag(options.pop("overwrite", False), "overwrite")
    if overwrite and resume:
        raise ValueError("overwrite and resume: one deletes what an interrupted copy has stored, the other keeps it")
    if isinstance(target, Group):
        place, path = target._place(), f"{target.path}/{path}".strip("/")
    else:
        place = _source.of(target, options, None, "rechunk", known)
    if overwrite:
        check_apart(source._place(), source.path, place, path)
    # Listed before the target exists, which may lie in the source.
    nodes = list(source.walk()) if isinstance(source, Group) else []
    copies = [_Copy.of(source, path, array)] if isinstance(source, Array) else _copies(source, nodes, path, array)
    for copy in copies:
        check(copy.source, copy.trial)
    if isinstance(source, Array):
        made = copies[0].made(place, overwrite, resume)
        return made, [(source, made)]
    try:
        group: Group = _native.create_group(place, path, to_json(source.attrs.asdict()), overwrite)
    except AlreadyExistsError:
        if not resume:
            raise
        group = _native.open_node(place, path, "group")
    for below, kind in nodes:
        if kind == "group":
            group.require_group(below).set_attrs(source.open_group(below).attrs.asdict())
    return group, [(copy.source, copy.made(place, False, resume)) for copy in copies]


def _copies(source: Group, nodes: Sequence[tuple[str, str]], path: str, options: Mapping[str, Any]) -> list["_Copy"]:
    """Returns the copies of the arrays of a group."""
    arrays = [below for below, kind in nodes if kind == "array"]
    by_path = {name: value for name, value in options.items() if name in _BY_PATH and isinstance(value, Mapping)}
    # A data type of an extension is an object with a name.
    by_path = {name: value for name, value in by_path.items() if "name" not in value or "name" in arrays}
    for name, value in by_path.items():
        if unknown := set(value) - set(arrays):
            raise ValueError(f"{name}: the group has no arrays {sorted(unknown, key=str)}")
    copies = []
    for below in arrays:
        own = {**options, **{name: value.get(below) for name, value in by_path.items()}}
        own = {name: value for name, value in own.items() if value is not None or name not in by_path}
        copies.append(_Copy.of(source.open_array(below), f"{path}/{below}".strip("/"), own))
    return copies


@dataclass(frozen=True, slots=True)
class _Copy:
    """A new array like another, with some changed properties."""

    source: Array
    path: str
    described: Any
    """The properties; `None` if none is changed."""
    trial: Array
    """An array in memory that shows the metadata of the copy."""

    @staticmethod
    def of(source: Array, path: str, changed: Mapping[str, Any]) -> "_Copy":
        """Returns the copy of an array. Raises errors in the changed properties."""
        described = new_array(**{**_properties(source, changed), **changed}) if changed else None
        memory = _source.of(covered("memory:"), {}, None, "rechunk")
        return _Copy(source, path, described, _create(memory, path, source, described, False))

    def made(self, place: "Place", overwrite: bool, resume: bool) -> Array:
        """Creates the array; on resuming, an equal one may exist."""
        try:
            return _create(place, self.path, self.source, self.described, overwrite)
        except AlreadyExistsError:
            if not resume:
                raise
        found: Array = _native.open_node(place, self.path, "array")
        for name in _LAYOUT if found._zarr_2() is None else _LAYOUT[:-1]:
            if found.metadata[name] != self.trial.metadata[name]:
                raise InvalidError(
                    f"/{self.path}: the {name} differs from that of a copy with these arguments, so there is nothing to "
                    f"resume: {found.metadata[name]} and {self.trial.metadata[name]}")
        return found


def _create(place: "Place", path: str, source: Array, described: Any, overwrite: bool) -> Array:
    if described is None:
        _make_room(place, path, overwrite)
    made: Array = (
        _native.create_like(place, path, source.metadata_text()) if described is None
        else _native.create_array(place, path, described, overwrite))
    return made


def _properties(source: Array, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the properties of an array that do not depend on those that change."""
    document = source.metadata
    is_regular, has_chunks = not source.is_rectilinear, "chunks" in changed
    return {
        "shape": source.shape,
        "dtype": document["data_type"],
        "chunks": source.chunks if is_regular else source.write_chunk_sizes,
        "shards": source.shards if is_regular and not has_chunks else None,
        "filters": source.filters,
        "serializer": "auto" if "dtype" in changed else source.serializer,
        "compressors": source.compressors,
        "fill_value": source.fill_value,
        "attributes": source.attrs.asdict(),
        "dimension_names": source.dimension_names,
        "chunk_key_encoding": document["chunk_key_encoding"],
    }


def _bytes(size: int | str) -> int:
    """Returns a number of bytes from a number or a text such as "512 MiB"."""
    if not isinstance(size, str):
        return _checks.count(size, "memory", 1)
    found = re.fullmatch(r"\s*(\d+\.?\d*)\s*([kmgt]?)(i?)b\s*", size.lower())
    if found is None:
        raise ValueError(f"memory: expected bytes, or a text such as '512 MiB', got {size!r}")
    number, prefix, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** " kmgt".index(prefix or " "))


def _copy(
    source: Array, target: Array, limit: int, temporary: Any, resume: bool, compares: bool, pool: "_Pool"
) -> None:
    """Copies all elements in tasks that take at most `limit` bytes for decoded elements."""
    if _is_encoded(source, target):
        pool.run(Job(Target(source), Target(target), True, compares), boxes(target, None, resume))
        return
    passes = Passes.of(source, target, limit)
    if passes.chunks is None:
        pool.run(Job(Target(source), Target(target), False, compares), boxes(target, passes.last, resume))
        return
    middle = _middle(source, target, passes.chunks, temporary, resume)
    left = boxes(target, passes.last, resume)
    # A copy that was killed at its end may have deleted a part of the intermediate array.
    needed = {key for part in left for key in middle._keys(part)} if resume else None
    first = boxes(middle, passes.first, resume, needed)
    pool.run(Job(Target(source), Target(middle), False, compares), first)
    pool.run(Job(Target(middle), Target(target), False, compares), left)
    middle._store.delete_all([key for key, _ in middle._store.entries_sync(middle.path)])


def _is_encoded(source: Array, target: Array) -> bool:
    """Whether stored objects are copied as they are."""
    return all(source.metadata[name] == target.metadata[name] for name in _LAYOUT[1:])


@dataclass(frozen=True, slots=True)
class Job:
    """The copy of a part of an array, which may run in any process, and again."""

    source: Target
    target: Target
    is_encoded: bool
    """Whether stored objects are copied as they are."""
    compares: bool
    """Whether what was written is read again and compared."""

    def __call__(self, part: Part) -> None:
        """Copies a part."""
        if self.is_encoded:
            self._copy_objects(part)
        else:
            self._copy_elements(part)
        if self.compares and not self._is_equal(part):
            raise RuntimeError(f"/{self.target.array.path}: elements {part} differ from those of /{self.source.array.path}")

    def _copy_elements(self, part: Part) -> None:
        self.target.array[part] = self.source.array.read(part)

    def _copy_objects(self, part: Part) -> None:
        source, target = self.source.array, self.target.array
        for key, copy in zip(source._keys(part), target._keys(part), strict=True):
            data = source._store.get_sync(key)
            if data is not None:
                target._store.set_sync(copy, data)
            else:
                target._store.delete_sync(copy)

    def _is_equal(self, part: Part) -> bool:
        found = np.asarray(self.target.array.read(part))
        # Numbers may have been converted.
        expected = np.asarray(self.source.array.read(part)).astype(found.dtype, copy=False)
        return np.array_equal(found, expected, equal_nan=found.dtype.kind in "fcmM")


def _digest(target: Target) -> Any:
    return target.array._digest()


class _Pool:
    """Runs tasks in threads, in an executor, or on the workers of `dask.distributed`."""

    def __init__(self, client: Any, workers: int | None, progress: "Progress | None") -> None:
        threads: Iterable[int] = getattr(client, "nthreads", dict)().values()
        self.at_once = max(threads, default=2 if client is None else 1) if workers is None else _checks.count(workers, "workers", 1)
        self._progress = progress
        self._own = None if client is not None else ThreadPoolExecutor(self.at_once, "zarr_py-rechunk")
        # A worker that dies is replaced, and its tasks run again.
        self._pool = self._own or (client.get_executor(pure=False, retries=3) if hasattr(client, "get_executor") else client)

    def __enter__(self) -> "_Pool":
        return self

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            self._own.shutdown(cancel_futures=True)

    def run[T, R](self, function: Callable[[T], R], items: Iterable[T]) -> list[R]:
        """Calls a function for several items, in any order; returns the results in order."""
        listed = list(items)
        left = iter(enumerate(listed))
        results: dict[int, R] = {}
        waiting: dict[Any, int] = {}
        try:
            while True:
                for number, item in islice(left, _WAITING - len(waiting)):
                    waiting[self._pool.submit(function, item)] = number
                if not waiting:
                    return [results[number] for number in range(len(listed))]
                for future in wait(waiting, return_when=FIRST_COMPLETED).done:
                    results[waiting.pop(future)] = future.result()
                if self._progress is not None:
                    self._progress(len(results), len(listed))
        finally:
            for future in waiting:
                future.cancel()


def _middle(source: Array, target: Array, chunks: tuple[int, ...], temporary: Any, resume: bool) -> Array:
    """Returns the intermediate array of two passes; on resuming, an existing one is kept."""
    place, path = target._place(), f"{target.path}.rechunk"
    if temporary is not None:
        place = _source.of(covered(temporary), {}, None, "rechunk")
    properties = {**_properties(source, {"chunks": chunks}), "chunks": chunks, "attributes": None, "compressors": _FAST}
    if resume:
        try:
            found: Array = _native.open_node(place, path, "array")
        except NotFoundError:
            pass
        else:
            if (found.shape, found.chunks, found.dtype) == (source.shape, chunks, source.dtype):
                return found
    made: Array = _native.create_array(place, path, new_array(**properties), True)
    return made
