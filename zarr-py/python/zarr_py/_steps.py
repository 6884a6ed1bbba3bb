"""Steps that wait: a coroutine that awaits nothing, for functions that have an async variant of the same steps."""

from collections.abc import Coroutine
from typing import Any

__all__ = ["run"]


def run[T](steps: Coroutine[Any, Any, T]) -> T:
    """Runs steps whose calls wait."""
    try:
        steps.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("a call that waits is never suspended")
