"""`zarr_py.explain`: what runs in the engine or why not, and what a read would touch."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

from zarr_py._plan import Plan

if TYPE_CHECKING:
    from zarr.core.array import AsyncArray

__all__ = ["Explanation", "explain"]

Indexing = Literal["numpy", "oindex", "vindex", "blocks"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The result of `explain`; `print` it."""

    __module__ = "zarr_py"

    native: bool
    """Whether reads and writes of the array, or of all arrays of a group, run in the engine."""
    reason: str
    """The reason why reads and writes do not run in the engine; empty if they do."""
    store: str
    codecs: tuple[str, ...]
    plan: str
    """The objects and requests of the read, before any I/O; empty without a selection or plan."""
    arrays: tuple[tuple[str, Explanation], ...] = ()
    """The explanations of the arrays of a group, by path."""

    def __str__(self) -> str:
        where = "in the engine" if self.native else f"in zarr-python: {self.reason}"
        lines = [where, f"store: {self.store}"]
        if self.codecs:
            lines.append(f"codecs: {', '.join(self.codecs)}")
        for path, found in self.arrays:
            where = "in the engine" if found.native else f"in zarr-python: {found.reason}"
            lines.append(f"  {path}: {where}")
        return "\n".join([*lines, self.plan] if self.plan else lines)


def explain(value: Any, selection: Any | None = None, *, indexing: Indexing = "numpy") -> Explanation:
    """Explains whether reads and writes run in the engine, and what a read would touch.

    Takes an array of zarr-python or `zarr_py`, a group with all its arrays, or a path or URL.

    Parameters
    ----------
    value
        An array or group of zarr-python or `zarr_py`, or a URL, path or store to open. Also the
        `oindex`, `vindex` or `blocks` of an array.
    selection
        Anything that indexes the array: the explanation then contains the plan of that read.
    indexing
        How `selection` is applied: as `array[selection]`, or through `oindex`, `vindex` or
        `blocks`.

    Raises `TypeError` for any other `value`.
    """
    from zarr_py._array import Array
    from zarr_py._given import covered
    from zarr_py._group import Group
    from zarr_py._views import OIndex

    if isinstance(value, str | PathLike):
        value = covered(value)
    if indexing not in ("numpy", "oindex", "vindex", "blocks"):
        raise ValueError(f"indexing: expected 'numpy', 'oindex', 'vindex' or 'blocks', got {indexing!r}")
    if isinstance(value, OIndex):
        return explain(value._array, selection, indexing=_views(type(value)))
    if isinstance(value, Array):
        return _of_ours(value, selection, indexing)
    if isinstance(value, Group):
        found = [(path, _of_ours(node, None, "numpy")) for path, node in value.members(None) if isinstance(node, Array)]
        return _of_group(value.location, found, selection)
    if "zarr" in sys.modules:
        theirs = _of_zarr_python(value, selection, indexing)
        if theirs is not None:
            return theirs
    if isinstance(value, int | float | list | dict | type | bytes | None) or hasattr(value, "__array__"):
        raise TypeError(f"expected an array or group of zarr-python or zarr_py, or a URL, path or store, got {type(value).__name__}")
    from zarr_py._nodes import open

    return explain(open(value, mode="r"), selection, indexing=indexing)


def _views(kind: type) -> Indexing:
    names: dict[str, Indexing] = {"OIndex": "oindex", "VIndex": "vindex", "Blocks": "blocks", "BlockIndex": "blocks"}
    return names[kind.__name__]


def _of_ours(array: Any, selection: Any | None, indexing: Indexing) -> Explanation:
    codecs = tuple(codec if isinstance(codec, str) else codec["name"] for codec in array.metadata["codecs"])
    view = array if indexing == "numpy" else getattr(array, indexing)
    plan = "" if selection is None else view.plan(selection)
    return Explanation(native=True, reason="", store=f"{array.location} /{array.path}", codecs=codecs, plan=plan)


def _of_group(store: str, arrays: list[tuple[str, Explanation]], selection: Any | None) -> Explanation:
    if selection is not None:
        raise TypeError("a selection needs an array, but this is a group")
    others = [path for path, found in arrays if not found.native]
    reason = f"{len(others)} of {len(arrays)} arrays: {', '.join(others)}" if others else ""
    return Explanation(not others, reason, store, (), "", tuple(arrays))


