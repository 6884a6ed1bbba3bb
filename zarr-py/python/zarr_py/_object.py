"""The results of `zarr_py.objects`: objects, their sizes and versions, and listings."""

from typing import TYPE_CHECKING, Any, NamedTuple

from zarr_py._native import Buffer, Version

__all__ = ["Entry", "Head", "Listing", "Object"]


class Entry(NamedTuple):
    """An object in a listing."""

    key: str
    """The key, from the root of the store."""
    size: int
    """The size, in bytes."""


class Listing(NamedTuple):
    """The objects and prefixes directly below a prefix."""

    keys: list[str]
    """The keys of the objects, from the root of the store."""
    prefixes: list[str]
    """The prefixes with objects below them, from the root of the store, without a trailing slash.
    """


class Head(NamedTuple):
    """The size and version of an object, without its bytes."""

    key: str
    size: int
    """The size, in bytes."""
    version: Version
    """The version, for `if_version` of `put` and `version` of reads."""


class Object:
    """The bytes of an object, or of a part of it, and the version of the object.

    Supports the buffer protocol: `bytes(object)` copies; `memoryview(object)` and
    `numpy.frombuffer(object)` do not.
    """

    __slots__ = ("data", "key", "range", "size", "version")

    data: memoryview
    """The bytes."""
    key: str
    range: tuple[int, int]
    """The byte range of `data` in the object: start and end."""
    size: int
    """The size of the whole object, in bytes."""
    version: Version
    """The version, for `if_version` of `put` and `version` of reads."""

    def __init__(self, key: str, fetched: tuple[Buffer, tuple[int, int], int, Version]) -> None:
        buffer, self.range, self.size, self.version = fetched
        self.key, self.data = key, memoryview(buffer)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            from zarr_py._elsewhere import absent

            raise absent("Object", name)

    def __buffer__(self, flags: int, /) -> memoryview:
        return memoryview(self.data)

    def __len__(self) -> int:
        """The number of bytes read."""
        return len(self.data)

    def __repr__(self) -> str:
        start, end = self.range
        return f"<bytes {start}..{end} of {self.key!r}, which has {self.size}>"
