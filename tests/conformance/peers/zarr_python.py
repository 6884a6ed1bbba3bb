"""zarr-python as a reader of the conformance runner."""

import os
import warnings

import numpy as np
import zarr

from serve import serve, variable

warnings.simplefilter("ignore")
zarr.config.set({"array.rectilinear_chunks": True})


def open_array(store, node, mode="r"):
    """Opens an array of Zarr v2 or v3."""
    if not os.path.isdir(store):
        raise FileNotFoundError(store)
    folder = os.path.join(store, node)
    version = 3 if os.path.lexists(os.path.join(folder, "zarr.json")) or not os.path.exists(os.path.join(folder, ".zarray")) else 2
    return zarr.open_array(store, path=node or None, mode=mode, zarr_format=version)


def read(store, node):
    """Reads all elements."""
    array = open_array(store, node)
    elements = array[...]
    name = type(array.metadata.dtype if array.metadata.zarr_format == 2 else array.metadata.data_type).__name__
    if name in ("VariableLengthUTF8", "VariableLengthBytes"):
        elements = np.array(elements, dtype=object).reshape(array.shape)
        return variable("string" if name.endswith("UTF8") else "bytes", elements)
    return np.asarray(elements, dtype=array.dtype)


if __name__ == "__main__":
    serve(read)
