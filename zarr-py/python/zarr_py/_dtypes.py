"""Converts Zarr data types to NumPy data types, and back."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from zarr_py.errors import InvalidError, UnsupportedError

__all__ = ["from_numpy", "to_memory", "to_numpy"]

_SAME = frozenset(
    "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128".split()
)
_ALIASES = {"complex_float32": "complex64", "complex_float64": "complex128"}
_ML = frozenset(
    "bfloat16 float4_e2m1fn float6_e2m3fn float6_e3m2fn float8_e3m4 float8_e4m3 float8_e4m3b11fnuz float8_e4m3fn "
    "float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz float8_e8m0fnu int2 int4 uint2 uint4".split()
)

_NAMES = _ML.union(_ALIASES, ("string", "bytes", "variable_length_bytes"))
"""Names of Zarr data types that NumPy does not know, or understands differently."""


def to_numpy(extension: str) -> np.dtype[Any]:
    """Returns the NumPy data type for a Zarr data type given as JSON.

    Raises `UnsupportedError` if NumPy has none, or if the package `ml_dtypes` is needed but not
    installed.
    """
    return _to_numpy(json.loads(extension))


def _to_numpy(extension: str | Mapping[str, Any]) -> np.dtype[Any]:
    name = extension if isinstance(extension, str) else str(extension["name"])
    configuration: Mapping[str, Any] = {} if isinstance(extension, str) else extension.get("configuration") or {}
    if name in _SAME:
        return np.dtype(name)
    if name in _ALIASES:
        return np.dtype(_ALIASES[name])
    if name in _ML:
        return _ml_dtype(name)
    match name:
        case "string":
            return np.dtypes.StringDType()
        case "bytes" | "variable_length_bytes":
            return np.dtype(object)
        case "fixed_length_utf32":
            return np.dtype(f"U{configuration['length_bytes'] // 4}")
        case "null_terminated_bytes":
            return np.dtype(f"S{configuration['length_bytes']}")
        case "raw_bytes":
            return np.dtype(f"V{configuration['length_bytes']}")
        case "numpy.datetime64" | "numpy.timedelta64":
            kind = name.removeprefix("numpy.")
            unit = configuration["unit"].replace("μ", "u")
            return np.dtype(kind if unit == "generic" else f"{kind}[{configuration['scale_factor']}{unit}]")
        case "struct" | "structured":
            return np.dtype([_field(field) for field in configuration["fields"]])
    if name[:1] == "r" and name[1:].isdecimal():
        return np.dtype(f"V{int(name[1:]) // 8}")
    raise UnsupportedError(f"data type {name!r} has no counterpart in NumPy")


def _field(field: Any) -> tuple[str, np.dtype[Any]]:
    name, data_type = (field["name"], field["data_type"]) if isinstance(field, Mapping) else field
    return name, _to_numpy(data_type)


def _ml_dtype(name: str) -> np.dtype[Any]:
    try:
        import ml_dtypes
    except ImportError:
        raise UnsupportedError(f"data type {name!r} needs the package ml_dtypes, which is not installed") from None
    dtype: np.dtype[Any] = np.dtype(getattr(ml_dtypes, name))
    return dtype


def from_numpy(dtype: Any) -> str | dict[str, Any]:
    """Returns the Zarr data type for anything that `numpy.dtype` accepts.

    Names and JSON objects of Zarr data types are accepted too.

    `str`, `"str"` and `numpy.dtype("U")` become `string`, and `bytes` becomes
    `variable_length_bytes`. The byte order is dropped, because the codec `bytes` sets it.
    """
    if isinstance(dtype, Mapping):
        return dict(dtype)
    if dtype is str or (isinstance(dtype, str) and dtype == "str") or _is_text_of_any_length(dtype):
        return "string"
    if dtype is bytes:
        return "variable_length_bytes"
    if isinstance(dtype, str) and (dtype in _NAMES or (dtype[:1] == "r" and dtype[1:].isdecimal())):
        return dtype
    return _from_dtype(np.dtype(dtype))


def _is_text_of_any_length(dtype: Any) -> bool:
    """Whether this is NumPy's text type without a length, as pandas and xarray use for strings."""
    return isinstance(dtype, np.dtype) and dtype.kind == "U" and dtype.itemsize == 0


def _from_dtype(dtype: np.dtype[Any]) -> str | dict[str, Any]:
    if dtype.name in _SAME or dtype.name in _ML:
        return dtype.name
    if dtype.fields is not None and dtype.names is not None:
        fields = [{"name": name, "data_type": _from_dtype(dtype[name])} for name in dtype.names]
        return {"name": "struct", "configuration": {"fields": fields}}
    if dtype.kind in "SUV" and dtype.itemsize > 0 and dtype.subdtype is None:
        name = {"S": "null_terminated_bytes", "U": "fixed_length_utf32", "V": "raw_bytes"}[dtype.kind]
        return {"name": name, "configuration": {"length_bytes": dtype.itemsize}}
    if dtype.kind in "mM":
        unit, scale = np.datetime_data(dtype)
        name = "numpy.datetime64" if dtype.kind == "M" else "numpy.timedelta64"
        return {"name": name, "configuration": {"unit": unit, "scale_factor": scale}}
    if dtype.kind == "T":
        return "string"
    hint = "; use 'string' or 'bytes'" if dtype.kind == "O" else ""
    raise InvalidError(f"no Zarr data type for {dtype!r}{hint}")


def to_memory(value: Any, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Returns a value as an array with the in-memory elements that the engine expects."""
    array = np.asarray(value, dtype=dtype)
    if dtype.name in ("int2", "int4"):
        # The engine holds these types in memory sign-extended to a whole byte.
        return array.astype(np.int8)
    return array
