"""Request counts of one node."""

from typing import Self

from zarr_py._native import RequestCounter

__all__ = ["RequestCount"]


class RequestCount:
    """Counts all requests of this process for the objects of a node and of all nodes below it.

    Counting starts when the object is made, and ends with `close` or with its `with` statement. An
    answer from a cache is not a request. A request for a missing object counts only for remote
    stores.
    """

    __module__ = "zarr_py"
    __slots__ = ("_counter", "_name")

    def __init__(self, counter: RequestCounter, name: str) -> None:
        self._counter, self._name = counter, name

    def counts(self) -> dict[str, int]:
        """Returns the requests and bytes so far, by kind, as `requests()` of the store does."""
        return self._counter.counts()

    def reset(self) -> None:
        """Resets the counts to zero."""
        self._counter.reset()

    def close(self) -> None:
        """Stops counting; the counts remain."""
        self._counter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={count}" for name, count in self.counts().items() if count)
        return f"<zarr_py.RequestCount {self._name} {counts or 'nothing yet'}>"
