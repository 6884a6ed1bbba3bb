"""Codecs as callers name them, with the configuration that zarr-python writes where they do not say."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

__all__ = ["Codec", "Codecs", "codec", "codecs"]


class Described(Protocol):
    """A codec of `zarr_py.codecs` or zarr-python."""

    def to_dict(self) -> Any:
        """Its object in metadata."""


Codec = str | Mapping[str, Any] | Described
Codecs = Sequence[Codec] | Codec
ItemSize = Callable[[], int]

_INDEX_ITEM_SIZE = 8


def _blosc(item_size: ItemSize, given: Mapping[str, Any]) -> dict[str, Any]:
    typesize = given["typesize"] if "typesize" in given else item_size()
    shuffle = "bitshuffle" if typesize == 1 else "shuffle"
    return {"typesize": typesize, "cname": "zstd", "clevel": 5, "shuffle": shuffle, "blocksize": 0}


def _evolved(given: Any, item_size: ItemSize) -> dict[str, Any]:
    """The object of a codec of zarr-python, without what it leaves open until it knows the elements."""
    found: dict[str, Any] = given.to_dict()
    configuration = dict(found.get("configuration") or {})
    for name in getattr(given, "_tunable_attrs", ()):
        configuration.pop(name, None)
    if found.get("name") == "bytes" and item_size() == 1:
        configuration.pop("endian", None)
    return {**found, "configuration": configuration} if configuration else {"name": found["name"]}


def _sharding(given: Mapping[str, Any], item_size: ItemSize) -> dict[str, Any]:
    """The configuration of shards, whose codecs are named as any others."""
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
"""The configuration of a codec, from what is given of it."""


def codecs(given: Codecs | None, item_size: ItemSize, what: str) -> list[str] | None:
    """Codecs as JSON; `None` where the default is wanted."""
    if given is None or given == "auto":
        return None
    if isinstance(given, Sequence) and not isinstance(given, str):
        return [codec(one, item_size, what) for one in given]
    return [codec(given, item_size, what)]


def codec(given: Any, item_size: ItemSize, what: str) -> str:
    """A codec, or another extension, as JSON; `what` is the argument: by its name, its object in metadata, of which members may be left out, or an object of zarr-python.

    `item_size` gives that of an element in bytes, 1 where elements have any size. It is asked only where a default depends on it:
    some data types have no counterpart in NumPy, which tells the size.
    """
    if hasattr(given, "to_dict"):
        given = _evolved(given, item_size)
    if isinstance(given, str):
        given = {"name": given}
    if not isinstance(given, Mapping):
        hint = "; None is no codec" if given is False else ""
        raise TypeError(f"{what}: expected a name, an object in metadata or a codec of zarr_py.codecs or zarr-python, got {given!r}{hint}")
    if given.get("name") == "sharding_indexed":
        return json.dumps({**given, "configuration": _sharding(given.get("configuration") or {}, item_size)})
    defaults = _DEFAULTS.get(given.get("name", ""))
    if defaults is None:
        return json.dumps(given)
    said = {name: value for name, value in (given.get("configuration") or {}).items() if value is not None}
    configuration = {**defaults(item_size, said), **said}
    rest = {name: value for name, value in given.items() if name != "configuration"}
    return json.dumps({**rest, "configuration": configuration} if configuration else rest)
