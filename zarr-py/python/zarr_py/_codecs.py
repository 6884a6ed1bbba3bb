"""Codecs as JSON, from the forms that callers use, with the defaults that zarr-python writes."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from zarr_py._attributes import dumps

__all__ = ["Codec", "Codecs", "codec", "codecs"]


class Described(Protocol):
    """A codec of `zarr_py.codecs` or zarr-python."""

    def to_dict(self) -> Any:
        """Returns the JSON object of the codec, as in metadata."""


Codec = str | Mapping[str, Any] | Described
Codecs = Sequence[Codec] | Codec
ItemSize = Callable[[], int]

_INDEX_ITEM_SIZE = 8


def _blosc(item_size: ItemSize, given: Mapping[str, Any]) -> dict[str, Any]:
    typesize = given["typesize"] if "typesize" in given else item_size()
    shuffle = "bitshuffle" if typesize == 1 else "shuffle"
    return {"typesize": typesize, "cname": "zstd", "clevel": 5, "shuffle": shuffle, "blocksize": 0}


def _evolved(given: Any, item_size: ItemSize) -> dict[str, Any]:
    """Returns the JSON object of a codec of zarr-python, without members that it has yet to tune.

    zarr-python tunes these members once it knows the elements.
    """
    found: dict[str, Any] = given.to_dict()
    configuration = dict(found.get("configuration") or {})
    for name in getattr(given, "_tunable_attrs", ()):
        configuration.pop(name, None)
    if found.get("name") == "bytes" and item_size() == 1:
        configuration.pop("endian", None)
    return {**found, "configuration": configuration} if configuration else {"name": found["name"]}


def _sharding(given: Mapping[str, Any], item_size: ItemSize) -> dict[str, Any]:
    """Returns the configuration of `sharding_indexed`, with its inner codecs in full."""
    found = dict(given)
    for name, size in (("codecs", item_size), ("index_codecs", lambda: _INDEX_ITEM_SIZE)):
        if isinstance(found.get(name), list | tuple):
            found[name] = [json.loads(codec(one, size, name)) for one in found[name]]
    return found


_DEFAULTS: dict[str, Callable[[ItemSize, Mapping[str, Any]], dict[str, Any]]] = {
    "blosc": _blosc,
    "bytes": lambda item_size, given: {"endian": "little"} if item_size() > 1 else {},
    "gzip": lambda item_size, given: {"level": 5},
    "zstd": lambda item_size, given: {"level": 0, "checksum": False},
}
"""For each codec, a function that returns its default configuration for the given members."""


def codecs(given: Codecs | None, item_size: ItemSize, what: str) -> list[str] | None:
    """Returns codecs as JSON; `None` for the default."""
    if given is None or given == "auto":
        return None
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [codec(one, item_size, what) for one in given]
    return [codec(given, item_size, what)]


def codec(given: Any, item_size: ItemSize, what: str) -> str:
    """Returns a codec, or another extension, as JSON.

    `given` is a name, a JSON object as in metadata with optional members left out, or a codec of
    `zarr_py.codecs` or zarr-python. `what` names the argument in messages. `item_size` returns the
    size of an element in bytes, 1 for variable-size elements. It is called only if a default
    depends on the size, because some data types have no counterpart in NumPy.
    """
    if isinstance(given, type):
        raise TypeError(f"{what}: got the class {given.__name__}; write {given.__name__}(...) for a codec of it")
    if hasattr(given, "codec_id") and hasattr(given, "get_config"):
        name = f"numcodecs.{given.codec_id}"
        raise TypeError(f"{what}: got a codec of numcodecs, which is for Zarr v2; write {{'name': {name!r}, 'configuration': {{...}}}}")
    if hasattr(given, "to_dict"):
        given = _evolved(given, item_size)
    if isinstance(given, str):
        given = {"name": given}
    if not isinstance(given, Mapping):
        hint = "; None is not a codec" if given is False else ""
        raise TypeError(f"{what}: expected a name, an object in metadata or a codec of zarr_py.codecs or zarr-python, got {given!r}{hint}")
    if given.get("name") == "sharding_indexed":
        return dumps({**given, "configuration": _sharding(given.get("configuration") or {}, item_size)})
    defaults = _DEFAULTS.get(given.get("name", ""))
    if defaults is None:
        return dumps(given)
    said = {name: value for name, value in (given.get("configuration") or {}).items() if value is not None}
    configuration = {**defaults(item_size, said), **said}
    rest = {name: value for name, value in given.items() if name != "configuration"}
    return dumps({**rest, "configuration": configuration} if configuration else rest)
