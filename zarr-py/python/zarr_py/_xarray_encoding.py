"""How `to_zarr` encodes variables: chunks, shards, codecs, attributes."""

from collections.abc import Mapping
from typing import Any

from xarray import Variable
from xarray.backends.zarr import extract_zarr_variable_encoding

from zarr_py._attributes import Bare, to_json
from zarr_py._xarray_store import attribute

__all__ = ["attributes", "codec", "extracted", "lengths", "whole"]


def extracted(variable: Variable, checked: bool, name: Any, zarr_format: int) -> dict[str, Any]:
    """Returns the encoding of a variable for Zarr."""
    blocks = variable.chunks
    if blocks and not variable.encoding.get("chunks"):
        # Blocks of dask may have any lengths: they are regrouped along the chunks.
        variable = variable.copy(deep=False)
        variable.encoding = {**variable.encoding, "chunks": tuple(max(*lengths, 1) for lengths in blocks)}
    found: dict[str, Any] = extract_zarr_variable_encoding(
        variable, raise_on_invalid=checked, name=name, zarr_format=zarr_format)  # type: ignore[arg-type]
    return found


def lengths(rule: Any, name: Any, variable: Variable) -> Any:
    """Returns the shape of chunks or shards of a variable by a rule; `None` if the rule has none."""
    if isinstance(rule, Mapping) and name in rule and (name not in variable.dims or not isinstance(rule[name], int)):
        rule = rule[name]
    elif isinstance(rule, Mapping) and not any(dim in rule for dim in variable.dims):
        return None
    if not isinstance(rule, Mapping):
        return rule
    sizes = ((rule.get(dim), length) for dim, length in variable.sizes.items())
    return tuple(max(length, 1) if given in (None, -1) else given for given, length in sizes)


def whole(shards: Any, chunks: tuple[int, ...] | None) -> Any:
    """Returns the shape of shards, extended to whole chunks."""
    if chunks is None or not isinstance(shards, tuple):
        return shards
    return tuple(-(-shard // chunk) * chunk for shard, chunk in zip(shards, chunks, strict=True))


def attributes(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Returns attributes as JSON can hold them; `Bare` ones if NaN or infinities are among them.

    Raises `TypeError` for other values.
    """
    found: dict[str, Any] = attribute(values)
    try:
        to_json(found)
    except TypeError as error:
        raise TypeError(f"Invalid attribute in Dataset.attrs. {error}") from error
    except ValueError:
        return Bare(found)
    return found


_SHUFFLES = ("noshuffle", "shuffle", "bitshuffle")


def codec(given: Any) -> Any:
    """Returns a codec, or several, in a form that `create_array` takes, from those of numcodecs too."""
    if isinstance(given, tuple | list):
        return [codec(one) for one in given]
    if hasattr(given, "to_dict") or not hasattr(given, "get_config"):
        return given
    configuration = dict(given.get_config())
    name = configuration.pop("id")
    if name == "blosc":
        shuffle = configuration.pop("shuffle")
        configuration = {"cname": configuration["cname"], "clevel": configuration["clevel"], "blocksize": configuration["blocksize"]}
        if shuffle in range(3):
            configuration["shuffle"] = _SHUFFLES[shuffle]
    return {"name": name if name in ("blosc", "gzip", "zstd") else f"numcodecs.{name}", "configuration": configuration}
