"""What can go wrong, as subclasses of the built-in exceptions that mean the same.

A message says where (store without secrets, key, inner chunk, codec), what was found, and what was expected.
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
    """Any error of this package."""


class NotFoundError(ZarrError, FileNotFoundError):
    """There is no such key or node."""


class PermissionDeniedError(ZarrError, PermissionError):
    """The backend refuses the credentials, or the operating system the access."""


class TimedOutError(ZarrError, TimeoutError):
    """The backend did not answer in time."""


class AlreadyExistsError(ZarrError, FileExistsError):
    """What was to be created exists."""


class ReadOnlyError(ZarrError, PermissionError):
    """A write to a store that was opened for reading."""


class ConflictError(ZarrError, OSError):
    """Others changed an object each time that it was about to be written; nothing was written."""


class ChangedError(ZarrError, OSError):
    """An object changed each time that it was being read."""


class ShortBodyError(ZarrError, EOFError):
    """An object ends before the bytes that were asked for."""


class ObstructedError(ZarrError, OSError):
    """Something that is no object stands at a key: a directory, a pipe, a dangling link."""


class StoreError(ZarrError, OSError):
    """Any other failure of a backend or of the operating system."""


class InvalidError(ZarrError, ValueError):
    """Metadata, a key, a URL, an option or a shape that is not legal."""


class ArgumentError(InvalidError, TypeError):
    """A keyword or an option that there is not."""


class CorruptError(ZarrError, ValueError):
    """Stored bytes are damaged."""


class ChecksumError(CorruptError):
    """A checksum is not that of its bytes."""


class TooLargeError(ZarrError, ValueError):
    """Something is larger than the limits allow."""


class OutOfMemoryError(TooLargeError, MemoryError):
    """A result that does not fit the memory of this machine."""


class NodeTypeError(ZarrError, TypeError):
    """There is a node, of the other type."""


class SelectionError(ZarrError, IndexError):
    """A selection does not fit the array."""


class UnsupportedError(ZarrError, NotImplementedError):
    """A legal thing that is not supported: a codec, a data type, an operation of a backend."""


class InternalError(ZarrError, RuntimeError):
    """A bug of this package. Nothing was stored."""
