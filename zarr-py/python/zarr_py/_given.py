"""What callers give, held so that no traceback shows it: options by their names alone, places without what is secret."""

import os
from typing import Any

from zarr_py import _options

__all__ = ["Given", "Held", "covered", "kind_of"]


class Given(dict[str, Any]):
    """Options, which show their names only. A front door puts them in here before anything can raise, and no frame that can
    raise has a value under a name of its own."""

    def __repr__(self) -> str:
        return f"<options {', '.join(name for name in self if isinstance(name, str))}>" if self else "<no options>"


class Held:
    """An object of the caller's, which shows its type only: its own `repr` may show passwords."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"<{kind_of(self.value)}>"


def covered(store: Any) -> Any:
    """What a caller gives for a store: a text that shows no secret, or else an object that is held."""
    if isinstance(store, Held):
        return store
    if isinstance(store, os.PathLike):
        store = os.fspath(store)
    return _options.guarded(store) if isinstance(store, str) else Held(store)


def kind_of(value: Any) -> str:
    """The full name of a value's type."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
