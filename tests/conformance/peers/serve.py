"""Shared code of the Python peers: the loop over JSON lines, and arrays in canonical form.

Canonical form: NumPy types in little-endian order; types unknown to NumPy as unsigned integers of
equal size, int2 to uint4 as bytes; strings and byte strings (in hexadecimal) as JSON.
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
    """Converts an array to canonical form."""
    shape, dtype = elements.shape, elements.dtype
    if dtype in WIDENED:
        elements = elements.astype(WIDENED[dtype])
    elif dtype.type.__module__.startswith("ml_dtypes"):
        elements = np.ascontiguousarray(elements).view("<u%d" % dtype.itemsize)
    elif dtype.kind != "O":
        elements = elements.astype(dtype.newbyteorder("<"))
    return np.ascontiguousarray(elements).reshape(shape)


def variable(kind, elements):
    """Converts strings or byte strings to canonical form."""
    elements = np.asarray(elements, dtype=object)
    data = [bytes(v).hex() if kind == "bytes" else str(v) for v in elements.reshape(-1)]
    return {"kind": kind, "shape": list(elements.shape), "data": data}


def serve(read):
    """Answers requests: `read(store, node)` returns an array or a dictionary. The peers' errors
    have no kind to report.
    """
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
