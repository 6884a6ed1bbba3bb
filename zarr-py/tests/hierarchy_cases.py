"""A hierarchy that several tests use."""

from pathlib import Path

import numpy as np
import pytest
import zarr_py

@pytest.fixture
def root(tmp_path: Path) -> zarr_py.Group:
    root = zarr_py.create_group(tmp_path / "root", attributes={"title": "root"})
    root.create_array("a/x", data=np.arange(16, dtype="i4").reshape(4, 4), chunks=(2, 2))
    root.create_array("a/b/y", data=np.arange(3.0))
    root["top"] = np.uint8(5)
    return root