def _of_zarr_python(value: Any, selection: Any | None, indexing: Indexing) -> Explanation | None:
    """Explains an array, group or view of zarr-python; returns `None` for anything else."""
    import zarr
    from zarr.core.array import AsyncArray
    from zarr.core.group import AsyncGroup
    from zarr.core.indexing import BlockIndex, OIndex, VIndex

    if isinstance(value, OIndex | VIndex | BlockIndex):
        return explain(value.array, selection, indexing=_views(type(value)))
    if isinstance(value, AsyncGroup):
        value = zarr.Group(value)
    if isinstance(value, zarr.Group):
        arrays = [(path, node) for path, node in value.members(max_depth=None) if isinstance(node, zarr.Array)]
        return _of_group(str(value.store_path), [(path, explain(node)) for path, node in arrays], selection)
    if isinstance(value, zarr.Array):
        return _of_theirs(value.async_array, selection, indexing)
    return _of_theirs(value, selection, indexing) if isinstance(value, AsyncArray) else None


def _of_theirs(array: AsyncArray[Any], selection: Any | None, indexing: Indexing) -> Explanation:
    from zarr.core.metadata.v2 import ArrayV2Metadata

    from zarr_py._pipeline import CodecPipeline

    metadata, pipeline = array.metadata, array.codec_pipeline
    if isinstance(metadata, ArrayV2Metadata):
        codecs: tuple[Any, ...] = (*(metadata.filters or ()), metadata.compressor or "none")
    else:
        codecs = metadata.codecs
    found: dict[str, Any] = {
        "store": str(array.store_path),
        "codecs": tuple(str(codec) for codec in codecs),
        "plan": "",
    }
    if not isinstance(pipeline, CodecPipeline):
        reason = f"the array was opened with {type(pipeline).__qualname__}"
        return Explanation(native=False, reason=reason, **found)
    binding = pipeline._binding
    if binding is None:
        return Explanation(native=False, reason=pipeline._reason, **found)
    if selection is not None:
        found["plan"] = _plan(array, _indexer(array, selection, indexing), binding)
    return Explanation(native=True, reason="", **found)


def _indexer(array: AsyncArray[Any], selection: Any, how: Indexing) -> Any:
    """Returns zarr-python's indexer for a selection, by the rules of its `Array.__getitem__`."""
    from zarr.core import indexing

    # Each indexer class checks the selection itself, so the annotations need not.
    theirs: Any = indexing
    shape, grid = array.metadata.shape, array._chunk_grid
    if how == "oindex":
        selection = theirs.replace_lists(theirs.ensure_tuple(selection))
        return theirs.OrthogonalIndexer(selection, shape, grid)
    if how == "blocks":
        return theirs.BlockIndexer(theirs.ensure_tuple(selection), shape, grid)
    _, pure = theirs.pop_fields(selection)
    if how == "vindex" or theirs.is_pure_fancy_indexing(pure, len(shape)):
        items = theirs.replace_lists(theirs.ensure_tuple(pure))
        if theirs.is_mask_selection(items, shape):
            return theirs.MaskIndexer(items, shape, grid)
        return theirs.CoordinateIndexer(items, shape, grid)
    if theirs.is_pure_orthogonal_indexing(pure, len(shape)):
        return theirs.OrthogonalIndexer(pure, shape, grid)
    return theirs.BasicIndexer(pure, shape, grid)


def _plan(array: AsyncArray[Any], indexer: Any, binding: Any) -> str:
    from zarr.core.array import _get_chunk_spec
    from zarr.core.buffer import default_buffer_prototype

    grid, metadata = array._chunk_grid, array.metadata
    batch = [
        (
            array.store_path / metadata.encode_chunk_key(chunk.chunk_coords),
            _get_chunk_spec(
                metadata, grid, chunk.chunk_coords, array.config, default_buffer_prototype()
            ),
            chunk.chunk_selection,
            chunk.out_selection,
            chunk.is_complete_chunk,
        )
        for chunk in indexer
    ]
    found = binding.native.plan(batch, indexer.shape, indexer.drop_axes)
    return "" if found is None else Plan(*found)
