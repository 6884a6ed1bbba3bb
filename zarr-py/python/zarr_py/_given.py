"""Holds the arguments of callers so that tracebacks do not show secrets.

Options show only their names, and locations show no secret parts.
"""

import os
from typing import Any

from zarr_py import _options

__all__ = ["Given", "Held", "covered", "kind_of"]


class Given(dict[str, Any]):
    """Options whose `repr` shows only their names.

    A public function wraps its options in `Given` before anything can raise, and no frame that can
    raise binds an option value to a name of its own.
    """

    def __repr__(self) -> str:
        return f"<options {', '.join(name for name in self if isinstance(name, str))}>" if self else "<no options>"


class Held:
    """Holds an object of the caller, and shows only its type.

    The object's own `repr` may show passwords.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return f"<{kind_of(self.value)}>"


def covered(store: Any) -> Any:
    """Wraps a store argument: a text that shows no secret, or an object in `Held`."""
    if type(store) is str:
        return _options.guarded(store)
    if isinstance(store, Held):
        return store
    if isinstance(store, os.PathLike):
        store = os.fspath(store)
    return _options.guarded(store) if isinstance(store, str) else Held(store)


def kind_of(value: Any) -> str:
    """Returns the full name of a value's type."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
