"""The chunks of arrays: numbers, lengths, selections, and stored sizes."""

from collections.abc import Iterator
from itertools import pairwise, product
from math import prod
from typing import TYPE_CHECKING, Any

from zarr_py._native import NativeArray
from zarr_py._steps import Steps, ask, blocking, later
from zarr_py._stored import compaction

__all__ = ["Chunked"]


class Chunked(NativeArray):
    """An array and what it tells about its chunks."""

    __slots__ = ()

    if TYPE_CHECKING:

        @property
        def metadata(self) -> dict[str, Any]: ...

    @property
    def cdata_shape(self) -> tuple[int, ...]:
        """The number of chunks along each dimension; of inner chunks if the array is sharded."""
        if self.shards is None:
            return self._grid_shape
        return tuple(-(-length // chunk) if chunk else 0 for length, chunk in zip(self.shape, self.chunks, strict=True))

    @property
    def nchunks(self) -> int:
        """The number of chunks; of inner chunks if the array is sharded."""
        return prod(self.cdata_shape)

    @property
    def nchunks_initialized(self) -> int:
        """The number of stored chunks, counted by listing the store.

        A stored shard counts as all of its inner chunks.
        """
        inside = prod(shard // chunk for shard, chunk in zip(self.shards or self.chunks, self.chunks, strict=True) if chunk)
        return len(self._objects()) * (1 if self.shards is None else inside)

    def nbytes_stored(self) -> int:
        """Returns the size of all stored objects of the array, in bytes, by listing the store.

        The size includes the metadata document.
        """
        return sum(size for _, size in self._store.entries_sync(self.path))

    def _objects(self) -> list[tuple[str, int]]:
        """Returns the keys and sizes of the stored chunks or shards."""
        entries = self._store.entries_sync(self.path)
        return [(key, size) for key, size in entries if self._cell_of_key(key) is not None]

    def _stored_chunks(self) -> Iterator[tuple[slice, ...]]:
        """Yields the selections of the stored chunks or shards."""
        for key, _ in self._store.entries_sync(self.path):
            cell = self._cell_of_key(key)
            if cell is not None:
                yield tuple(slice(start, stop) for start, stop in self._extent(cell))

    def iter_chunks(self) -> Iterator[tuple[slice, ...]]:
        """Yields the selections of all chunks in C order, or of all shards if the array is sharded.

        Writing one of these selections needs no read.
        """
        for cell in product(*map(range, self._grid_shape)):
            yield tuple(slice(start, stop) for start, stop in self._extent(cell))

    @property
    def is_rectilinear(self) -> bool:
        """Whether chunks, or shards if the array is sharded, differ in length along a dimension.

        `write_chunk_sizes` lists the lengths.
        """
        grid = self.metadata["chunk_grid"]
        return (grid if isinstance(grid, str) else grid["name"]) != "regular"

    @property
    def write_chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of all chunks along each dimension, or of all shards if the array is sharded.

        The last length is cut off at the end of the array.
        """
        edges = map(self._edges, range(self.ndim))
        return tuple(tuple(stop - start for start, stop in pairwise(line)) for line in edges)

    @property
    def read_chunk_sizes(self) -> tuple[tuple[int, ...], ...]:
        """The lengths of all chunks, or inner chunks if sharded, along each dimension."""
        if self.shards is None:
            return self.write_chunk_sizes
        return tuple(
            tuple(min(chunk, length - start) for start in range(0, length, chunk))
            for length, chunk in zip(self.shape, self.chunks, strict=True))

    @blocking
    def compact(self, percent: int = 0, *, order: str | None = None) -> Steps[tuple[int, int]]:
        """Rewrites every shard of which more than `percent` percent is dead space: replaced inner chunks.

        `order` is the order in which shards store their inner chunks, `"C"` or `"morton"`; shards in
        another order are rewritten too. By default, rewritten shards are in C order, and no shard is
        rewritten for its order. Inner chunks stay encoded. Returns the number of rewritten shards and
        the number of freed bytes.
        """
        done: tuple[int, int] = yield from ask(self._compact, *compaction(percent, order))
        return done

    compact_async = later(compact)
