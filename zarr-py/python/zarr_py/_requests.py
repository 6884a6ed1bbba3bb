"""Counts of requests for one node."""

from typing import Self

from zarr_py._native import RequestCounter

__all__ = ["RequestCount"]


class RequestCount:
    """Requests for the objects of a node, and of all nodes below it, since it was made: whichever handle of this process makes
    them.

    It ends with `close`, or with the `with` that it is used in. What is answered from a cache is no request; an object that is not
    there counts for remote stores only.
    """

    __module__ = "zarr_py"
    __slots__ = ("_counter", "_name")

    def __init__(self, counter: RequestCounter, name: str) -> None:
        self._counter, self._name = counter, name

    def counts(self) -> dict[str, int]:
        """Requests and bytes so far, by kind, as `requests()` of the store has them."""
        return self._counter.counts()

    def reset(self) -> None:
        """Begins again at zero."""
        self._counter.reset()

    def close(self) -> None:
        """Counts no more; what was counted stays."""
        self._counter.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        counts = ", ".join(f"{name}={count}" for name, count in self.counts().items() if count)
        return f"<zarr_py.RequestCount {self._name} {counts or 'nothing yet'}>"
