"""`zarr_py.Store`, a store for zarr-python: the thin cover of a native store."""

import html
import os
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Self, cast

from zarr.abc import store as abc
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype
from zarr.storage import LocalStore, ObjectStore

from zarr_py import _called, _native, _obstore, _options
from zarr_py._native import Batches, NativeStore
from zarr_py._native import Buffer as NativeBuffer
from zarr_py.errors import UnsupportedError

__all__ = ["Store", "native_of"]


_FLAGS = {"missing_on_403": "missing_on_forbidden"}
"""Options of a store that is called, by the names of the constructor."""


class _Origin(NamedTuple):
    """What a store was made of, and can be made of again."""

    url: str
    """A path, a URL, or `memory://<name>`; empty for a store that is called."""
    options: _options.Options = ()
    credential_provider: Any = None
    called: Any = None
    """A store of Python that is called for every request."""
    memory: tuple[str, int] | None = None
    max_concurrency: int | None = None
    cache_bytes: int = 0
    pickle_secrets: bool = False

    def public(self) -> "_Origin":
        """The same without secrets."""
        return self._replace(url=_options.public_url(self.url), options=_options.public_options(self.options))

    def open(self) -> NativeStore:
        limits: dict[str, Any] = {"max_concurrency": self.max_concurrency, "cache_bytes": self.cache_bytes}
        if self.called is None:
            options = list(self.options)
            return NativeStore(self.url, options, credential_provider=self.credential_provider, **limits)
        flags = {_FLAGS.get(name, name): value == "true" for name, value in self.options}
        kind = type(self.called)
        name = f"{kind.__module__}.{kind.__qualname__}"
        return NativeStore.called(_called.Calls(self.called), name, **flags, **limits)


