"""Runs a coroutine that never suspends: the blocking form of a function with an async variant."""

from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]


def run[T](steps: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine whose calls block instead of awaiting."""
    try:
        steps.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("a call that waits is never suspended")
