"""`Array.shard_map`: stored shards and inner chunks, their sizes and dead space, and a picture."""

from dataclasses import dataclass
from html import escape
from itertools import product
from math import prod
from typing import TYPE_CHECKING

from zarr_py import _checks
from zarr_py._stored import ABSENT, decoded_size

if TYPE_CHECKING:
    from zarr_py._array import Array

__all__ = ["ShardMap", "StoredShard", "shard_map"]

_MOST_CELLS = 20_000
"""The maximum number of inner chunks drawn one by one; a larger picture shows only shards."""


@dataclass(frozen=True, slots=True)
class StoredShard:
    """A stored shard, or a stored chunk of an array without shards."""

    __module__ = "zarr_py"

    cell: tuple[int, ...]
    """The indices of the shard or chunk in the grid."""
    key: str
    size: int
    """The size of the stored object, in bytes."""
    index: tuple[int, int] | None
    """The byte range of the shard index; `None` for a chunk, and for a shard whose index was not
    read.
    """
    chunks: dict[tuple[int, ...], int]
    """The sizes of the stored inner chunks, in bytes, by their indices within the shard."""
    dead_space: int
    """The number of bytes outside the shard index and all inner chunks."""


@dataclass(frozen=True, slots=True, repr=False)
class ShardMap:
    """The stored shards and chunks of an array, as numbers and as a picture.

    Prints as a summary; notebooks show the picture.

    The picture has one square for each inner chunk: a darker square is better compressed, and a
    white square is not stored. For an array of more than two dimensions, the last two are drawn as
    one plane for each index of the others, one plane below another.
    """

    __module__ = "zarr_py"

    path: str
    grid: tuple[int, ...]
    """The number of shards along each dimension, or of chunks if the array is not sharded."""
    chunks_per_shard: tuple[int, ...] | None
    """The number of inner chunks of a shard along each dimension; `None` if the array is not
    sharded.
    """
    chunk_nbytes: int | None
    """The size of a whole chunk (an inner chunk if the array is sharded) in memory, in bytes.

    `None` for variable-size elements.
    """
    nchunks: int
    """The number of chunks; of inner chunks if the array is sharded."""
    shards: dict[tuple[int, ...], StoredShard]
    """The stored shards or chunks, by their indices in the grid."""
    unread: int
    """The number of stored shards beyond `limit`, whose indexes were not read."""

    @property
    def nbytes_stored(self) -> int:
        """The size of all stored chunks or shards, in bytes."""
        return sum(shard.size for shard in self.shards.values())

    @property
    def dead_space(self) -> int:
        """The unused bytes in shards: partial writes leave them behind if the writer appends."""
        return sum(shard.dead_space for shard in self.shards.values())

    @property
    def nchunks_stored(self) -> int:
        """The number of stored chunks, or of stored inner chunks in shards with a read index."""
        if self.chunks_per_shard is None:
            return len(self.shards)
        return sum(len(shard.chunks) for shard in self.shards.values())

    @property
    def compression(self) -> float | None:
        """The ratio of bytes in memory to bytes stored, over the stored chunks.

        `None` if nothing is stored, or if elements are variable-size.
        """
        stored = sum(sum(shard.chunks.values()) for shard in self.shards.values())
        if self.chunks_per_shard is None:
            stored = self.nbytes_stored
        return None if self.chunk_nbytes is None or not stored else self.nchunks_stored * self.chunk_nbytes / stored

    def __repr__(self) -> str:
        what = "chunks" if self.chunks_per_shard is None else "shards"
        lines = [f"/{self.path}: {len(self.shards)} of {prod(self.grid)} {what} stored, {self.nbytes_stored} bytes"]
        if self.chunks_per_shard is not None:
            lines.append(f"inner chunks: {self.nchunks_stored} of {self.nchunks} stored, dead space {self.dead_space} bytes")
        if self.compression is not None:
            lines.append(f"compression: {self.compression:.2f}")
        if self.unread:
            lines.append(f"{self.unread} more shards are stored; their indexes were not read")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>{self.svg()}"

    def svg(self) -> str:
        """Returns the picture as SVG."""
        return _drawn(self)


