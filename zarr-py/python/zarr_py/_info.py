"""`Array.info`: a summary of an array, as text and as a table."""

from dataclasses import dataclass, fields
from html import escape
from typing import TYPE_CHECKING, Any

from zarr_py.codecs import Codec

if TYPE_CHECKING:
    from zarr_py._array import Array

__all__ = ["ArrayInfo", "info_of"]


@dataclass(frozen=True, slots=True, repr=False)
class ArrayInfo:
    """A summary of an array. Values that need a listing of the store are `None` without one."""

    __module__ = "zarr_py"

    path: str
    store: str
    zarr_format: int
    data_type: str
    fill_value: Any
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    """The shape of the chunks; of the first chunk if the chunk grid is rectilinear."""
    shards: tuple[int, ...] | None
    chunk_grid: str
    """`"regular"` or `"rectilinear"`; `Array.write_chunk_sizes` lists the lengths of the chunks."""
    read_only: bool
    filters: tuple[Codec, ...]
    serializer: Codec | None
    compressors: tuple[Codec, ...]
    nbytes: int
    nbytes_stored: int | None = None
    objects_stored: int | None = None
    """The number of stored chunks, or of stored shards if the array is sharded."""

    @property
    def storage_ratio(self) -> float | None:
        """The ratio of bytes in memory to bytes stored."""
        return self.nbytes / self.nbytes_stored if self.nbytes_stored else None

    def _rows(self) -> dict[str, str]:
        rows = {member.name.replace("_", " ").capitalize(): getattr(self, member.name) for member in fields(self)}
        rows["Storage ratio"] = None if self.storage_ratio is None else round(self.storage_ratio, 2)
        shown = {name: str(value) for name, value in rows.items() if value is not None}
        return {name: value for name, value in shown.items() if value != "()" or name == "Shape"}

    def __repr__(self) -> str:
        return "\n".join(f"{name:<15}: {value}" for name, value in self._rows().items())

    def _repr_html_(self) -> str:
        cells = (f"<tr><th>{name}</th><td>{escape(value)}</td></tr>" for name, value in self._rows().items())
        return f"<table>{''.join(cells)}</table>"


def info_of(array: "Array", *, complete: bool = False) -> ArrayInfo:
    """Returns the summary of an array, with a listing of the store if `complete` is true."""
    entries = array._store.entries_sync(array.path) if complete else None
    return ArrayInfo(
        path=f"/{array.path}",
        store=array.location,
        zarr_format=array.zarr_format,
        data_type=array._dtype_text(),
        fill_value=array.fill_value,
        shape=array.shape,
        chunks=array.chunks,
        shards=array.shards,
        chunk_grid="rectilinear" if array.is_rectilinear else "regular",
        read_only=array.read_only,
        filters=array.filters,
        serializer=array.serializer,
        compressors=array.compressors,
        nbytes=array.nbytes,
        nbytes_stored=None if entries is None else sum(size for _, size in entries),
        objects_stored=None if entries is None else sum(array._cell_of_key(key) is not None for key, _ in entries),
    )
