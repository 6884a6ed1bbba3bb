"""Checks whether an existing array is the one that a caller requires."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zarr_py._shapes import lengths

if TYPE_CHECKING:
    from zarr_py._array import Array

__all__ = ["check_same"]


def check_same(found: "Array", wanted: Mapping[str, Any], exact: bool) -> None:
    """Raises `TypeError` if the shape differs, or the data type cannot hold the elements."""
    import json

    import numpy as np

    from zarr_py._dtypes import from_numpy, to_numpy

    data = None if wanted.get("data") is None else np.asanyarray(wanted["data"])
    shape, dtype = wanted.get("shape"), wanted.get("dtype")
    shape = data.shape if shape is None and data is not None else shape
    dtype = data.dtype if dtype is None and data is not None else dtype
    if shape is not None and tuple(lengths(shape, "shape")) != found.shape:
        raise TypeError(f"/{found.path}: shape {found.shape} differs from the required shape, "
                        f"{tuple(lengths(shape, 'shape'))}")
    if dtype is None:
        return
    required = to_numpy(json.dumps(from_numpy(dtype)))
    if required != found.dtype and (exact or not np.can_cast(required, found.dtype)):
        raise TypeError(f"/{found.path}: data type {found.dtype} differs from the required data type, {required}")
