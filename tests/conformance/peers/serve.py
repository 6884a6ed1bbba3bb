"""What the Python peers share: the loop over JSON lines, and arrays in their canonical form.

Canonical: NumPy's types in little-endian order; types that NumPy has not as unsigned integers of their size, int2 to uint4 as
bytes; strings and byte strings (in hexadecimal) as JSON.
"""

import json
import os
import sys

import ml_dtypes
import numpy as np

WIDENED = {np.dtype(getattr(ml_dtypes, name)): np.dtype(name[:-1] + "8") for name in ("int2", "int4", "uint2", "uint4")}


def write(out, elements):
    """Writes `<out>.npy` or `<out>.json`; returns its name."""
    if isinstance(elements, dict):
        with open(out + ".json", "w") as file:
            json.dump(elements, file)
        return out + ".json"
    np.save(out + ".npy", canonical(np.asarray(elements)), allow_pickle=False)
    return out + ".npy"


def canonical(elements):
    """The array in its canonical form."""
    shape, dtype = elements.shape, elements.dtype
    if dtype in WIDENED:
        elements = elements.astype(WIDENED[dtype])
    elif dtype.type.__module__.startswith("ml_dtypes"):
        elements = np.ascontiguousarray(elements).view("<u%d" % dtype.itemsize)
    elif dtype.kind != "O":
        elements = elements.astype(dtype.newbyteorder("<"))
    return np.ascontiguousarray(elements).reshape(shape)


def variable(kind, elements):
    """Strings or byte strings."""
    elements = np.asarray(elements, dtype=object)
    data = [bytes(v).hex() if kind == "bytes" else str(v) for v in elements.reshape(-1)]
    return {"kind": kind, "shape": list(elements.shape), "data": data}


def serve(read):
    """Answers requests: `read(store, node)` gives an array or a dictionary. The peers' errors have no kinds to pass on."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        try:
            file = write(request["out"], read(request["store"], request["node"]))
            answer = {"ok": True, "file": file}
        except Exception as error:
            text = "%s: %s" % (type(error).__name__, str(error)[:500])
            answer = {"ok": False, "error": text}
        answers.write(json.dumps(answer) + "\n")
