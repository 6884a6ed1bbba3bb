"""`zarr_py.objects`: keys and bytes of a store, without Zarr, zarr-python or NumPy."""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from collections.abc import Buffer as BytesLike
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, Unpack

from zarr_py import _checks, _source
from zarr_py._given import Given, covered
from zarr_py._native import Batches, Buffer, NativeStore, Version
from zarr_py._object import Entry, Head, Listing, Object
from zarr_py._option_names import StoreOptions
from zarr_py._steps import Steps, ask, blocking, items, later
from zarr_py._sweep import Leftover, seconds, sweep
from zarr_py.errors import InvalidError, ReadOnlyError

__all__ = ["Objects", "objects"]

type Views = list[memoryview]
type Leftovers = list[Leftover]

_WEEK = 7 * 24 * 3600
"""The longest time, in seconds, for which the cloud stores sign a URL."""


class Objects:
    """The objects of a store, by key. `zarr_py.objects` opens one.

    Every method that makes requests has an `_async` variant, which is a coroutine or an async
    iterator. Keys have no leading slash. A request that the backend refuses raises
    `PermissionDeniedError`, a backend timeout raises `TimedOutError`, and any other backend failure
    raises `StoreError`. An illegal key raises `InvalidError`.
    """

    __module__ = "zarr_py"

    __slots__ = ("__weakref__", "_native", "_origin", "read_only")

    _native: NativeStore
    _origin: _source.Source
    read_only: bool
    """Whether every write is refused."""

    def __init__(self, place: _source.Place) -> None:
        if not isinstance(place, _source.Place):
            raise TypeError("use zarr_py.objects to open the objects of a store")
        self._native, self._origin, self.read_only = place

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            from zarr_py._elsewhere import absent

            raise absent("Objects", name)

    @property
    def location(self) -> str:
        """The location of the store, without secrets."""
        return self._native.location

    def requests(self) -> dict[str, int]:
        """Returns the requests and bytes so far in this process, by kind.

        Counts all users of the location.
        """
        return self._native.requests()

    def __repr__(self) -> str:
        where = self._origin.url or self._native.location
        return f"zarr_py.objects({where!r}{', read_only=True' if self.read_only else ''})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (type(self), tuple(self._origin.pickled()), self.read_only)

    # Reads.

    @blocking
    def get(self, key: str, *, offset: int = 0, suffix: int | None = None, version: Version | None = None) -> Steps[Object]:
        """Reads an object: all of it, the bytes from `offset` on, or its last `suffix` bytes.

        An offset or suffix beyond the object is clamped to its size. With a `version`, the object
        must still have that version.

        Raises `NotFoundError`; `ChangedError` if the object has another version or is gone;
        `UnsupportedError` for an unknown version.
        """
        fetched = yield from ask(self._native.fetch, *_part(key, offset, suffix, version))
        return Object(key, fetched)

    get_async = later(get)

    @blocking
    def get_range(
        self, key: str, *, start: int, end: int | None = None, length: int | None = None, version: Version | None = None
    ) -> Steps[memoryview]:
        """Reads the bytes from `start` to `end`, or `length` bytes from `start`.

        The byte range is not clamped. Raises the errors of `get`, `ShortBodyError` if the object
        ends before the range does, and `InvalidError` if `end` is before `start`.
        """
        asked = _ranges(key, [start], _alone(end), _alone(length), version)
        found = yield from ask(self._native.fetch_ranges, *asked)
        return memoryview(found[0])

    get_range_async = later(get_range)

    @blocking
    def get_ranges(
        self,
        key: str,
        *,
        starts: Sequence[int],
        ends: Sequence[int] | None = None,
        lengths: Sequence[int] | None = None,
        version: Version | None = None,
    ) -> Steps[Views]:
        """Reads many byte ranges of one object, and returns them in the given order.

        Ranges may overlap, repeat and come in any order. Ranges are merged into few and
        evenly sized requests where that pays off, and all are of one version of the object. No
        range is clamped, and an empty range costs no request. Raises the errors of `get_range`.
        """
        found = yield from ask(self._native.fetch_ranges, *_ranges(key, starts, ends, lengths, version))
        return [memoryview(buffer) for buffer in found]

    get_ranges_async = later(get_ranges)

    @blocking
    def head(self, key: str) -> Steps[Head]:
        """Returns the size and version of an object. Raises `NotFoundError`."""
        found = yield from ask(self._native.head, _checks.text(key, "key"))
        return Head(key, *found)

    head_async = later(head)

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Lists every object below a prefix, at any depth.

        The prefix `a` means `a/...`, neither `a` itself nor `ab`.

        Entries come in the order of the store, and closing the iterator ends the requests. A prefix
        without objects yields nothing. Raises `UnsupportedError` for a web server that does not
        list.
        """
        return _entries(self._native.list_entries(_checks.text(prefix, "prefix")))

    def list_async(self, prefix: str = "") -> AsyncIterator[Entry]:
        """Async variant of `list`: an async iterator."""
        return _entries_async(self._native, _checks.text(prefix, "prefix"))

    @blocking
    def list_dir(self, prefix: str = "") -> Steps[Listing]:
        """Lists the objects and prefixes directly below a prefix. Raises the errors of `list`."""
        found = yield from ask(self._native.list_directory, _checks.text(prefix, "prefix"))
        return _listing(prefix, found)

    list_dir_async = later(list_dir)

    # Writes.

    @blocking
    def put(
        self, key: str, value: BytesLike, *, if_absent: bool = False, if_version: Version | None = None
    ) -> Steps[Version]:
        """Writes a whole object and returns its version. Readers see the old object or the new one.

        `value` is any contiguous object with the buffer protocol; it is copied once, before the
        first request.

        With `if_absent`, raises `AlreadyExistsError` if the key holds an object. With `if_version`,
        raises `ConflictError` if the object no longer has that version. On a remote store, an
        object with exactly the bytes of `value` counts as written by this call, because the
        response of the backend may have been lost. Raises `UnsupportedError` if the backend has no
        conditional puts or the version is unknown, and `ReadOnlyError`.
        """
        self._check_writable("put", _checks.text(key, "key"))
        absent = _checks.flag(if_absent, "if_absent")
        if absent and if_version is not None:
            raise InvalidError("put: pass either if_absent or if_version, not both")
        version: Version = yield from ask(self._native.put, key, value, absent, _version(if_version, "if_version"))
        return version

    put_async = later(put)

    @blocking
    def copy(self, source: str, target: str, *, overwrite: bool = True) -> Steps[None]:
        """Copies an object to another key.

        The backend copies the object if it can and `overwrite` is true; otherwise the bytes pass
        through this process. Raises `NotFoundError` if `source` is absent, `AlreadyExistsError` if
        `target` exists and `overwrite` is false, and the errors of `put`.
        """
        yield from self._copied("copy", source, target, overwrite)

    copy_async = later(copy)

    @blocking
    def rename(self, source: str, target: str, *, overwrite: bool = True) -> Steps[None]:
        """Moves an object to another key: a `copy`, then a `delete`.

        Readers may see both objects in between.

        Raises the errors of `copy`.
        """
        yield from self._copied("rename", source, target, overwrite)

    rename_async = later(rename)

    @blocking
    def delete(self, keys: str | Iterable[str]) -> Steps[None]:
        """Deletes one or many objects, in bulk if the backend supports it.

        A missing object is not an error. Raises `ReadOnlyError`.
        """
        found = [keys] if isinstance(keys, str) else [_checks.text(key, "keys") for key in keys]
        for key in found:
            self._check_writable("delete", key)
        yield from ask(self._native.delete_all, found)

    delete_async = later(delete)

    @blocking
    def sweep(self, prefix: str = "", *, older_than: timedelta | float = timedelta(days=1)) -> Steps[Leftovers]:
        """Removes what killed writers left below a prefix, and returns what was removed.

        Leftovers are incomplete uploads, partly written files, temporary objects and probes; no
        reader sees them, but they take space. `older_than` is a `timedelta` or seconds, and should
        exceed the time of any write: a running writer whose upload is removed fails or starts
        again. On S3, uploads of other programs count too. On servers that are probed and on Google
        Cloud Storage, the objects below are listed. Azure drops leftover blocks itself, after a
        week. Raises `ReadOnlyError`.
        """
        self._check_writable("sweep", _checks.text(prefix, "prefix"))
        return (yield from sweep(self._native, prefix.strip("/"), older_than))

    sweep_async = later(sweep)

    @blocking
    def sign(
        self,
        key: str,
        *,
        method: Literal["GET", "HEAD", "PUT", "DELETE"] = "GET",
        expires_in: timedelta | float = timedelta(hours=1),
    ) -> Steps[str]:
        """Returns a URL that allows anyone to send one kind of request for an object, for a time.

        `expires_in` is a `timedelta` or seconds, at most 7 days. The URL is a secret. The object
        need not exist. Raises `UnsupportedError` for all stores but S3, Google Cloud Storage and
        Azure, and if there are no credentials to sign with; `InvalidError` for another method or
        time.
        """
        if _checks.text(method, "method") not in ("GET", "HEAD"):
            self._check_writable(f"sign {method}", key)
        time = seconds(expires_in, "expires_in")
        if not 1 <= time <= _WEEK:
            raise InvalidError(f"expires_in: expected 1 second to 7 days, got {time} s")
        url: str = yield from ask(self._native.sign, _checks.text(key, "key"), method, int(time))
        return url

    sign_async = later(sign)

    def _check_writable(self, operation: str, key: str) -> None:
        if self.read_only:
            raise ReadOnlyError(f"{self._native.location}: {operation} {key!r}: opened with read_only=True")

    def _copied(self, operation: str, source: str, target: str, overwrite: bool) -> Steps[None]:
        _checks.text(source, "source")
        self._check_writable(operation, _checks.text(target, "target"))
        yield from ask(self._native.copy, source, target, operation == "rename", not _checks.flag(overwrite, "overwrite"))


def objects(store: _source.StoreLike, *, read_only: bool | None = None, **options: Unpack[StoreOptions]) -> Objects:
    """Opens the objects of a store by key: reads and writes bytes, without Zarr.

    Parameters
    ----------
    store
        Anything that `zarr_py.Store` accepts: a URL, a path, a store of obstore, an object with the
        methods of obspec; or a `zarr_py.Store`.
    read_only
        Refuses every write; by default, as the given store does.
    options
        The options of `zarr_py.Store`.

    Equal stores share one client, which all functions of this package use.
    That client holds the connections, the limit of requests in flight, and the counters.

    Raises `InvalidError` for an invalid URL or option, `ArgumentError` for an unknown option, and
    `TypeError` for any other object as `store`.
    """
    store, options = covered(store), Given(options)  # type: ignore[assignment]
    wanted = None if read_only is None else _checks.flag(read_only, "read_only")
    return Objects(_source.of(store, options, wanted, "objects", ("read_only",)))


def _entries(batches: Batches) -> Iterator[Entry]:
    try:
        while (batch := batches.next_sync()) is not None:
            yield from map(Entry._make, batch)
    finally:
        batches.close()


async def _entries_async(native: NativeStore, prefix: str) -> AsyncIterator[Entry]:
    async for entry in items(lambda: native.list_entries(prefix)):
        yield Entry._make(entry)


def _part(
    key: str, offset: int, suffix: int | None, version: Version | None
) -> tuple[str, int, int | None, Version | None]:
    offset = _checks.count(offset, "offset", 0)
    if suffix is not None:
        suffix = _checks.count(suffix, "suffix", 0)
        if offset:
            raise InvalidError("get: pass either offset or suffix, not both")
    return _checks.text(key, "key"), offset, suffix, _version(version, "version")


def _alone(value: int | None) -> list[int] | None:
    return None if value is None else [value]


def _ranges(
    key: str, starts: Sequence[int], ends: Sequence[int] | None, lengths: Sequence[int] | None, version: Version | None
) -> tuple[str, list[tuple[int, int]], Version | None]:
    """Returns the arguments of `fetch_ranges`, from whichever of ends and lengths is given."""
    if (ends is None) == (lengths is None):
        raise InvalidError("pass either ends or lengths, not both")
    firsts = [_checks.count(start, "start", 0) for start in starts]
    rest, name = (ends, "end") if ends is not None else (lengths or (), "length")
    lasts = [_checks.count(last, name, 0) for last in rest]
    if len(firsts) != len(lasts):
        raise InvalidError(f"starts: expected as many starts as {name}s, got {len(firsts)} and {len(lasts)}")
    found = [(first, last if name == "end" else first + last) for first, last in zip(firsts, lasts, strict=True)]
    for first, last in found:
        if last < first:
            raise InvalidError(f"a range ends at {last}, before its start at {first}")
    return _checks.text(key, "key"), found, _version(version, "version")


def _version(version: Version | None, name: str) -> Version | None:
    if version is None or isinstance(version, Version):
        return version
    raise TypeError(f"{name}: expected a version returned by put, head or get, got {version!r}")


def _listing(prefix: str, found: tuple[Iterable[str], Iterable[str]]) -> Listing:
    start = prefix.rstrip("/")
    start = f"{start}/" if start else ""
    keys, prefixes = ([start + name for name in names] for names in found)
    return Listing(keys, prefixes)


def _unpickle(cls: type[Objects], source: tuple[Any, ...], read_only: bool) -> Objects:
    return cls(_source.unpickled(source, read_only))
