"""The examples of `docs/python-xarray-dask.md`."""

import doctest
from pathlib import Path

import pytest
import zarr

pytest.importorskip("xarray")
pytest.importorskip("dask")

PAGE = Path(__file__).parents[2] / "docs" / "python-xarray-dask.md"


@pytest.mark.skipif(not PAGE.exists(), reason="the page is not a part of the sdist")
def test_examples() -> None:
    path = "codec_pipeline.path"
    with zarr.config.set({path: zarr.config.get(path)}):
        failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 40 and failed == 0
