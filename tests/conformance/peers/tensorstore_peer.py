"""tensorstore as a reader of the conformance runner."""

import json
import os

import numpy as np
import tensorstore as ts

from serve import serve


def spec(store, node):
    """Returns the driver and path of an array of Zarr v2 or v3."""
    folder = os.path.join(store, node) if node else store
    old = not os.path.lexists(os.path.join(folder, "zarr.json")) and os.path.exists(os.path.join(folder, ".zarray"))
    return {"driver": "zarr" if old else "zarr3", "kvstore": {"driver": "file", "path": folder + "/"}}


def open_array(store, node, write=False, **more):
    """Opens an array."""
    return ts.open(dict(spec(store, node), **more), open=True, read=True, write=write or None).result()


def data_type(store, node):
    """Returns the data type and shape in the document, or None for each."""
    try:
        with open(os.path.join(store, node, "zarr.json"), encoding="utf-8-sig") as file:
            document = json.load(file)
        dtype = document["data_type"]
        return (dtype["name"], dtype["configuration"], document["shape"]) if isinstance(dtype, dict) else (dtype, {}, None)
    except (OSError, ValueError, KeyError, TypeError):
        return None, {}, None


def read(store, node):
    """Reads all elements; structs field by field."""
    name, configuration, shape = data_type(store, node)
    if name in ("struct", "structured"):
        fields = [f if isinstance(f, list) else (f["name"], f["data_type"]) for f in configuration["fields"]]
        parts = {f: np.asarray(open_array(store, node, field=f).read().result()) for f, _ in fields}
        elements = np.zeros(shape, [(f, part.dtype) for f, part in parts.items()])
        for f, part in parts.items():
            elements[f] = part
        return elements
    elements = np.asarray(open_array(store, node).read().result())
    if name == "raw_bytes":
        return np.ascontiguousarray(elements).view("V%d" % configuration["length_bytes"]).reshape(shape)
    return elements


if __name__ == "__main__":
    serve(read)