class Store(abc.Store):
    """A store for zarr-python on local files, memory, S3, Google Cloud Storage, Azure and web servers.

    Parameters
    ----------
    store
        A path; a URL (`s3://bucket/prefix`, `gs://`, `az://`, `https://`, `file://`, `memory:` for a new store in memory,
        `memory://name` for the one of that name in this process; `|zip:` behind the URL of an archive); a store of obstore, or
        of another library made with pyo3-object_store; or any object with the methods of obspec.
    read_only
        Refuse every write.
    config, client_options, retry_config
        Options, by obstore's names. More of `config` can be given as keywords: `region="eu-west-1"`.
    credential_provider
        A function, async or not, that returns credentials as obstore's providers do: a dictionary with `expires_at`.
    max_concurrency
        Requests in flight at once, over all calls of this process. By default 64, and 16 to web servers.
    cache_bytes
        Memory for encoded chunks, in bytes, that `zarr_py.CodecPipeline` and `zarr_py.open_array` use. None by default.
    missing_on_forbidden
        Take a refused access (403) for an absent object, as buckets answer who may read but not list.
    single_writer
        There is no other writer: for backends without conditional puts.
    pickle_secrets
        Keep credentials in pickles. By default a pickle has none, and finds them where it is opened, in the environment.
    """

    __module__ = "zarr_py"

    _native: NativeStore
    _origin: _Origin

    def __init__(
        self,
        store: Any,
        *,
        read_only: bool = False,
        config: Mapping[str, Any] | None = None,
        client_options: Mapping[str, Any] | None = None,
        retry_config: Mapping[str, Any] | None = None,
        credential_provider: Callable[[], Any] | None = None,
        max_concurrency: int | None = None,
        cache_bytes: int = 0,
        missing_on_forbidden: bool = False,
        single_writer: bool = False,
        pickle_secrets: bool = False,
        **keywords: Any,
    ) -> None:
        super().__init__(read_only=read_only)
        if missing_on_forbidden:
            keywords["missing_on_403"] = True
        if single_writer:
            keywords["single_writer"] = True
        given = _options.merge(config, client_options, retry_config, keywords)
        origin = _origin_of(store, given, credential_provider)
        origin = origin._replace(
            max_concurrency=max_concurrency, cache_bytes=cache_bytes, pickle_secrets=pickle_secrets)
        self._native, self._origin = _open(origin)

    @classmethod
    def from_url(cls, url: str | os.PathLike[str], **options: Any) -> Self:
        """The store at a URL or path: what the constructor makes of it."""
        return cls(os.fspath(url), **options)

    @classmethod
    def from_obstore(cls, store: Any, **options: Any) -> Self:
        """The store that a store of obstore, or one like it, stands for."""
        return cls(store, **options)

    @classmethod
    def memory(cls, name: str | None = None, *, read_only: bool = False) -> Self:
        """A store in memory: the one of this name, which lives while somebody holds it, or a new one."""
        return cls("memory:" if name is None else f"memory://{name}", read_only=read_only)

    @property
    def supports_writes(self) -> bool:
        return not self._native.is_read_only

    @property
    def supports_deletes(self) -> bool:
        return not self._native.is_read_only

    @property
    def supports_listing(self) -> bool:
        return self._native.can_list

    @property
    def url(self) -> str:
        """Where the store is, without user info and query."""
        if self._origin.memory is not None:
            return self._origin.url
        location = self._native.location
        if not location.startswith("/"):
            return location
        path, bar, inside = location.partition("|zip:") if self._native.is_read_only else (location, "", "")
        return Path(path).as_uri() + bar + inside

    def requests(self) -> dict[str, int]:
        """Requests and bytes so far, in this process, by kind."""
        return self._native.requests()

    def with_read_only(self, read_only: bool = False) -> Self:
        store = object.__new__(type(self))
        store.__dict__.update(self.__dict__)
        store._read_only = read_only
        store._is_open = False
        return store

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Store) or type(self) is not type(other):
            return False
        same = self._read_only == other._read_only
        return same and (self._native is other._native or _place(self._origin) == _place(other._origin))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        origin = self._origin
        if not origin.pickle_secrets:
            if origin.called is not None:
                raise TypeError(
                    f"{self!r} calls a store that may hold secrets; make it with pickle_secrets=True to pickle it")
            origin = origin.public()
        return _unpickle, (type(self), tuple(origin), self._read_only)

    def __str__(self) -> str:
        return self.url

    def __repr__(self) -> str:
        return f"zarr_py.Store({self.url!r}{', read_only=True' if self._read_only else ''})"

    def _repr_html_(self) -> str:
        rows = {"Location": self.url, "Access": "read only" if self._read_only else "read and write"}
        cells = (f"<tr><th>{name}</th><td>{html.escape(value)}</td></tr>" for name, value in rows.items())
        return f"<table><caption>zarr_py.Store</caption>{''.join(cells)}</table>"

    # Reads.

    async def get(
        self, key: str, prototype: BufferPrototype, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        found = self._native.get(key, byte_range)
        if found is not None and not isinstance(found, NativeBuffer):
            found = await found
        return None if found is None else _taker(prototype)(found)

    def get_sync(
        self, key: str, *, prototype: BufferPrototype | None = None, byte_range: ByteRequest | None = None
    ) -> Buffer | None:
        """`get` on the calling thread."""
        found = self._native.get_sync(key, byte_range)
        if found is None:
            return None
        return _taker(prototype or default_buffer_prototype())(found)

    async def get_partial_values(
        self, prototype: BufferPrototype, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[Buffer | None]:
        from_bytes = _taker(prototype)
        return [None if found is None else from_bytes(found) for found in await self._many(key_ranges)]

    async def _get_many(
        self, requests: Iterable[tuple[str, BufferPrototype, ByteRequest | None]]
    ) -> AsyncGenerator[tuple[str, Buffer | None], None]:
        wanted = list(requests)
        many = await self._many((key, byte_range) for key, _, byte_range in wanted)
        for (key, prototype, _), found in zip(wanted, many, strict=True):
            yield key, None if found is None else _taker(prototype)(found)

    async def _many(
        self, key_ranges: Iterable[tuple[str, ByteRequest | None]]
    ) -> list[NativeBuffer | None]:
        found = self._native.get_many(list(key_ranges))
        return found if isinstance(found, list) else await found

    async def get_ranges(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        max_concurrency: int = 10,
        max_gap_bytes: int = 1 << 20,
        max_coalesced_bytes: int = 16 << 20,
    ) -> AsyncIterator[Sequence[tuple[int, Buffer | None]]]:
        from_bytes = _taker(prototype)
        batches: Batches | None = None
        try:
            while True:
                try:
                    if batches is None:
                        batches = self._native.get_ranges(
                            key, byte_ranges, max_concurrency, max(max_gap_bytes, 0), max_coalesced_bytes)
                    batch = batches.next()
                    if batch is not None and type(batch) is not list:
                        batch = await batch
                except Exception as error:
                    raise _group(error) from None
                if batch is None:
                    return
                yield [(index, from_bytes(found)) for index, found in batch]
        finally:
            if batches is not None:
                batches.close()

    def get_ranges_sync(
        self,
        key: str,
        byte_ranges: Sequence[ByteRequest | None],
        *,
        prototype: BufferPrototype,
        max_gap_bytes: int = 1 << 20,
        max_coalesced_bytes: int = 16 << 20,
    ) -> Sequence[tuple[int, Buffer | None]]:
        from_bytes = _taker(prototype)
        try:
            found = self._native.get_ranges_sync(key, byte_ranges, max(max_gap_bytes, 0), max_coalesced_bytes)
        except Exception as error:
            raise _group(error) from None
        return [(index, from_bytes(part)) for index, part in found]

    async def exists(self, key: str) -> bool:
        return await _answer(self._native.size(key)) is not None

    async def getsize(self, key: str) -> int:
        size = await _answer(self._native.size(key))
        if size is None:
            raise FileNotFoundError(key)
        return size

    async def getsize_prefix(self, prefix: str) -> int:
        return await _answer(self._native.size_prefix(prefix.rstrip("/")))

    async def is_empty(self, prefix: str) -> bool:
        return await _answer(self._native.is_empty(prefix.rstrip("/")))

    # Writes.

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        done = self._native.set(key, _memory_of(value))
        if done is not None:
            await done

    def set_sync(self, key: str, value: Buffer) -> None:
        """`set` on the calling thread."""
        self._check_writable()
        self._native.set_sync(key, _memory_of(value))

    async def set_if_not_exists(self, key: str, value: Buffer) -> None:
        self._check_writable()
        memory = _memory_of(value)
        try:
            done = self._native.set_if_absent(key, memory)
            if not isinstance(done, bool):
                await done
        except UnsupportedError:
            # A backend without conditions: what zarr-python does everywhere, a look and a put.
            if not await self.exists(key):
                await self.set(key, value)

    async def delete(self, key: str) -> None:
        self._check_writable()
        done = self._native.delete(key)
        if done is not None:
            await done

    def delete_sync(self, key: str) -> None:
        """`delete` on the calling thread."""
        self._check_writable()
        self._native.delete_sync(key)

    async def delete_dir(self, prefix: str) -> None:
        self._check_writable()
        done = self._native.delete_prefix(prefix.rstrip("/"))
        if done is not None:
            await done

    async def clear(self) -> None:
        await self.delete_dir("")

    @property
    def _supports_sync_io(self) -> bool:
        """Whether blocking calls are the fast ones: on local files and memory."""
        return not self._native.is_remote

    # Listings.

    def list(self) -> AsyncIterator[str]:
        return _keys(self._native, "")

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        return _keys(self._native, prefix)

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        return _names(self._native, prefix.rstrip("/"))


async def _answer[T](answer: T | Awaitable[T]) -> T:
    """An answer that may be there already."""
    return await answer if isinstance(answer, Awaitable) else answer


async def _keys(native: NativeStore, prefix: str) -> AsyncIterator[str]:
    batches = native.list_keys(prefix)
    try:
        while True:
            batch = batches.next()
            if batch is not None and type(batch) is not list:
                batch = await batch
            if batch is None:
                return
            for key in batch:
                yield key
    finally:
        batches.close()


async def _names(native: NativeStore, prefix: str) -> AsyncIterator[str]:
    for name in await _answer(native.list_names(prefix)):
        yield name


def _taker(prototype: BufferPrototype) -> Callable[[NativeBuffer], Buffer]:
    """What makes a buffer of bytes: of anything with the buffer protocol, whatever its annotation says."""
    return cast("Callable[[NativeBuffer], Buffer]", prototype.buffer.from_bytes)


def _memory_of(value: Buffer) -> Any:
    """The bytes of a value, contiguous."""
    if not isinstance(value, Buffer):
        raise TypeError(f"Store.set(): `value` must be a Buffer instance. Got an instance of {type(value)} instead.")
    memory = value.as_buffer_like()
    return memory if memoryview(memory).c_contiguous else value.to_bytes()


def _group(error: Exception) -> BaseException:
    return BaseExceptionGroup("chunk read failed", [error])


def _origin_of(store: Any, options: _options.Options, provider: Any) -> _Origin:
    """What the first argument of the constructor stands for."""
    if isinstance(store, str | os.PathLike):
        return _Origin(_options.guarded(os.fspath(store)), options, provider)
    if isinstance(store, bytes | None):
        raise TypeError(f"expected a URL, a path or a store, got {type(store).__name__}")
    if type(store) is LocalStore:
        return _Origin(os.path.abspath(store.root), options, provider)
    if type(store) is ObjectStore:
        store = store.store
    found = _obstore.describe(store)
    if found is not None:
        merged = tuple(sorted({**dict(found.options), **dict(options)}.items()))
        return _Origin(found.url, merged, provider or found.credential_provider)
    if provider is not None or any(name not in ("missing_on_403", "single_writer") for name, _ in options):
        raise TypeError(f"options are for a URL; {type(store).__name__} has its own")
    return _Origin("", options, called=store)


def _open(origin: _Origin) -> tuple[NativeStore, _Origin]:
    """The native store, and what finds it again."""
    if origin.called is not None:
        return origin.open(), origin
    memory = _options.split_memory(origin.url)
    if memory is None:
        if _native.is_path(origin.url):
            # So that a pickle means the same directory elsewhere.
            origin = origin._replace(url=os.path.abspath(origin.url))
        return origin.open(), origin
    if origin.options:
        raise ValueError(f"a store in memory has no options, got {origin.options[0][0]}")
    name, prefix = memory
    if origin.memory is not None:
        native = NativeStore.memory_again(*origin.memory, prefix, cache_bytes=origin.cache_bytes)
    else:
        native = NativeStore.memory(name or None, prefix, cache_bytes=origin.cache_bytes)
    found = cast("tuple[str, int]", native.memory_name)
    url = f"memory://{found[0]}" + (f"/{prefix}" if prefix else "")
    return native, origin._replace(url=url, memory=found)


def _unpickle(cls: type[Store], origin: tuple[Any, ...], read_only: bool) -> Store:
    store = object.__new__(cls)
    abc.Store.__init__(store, read_only=read_only)
    store._native, store._origin = _open(_Origin(*origin))
    return store


def _place(origin: _Origin) -> tuple[Any, ...]:
    """What makes two stores equal: where they are and how they get there, whoever they are for."""
    public = origin.public()
    options = _options.place_options(origin.options)
    return public.url, options, public.credential_provider, public.called, public.memory


def native_of(store: abc.Store) -> NativeStore | None:
    """The native store behind one of ours, exactly a `zarr.storage.LocalStore`, or exactly a `zarr.storage.ObjectStore`; `None`
    for others. Stores of one place share one, with its connections and caches."""
    if isinstance(store, Store):
        return store._native
    if type(store) is LocalStore:
        return _native_at(os.path.abspath(store.root), (), None)
    if type(store) is ObjectStore:
        found = _obstore.describe(store.store)
        return _native_at(*found) if found is not None else _native_calling(store)
    return None


def _native_calling(store: ObjectStore[Any]) -> NativeStore:
    """The native store that calls a store of obstore, for as long as the `ObjectStore` lives."""
    found = _calling.get(id(store))
    if found is None:
        found = _calling[id(store)] = _Origin("", called=store.store).open()
        weakref.finalize(store, _calling.pop, id(store), None)
    return found


_calling: dict[int, NativeStore] = {}


@lru_cache(maxsize=64)
def _native_at(url: str, options: _options.Options, provider: Any) -> NativeStore:
    native, _ = _open(_Origin(url, options, provider))
    return native
