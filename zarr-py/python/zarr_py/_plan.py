"""The objects, requests and bytes that a read would touch, as text and as numbers."""

from typing import Any, Self

__all__ = ["Cost", "Plan"]

Cost = tuple[int, int, int, int, int]
"""Objects, requests, inner chunks, bytes wanted, bytes decoded."""


class Plan(str):
    """The objects, requests and bytes that a read would touch: a text to `print`, and its numbers.

    Planning makes no I/O. For more than 16,384 objects, `requests`, `inner_chunks` and
    `bytes_decoded` are estimates.
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
        """The number of chunks, or of shards if the array is sharded, that the read touches."""
        return self._numbers[0]

    @property
    def requests(self) -> int:
        """The minimum number of requests.

        Merged byte ranges of inner chunks may add requests, and cached chunks save some.
        """
        return self._numbers[1]

    @property
    def inner_chunks(self) -> int:
        """The number of inner chunks to fetch after the index of their shard."""
        return self._numbers[2]

    @property
    def bytes_wanted(self) -> int:
        """The size of the result, in bytes."""
        return self._numbers[3]

    @property
    def bytes_decoded(self) -> int:
        """The size of all decoded chunks, in bytes."""
        return self._numbers[4]

    def __repr__(self) -> str:
        return str(self)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self._numbers
