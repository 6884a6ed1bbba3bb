"""`zarr_py.explain`: what runs in the engine, and why something does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import zarr
    from zarr.core.array import AsyncArray


@dataclass(frozen=True, slots=True)
class Explanation:
    """What `explain` found; `print` it."""

    native: bool
    """Whether reads and writes of the array run in the engine."""
    reason: str
    """Why not; empty where they do."""
    store: str
    codecs: tuple[str, ...]
    plan: str
    """The objects and requests of the read that was asked about, before any I/O; empty where none was, or it is not the engine's."""

    def __str__(self) -> str:
        where = "in the engine" if self.native else f"in zarr-python: {self.reason}"
        lines = [where, f"store: {self.store}", f"codecs: {', '.join(self.codecs)}"]
        return "\n".join([*lines, self.plan] if self.plan else lines)


def explain(
    array: zarr.Array[Any] | AsyncArray[Any], selection: Any | None = None
) -> Explanation:
    """What `zarr_py.CodecPipeline` does with an array of zarr-python.

    `selection`: integers and slices as `array[selection]` takes them; the explanation then has the plan of that read.
    """
    from zarr.core.array import AsyncArray
    from zarr.core.metadata.v2 import ArrayV2Metadata

    from zarr_py._pipeline import CodecPipeline

    inner = array if isinstance(array, AsyncArray) else array.async_array
    metadata, pipeline = inner.metadata, inner.codec_pipeline
    if isinstance(metadata, ArrayV2Metadata):
        codecs: tuple[Any, ...] = (*(metadata.filters or ()), metadata.compressor or "none")
    else:
        codecs = metadata.codecs
    found: dict[str, Any] = {
        "store": str(inner.store_path),
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
        found["plan"] = _plan(inner, selection, binding)
    return Explanation(native=True, reason="", **found)


def _plan(array: AsyncArray[Any], selection: Any, binding: Any) -> str:
    from zarr.core.array import _get_chunk_spec
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.indexing import BasicIndexer

    grid, metadata = array._chunk_grid, array.metadata
    indexer = BasicIndexer(selection, shape=metadata.shape, chunk_grid=grid)
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
    return binding.native.plan(batch, indexer.shape, indexer.drop_axes) or ""
