"""The errors of this package, as subclasses of the built-in exceptions with the same meaning.

A message states the place (store without secrets, key, inner chunk, codec), and what was found and
expected.
"""

__all__ = [
    "AlreadyExistsError",
    "ArgumentError",
    "ChangedError",
    "ChecksumError",
    "ConflictError",
    "CorruptError",
    "InternalError",
    "InvalidError",
    "NodeTypeError",
    "NotFoundError",
    "ObstructedError",
    "OutOfMemoryError",
    "PermissionDeniedError",
    "ReadOnlyError",
    "SelectionError",
    "ShortBodyError",
    "StoreError",
    "TimedOutError",
    "TooLargeError",
    "UnsupportedError",
    "ZarrError",
]


class ZarrError(Exception):
    """The base class of all errors of this package."""


class NotFoundError(ZarrError, FileNotFoundError):
    """The key or node does not exist."""


class PermissionDeniedError(ZarrError, PermissionError):
    """The backend refuses the credentials, or the operating system refuses access."""


class TimedOutError(ZarrError, TimeoutError):
    """The backend did not answer in time."""


class AlreadyExistsError(ZarrError, FileExistsError):
    """The node or object to create already exists."""


class ReadOnlyError(ZarrError, PermissionError):
    """A write to a store that was opened read-only."""


class ConflictError(ZarrError, OSError):
    """Other writers changed an object before every attempt to write it; nothing was written."""


class ChangedError(ZarrError, OSError):
    """An object changed during every attempt to read it."""


class ShortBodyError(ZarrError, EOFError):
    """An object ends before the end of the requested byte range."""


class ObstructedError(ZarrError, OSError):
    """A key holds something other than an object: a directory, a pipe, a dangling link."""


class StoreError(ZarrError, OSError):
    """Any other failure of a backend or of the operating system."""


class InvalidError(ZarrError, ValueError):
    """Illegal metadata, or an illegal key, URL, option or shape."""


class ArgumentError(InvalidError, TypeError):
    """An unknown keyword or option."""


class CorruptError(ZarrError, ValueError):
    """Stored bytes are corrupt."""


class ChecksumError(CorruptError):
    """A checksum does not match its bytes."""


class TooLargeError(ZarrError, ValueError):
    """A size exceeds a limit."""


class OutOfMemoryError(TooLargeError, MemoryError):
    """A result does not fit into the memory of this machine."""


class NodeTypeError(ZarrError, TypeError):
    """A node exists, but is of the other kind."""


class SelectionError(ZarrError, IndexError):
    """A selection does not fit the array."""


class UnsupportedError(ZarrError, NotImplementedError):
    """A legal codec, data type or backend operation that is not supported."""


class InternalError(ZarrError, RuntimeError):
    """A bug in this package. Nothing was stored."""
