"""What the tests of the pipeline share: arrays that the engine reads and writes, and nobody else."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import zarr
import zarr.registry
import zarr_py
from zarr.core.codec_pipeline import BatchedCodecPipeline

# Where the package is not installed there is no entry point.
zarr.registry.register_pipeline(zarr_py.CodecPipeline)

OURS = {"codec_pipeline.path": "zarr_py.CodecPipeline"}
ZARRS = {"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}


class FellBackError(AssertionError):
    """zarr-python's own pipeline was called."""


@contextmanager
def engine_only() -> Iterator[None]:
    """Nothing is read or written by zarr-python's own pipeline in here."""

    async def refuse(*_: Any) -> None:
        raise FellBackError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BatchedCodecPipeline, "read", refuse)
        patch.setattr(BatchedCodecPipeline, "write", refuse)
        yield


def opened(store: Any, pipeline: dict[str, str], **options: Any) -> zarr.Array[Any]:
    """The array at the root of a store, with a pipeline."""
    with zarr.config.set(pipeline):
        array = zarr.open_array(store, **options)
    if pipeline is OURS:
        explanation = zarr_py.explain(array)
        assert explanation.native, explanation.reason
    return array


def created(store: Any, **options: Any) -> zarr.Array[Any]:
    """A new array at the root of a store, with our pipeline."""
    with zarr.config.set(OURS):
        array = zarr.create_array(store, overwrite=True, **options)
    explanation = zarr_py.explain(array)
    assert explanation.native, explanation.reason
    return array
