"""Attributes of arrays and groups as a mapping: each change writes the metadata document once."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

from zarr_py._checks import mapping

__all__ = ["Attributes", "Bare", "dumps", "to_json"]

Change = Callable[[str, list[str], bool], Any]


class Attributes(MutableMapping[str, Any]):
    """The attributes of an array or group, as last read.

    A change is merged with the attributes stored at that moment, which keeps changes that other
    writers made to other attributes.
    """

    __module__ = "zarr_py"
    __slots__ = ("_change", "_read")

    def __init__(self, read: Callable[[], str], change: Change) -> None:
        self._read = read
        self._change = change

    def asdict(self) -> dict[str, Any]:
        """Returns all attributes as a new dictionary."""
        attributes: dict[str, Any] = json.loads(self._read()).get("attributes") or {}
        return attributes

    def __getitem__(self, name: str) -> Any:
        return self.asdict()[name]

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        if name not in self:
            raise KeyError(name)
        self._change("{}", [name], False)

    def __iter__(self) -> Iterator[str]:
        return iter(self.asdict())

    def __len__(self) -> int:
        return len(self.asdict())

    def __contains__(self, name: object) -> bool:
        return name in self.asdict()

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Sets several attributes in one write."""
        self._change(to_json({**dict(other), **more}), [], False)

    def clear(self) -> None:
        """Removes all attributes in one write."""
        self._change("{}", [], True)

    def __repr__(self) -> str:
        return repr(self.asdict())


class Bare(dict[str, Any]):
    """Attributes whose NaN and infinities are written as bare words, as zarr-python does."""


def to_json(attributes: Mapping[str, Any] | None) -> str:
    """Returns attributes as JSON, which allows neither NaN nor infinities unless they are `Bare`."""
    given = mapping(attributes, "attributes")
    try:
        return dumps(dict(given), allow_nan=isinstance(given, Bare))
    except (TypeError, ValueError) as error:
        raise type(error)(f"attributes: {error}") from None


def dumps(value: Any, *, allow_nan: bool = True) -> str:
    """Returns a value as JSON. Scalars of NumPy are numbers, booleans and texts too."""
    return json.dumps(value, allow_nan=allow_nan, default=_plain)


def _plain(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.number | numpy.bool_ | numpy.str_) and not isinstance(value, numpy.complexfloating):
        return value.item()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")