def shard_map(array: "Array", limit: int) -> ShardMap:
    """Maps the stored shards, by a listing and the shard indexes of at most `limit` shards."""
    most = _checks.count(limit, "limit", 0)
    found = {tuple(array._cell_of_key(key) or ()): (key, size) for key, size in array._objects()}
    cells = sorted(found)
    sharded = array.shards is not None and array._inner_grid([0] * array.ndim) is not None
    read = cells[:most] if sharded else []
    indexes = dict(zip(read, array._shard_indexes([list(cell) for cell in read]), strict=True))
    shards = {}
    for cell in cells:
        key, size = found[cell]
        index = indexes.get(cell)
        if index is None:
            shards[cell] = StoredShard(cell, key, size, None, {}, 0)
            continue
        size, _, place, entries = index
        # Two index entries may point to the same bytes.
        used = sum(length for _, length in {entry for entry in entries if entry != ABSENT}) + place[1] - place[0]
        inner = array._inner_grid(list(cell)) or []
        stored = {
            at: entry[1]
            for at, entry in zip(product(*map(range, inner)), entries, strict=True)
            if entry != ABSENT and _is_inside(array, cell, at)
        }
        shards[cell] = StoredShard(cell, key, size, place, stored, max(size - used, 0))
    inner_grid = array._inner_grid([0] * array.ndim) if sharded else None
    return ShardMap(
        path=array.path,
        grid=array._grid_shape,
        chunks_per_shard=None if inner_grid is None else tuple(inner_grid),
        chunk_nbytes=decoded_size(array.chunks, array),
        nchunks=array.nchunks,
        shards=shards,
        unread=len(cells) - len(read) if sharded else 0,
    )


def _is_inside(array: "Array", cell: tuple[int, ...], at: tuple[int, ...]) -> bool:
    """Whether an inner chunk lies at least partly inside the array."""
    extent = array._extent(cell)
    return all(start + index * length < stop for (start, stop), index, length in zip(extent, at, array.chunks, strict=True))


_SHARD = 48
"""The side of a shard in the picture, in pixels."""
_GAP = 3


def _drawn(found: ShardMap) -> str:
    """Draws the shards as squares of inner chunks: rows and columns are the last two dimensions."""
    rows, columns = ([1, 1, *found.grid])[-2:]
    planes = list(product(*map(range, found.grid[:-2])))
    inner = found.chunks_per_shard
    fine = inner is not None and prod(found.grid) * prod(inner) <= _MOST_CELLS
    step = _SHARD + _GAP
    width, height = columns * step + _GAP, (rows * step + 2 * _GAP) * len(planes) + _GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{min(width, 960)}" viewBox="0 0 {width} {height}">',
        f"<title>{escape(f'/{found.path}')}</title>",
    ]
    for number, plane in enumerate(planes):
        top = number * (rows * step + 2 * _GAP) + _GAP
        for row, column in product(range(rows), range(columns)):
            cell = (*plane, row, column)[-len(found.grid) :] if found.grid else ()
            left, upper = column * step + _GAP, top + row * step
            shard = found.shards.get(cell)
            parts.append(_square(left, upper, _SHARD, _SHARD, _colour(found, shard), _said(cell, shard), "#888"))
            if fine and shard is not None and shard.index is not None:
                parts.extend(_inner_squares(found, shard, left, upper))
    parts.append("</svg>")
    return "".join(parts)


def _inner_squares(found: ShardMap, shard: StoredShard, left: int, top: int) -> list[str]:
    """Draws the inner chunks of a shard: the last two dimensions, one plane below another."""
    inner = found.chunks_per_shard or ()
    columns = inner[-1] if inner else 1
    rows = prod(inner[:-1])
    width, height = _SHARD / columns, _SHARD / rows
    parts = []
    for number, at in enumerate(product(*map(range, inner))):
        size = shard.chunks.get(at)
        text = f"inner chunk {at}: {'not stored' if size is None else f'{size} bytes'}"
        colour = "#fff" if size is None else _shade(found, size, 1)
        row, column = divmod(number, columns)
        parts.append(_square(left + column * width, top + row * height, width, height, colour, text, "#fff"))
    return parts


def _colour(found: ShardMap, shard: StoredShard | None) -> str:
    if shard is None:
        return "#fff"
    return _shade(found, shard.size, 1 if found.chunks_per_shard is None else max(len(shard.chunks), 1))


def _shade(found: ShardMap, size: int, chunks: int) -> str:
    """Returns a colour from light (not compressed) to dark (compressed to 1/100)."""
    if found.chunk_nbytes is None or not found.chunk_nbytes:
        return "#4a7ab5"
    part = min(max(size / (chunks * found.chunk_nbytes), 0.01), 1.0)
    return f"hsl(212,50%,{round(25 + 60 * part**0.5)}%)"


def _said(cell: tuple[int, ...], shard: StoredShard | None) -> str:
    if shard is None:
        return f"{cell}: not stored"
    return f"{cell}: {shard.key}, {shard.size} bytes, dead space {shard.dead_space}"


def _square(x: float, y: float, width: float, height: float, colour: str, text: str, stroke: str) -> str:
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect {place} fill="{colour}" stroke="{stroke}" stroke-width="0.5"><title>{escape(text)}</title></rect>'
