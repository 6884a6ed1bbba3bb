"""What a read would touch, as text and as numbers."""

from typing import Any, Self

__all__ = ["Cost", "Plan"]

Cost = tuple[int, int, int, int, int]
"""Objects, requests, inner chunks, bytes wanted, bytes decoded."""


class Plan(str):
    """What a read would touch, before any I/O: a text to `print`, and the numbers in it.

    Of more than 16,384 objects, `requests`, `inner_chunks` and `bytes_decoded` are estimates.
    """

    __module__ = "zarr_py"
    __slots__ = ("_numbers",)

    _numbers: Cost

    def __new__(cls, text: str, numbers: Cost) -> Self:
        plan = super().__new__(cls, text)
        plan._numbers = numbers
        return plan

    @property
    def objects(self) -> int:
        """Chunks, or shards, that are touched."""
        return self._numbers[0]

    @property
    def requests(self) -> int:
        """The fewest requests: merged ranges of inner chunks may add some, and what is cached saves some."""
        return self._numbers[1]

    @property
    def inner_chunks(self) -> int:
        """Inner chunks that are fetched after the index of their shard."""
        return self._numbers[2]

    @property
    def bytes_wanted(self) -> int:
        """The size of the result."""
        return self._numbers[3]

    @property
    def bytes_decoded(self) -> int:
        """The size of all that is decoded for it."""
        return self._numbers[4]

    def __repr__(self) -> str:
        return str(self)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self._numbers
