"""The examples of `docs/python-pipeline.md`."""

import doctest
from pathlib import Path

import pipeline_cases  # noqa: F401  registers the pipeline
import zarr

DOCS = Path(__file__).parents[2] / "docs"


def test_examples_of_the_pipeline() -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    path = "codec_pipeline.path"
    with zarr.config.set({path: zarr.config.get(path)}):
        failed, tried = doctest.testfile(str(DOCS / "python-pipeline.md"), module_relative=False, optionflags=flags)
    assert tried > 10
    assert not failed
