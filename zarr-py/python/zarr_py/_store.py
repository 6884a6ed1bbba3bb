"""`zarr_py.Store`, a store for zarr-python: a thin wrapper around a native store."""

import html
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self, Unpack, cast

from zarr.abc import store as abc
from zarr.abc.store import ByteRequest
from zarr.core.buffer import Buffer, BufferPrototype, default_buffer_prototype

from zarr_py import _checks, _options, _source
from zarr_py._called import REQUESTS
from zarr_py._given import Given, Held, covered
from zarr_py._native import Batches, NativeStore
from zarr_py._native import Buffer as NativeBuffer
from zarr_py._option_names import BackendOptions, CacheForm, Strictness
from zarr_py._source import Source
from zarr_py._steps import answered, items
from zarr_py.errors import UnsupportedError

__all__ = ["Store"]


class Store(abc.Store):
    """A store for zarr-python: local files, memory, S3, Google Cloud, Azure and web servers.

    Parameters
    ----------
    store
        A path; a URL (`s3://bucket/prefix`, `gs://`, `az://`, `https://`, `file://`, `memory:` for
        a new store in memory, `memory://name` for the store of that name in this process; append
        `|zip:` to the URL of an archive); a store of obstore, or of another library made with
        pyo3-object_store; or any object with the methods of obspec.
    read_only
        Refuses every write; by default, as the given store does. `False` is refused for a read-only
        store.
    config, client_options, retry_config
        Options, named as in obstore. Members of `config` can also be given as keywords:
        `region="eu-west-1"`.
    credential_provider
        A function, sync or async, that returns credentials as the providers of obstore do: a
        dictionary with `expires_at`.
    max_concurrency
        The maximum number of requests in flight, over all calls of this process. By default 256, and
        16 for web servers.
    cache_bytes
        Memory, in bytes, for chunks that `zarr_py.CodecPipeline` and `zarr_py.open_array` read. By
        default none, unless `zarr_py.config` sets another size.
    cache_form
        `"encoded"` caches chunks as they are stored, which saves requests; `"decoded"` caches
        elements, which saves decoding too, and caches local files. A cached chunk is used only if
        its object has not changed.
    dead_space
        The most dead space that a write leaves in a shard, in percent of the shard; by default 25,
        unless `zarr_py.config` sets another limit. Within it, a write of a few inner chunks of a
        large shard appends them (docs/patches.md). 0 stores the whole shard in every write.
    missing_on_forbidden
        Treats a forbidden object (403) as absent, because buckets answer 403 for an absent object
        if the client may read but not list.
    single_writer
        States that this process is the only writer. For backends without conditional puts. On
        servers other than Amazon S3, Google Cloud Storage and Azure, it also lets a write append to
        a large shard, although the server may check conditions in several steps (SeaweedFS,
        Azurite). If another process writes at the same time, updates are lost.
    pickle_secrets
        Keeps credentials in pickles. By default a pickle contains none, and unpickling finds
        credentials in the environment.
    strictness
        `"tolerant"` reads known deviations of other libraries from the specification
        (docs/tolerance.md), and `"strict"` refuses them. Applies to `zarr_py.open_array` and
        similar functions.
    """

    __module__ = "zarr_py"

    _native: NativeStore
    _origin: Source
    _has_own_requests = False

    def __init__(
        self,
        store: Any,
        *,
        read_only: bool | None = None,
        config: Mapping[str, Any] | None = None,
        client_options: Mapping[str, Any] | None = None,
        retry_config: Mapping[str, Any] | None = None,
        credential_provider: Callable[[], Any] | None = None,
        max_concurrency: int | None = None,
        cache_bytes: int | None = None,
        cache_form: CacheForm | None = None,
        dead_space: int | None = None,
        missing_on_forbidden: bool = False,
        single_writer: bool = False,
        pickle_secrets: bool = False,
        strictness: Strictness | None = None,
        **keywords: Unpack[BackendOptions],
    ) -> None:
        store, options = covered(store), Given(keywords)
        given = Given(
            config=config, client_options=client_options, retry_config=retry_config, credential_provider=credential_provider,
            max_concurrency=max_concurrency, cache_bytes=cache_bytes, cache_form=cache_form, dead_space=dead_space,
            missing_on_forbidden=missing_on_forbidden, single_writer=single_writer, pickle_secrets=pickle_secrets,
            strictness=strictness)
        options.update((name, value) for name, value in given.items() if value is not None and value is not False)
        del config, client_options, retry_config, credential_provider, keywords, given
        wanted = None if read_only is None else _checks.flag(read_only, "read_only")
        place = _source.of(store, options, wanted, "Store", ("read_only",))
        super().__init__(read_only=place.read_only)
        self._native, self._origin = place.native, place.origin

    def __init_subclass__(cls, **keywords: Any) -> None:
        """Records whether a subclass overrides request methods, which the engine would bypass."""
        super().__init_subclass__(**keywords)
        cls._has_own_requests = cls._has_own_requests or not REQUESTS.isdisjoint(vars(cls))

    @classmethod
    def from_url(cls, url: str | os.PathLike[str], **options: Any) -> Self:
        """Creates the store for a URL or path, as the constructor does."""
        url, options = covered(url), Given(options)
        return cls.from_obstore(url, **options)

    @classmethod
    def from_obstore(cls, store: Any, **options: Any) -> Self:
        """Creates the store for a store of obstore or a similar library."""
        store, options = covered(store), Given(options)
        return cls(store.value if isinstance(store, Held) else store, **options)

    @classmethod
    def memory(cls, name: str | None = None, *, read_only: bool = False) -> Self:
        """Creates a store in memory, or returns the one with this name.

        A named store lives while it is referenced.
        """
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
        """The URL of the store, without user info and query."""
        if self._origin.memory is not None:
            return self._origin.url
        try:
            location, is_archive = self._native.location, self._native.is_read_only
        except Exception:
            # The store was unpickled where it cannot be opened.
            location, is_archive = self._origin.public().url, False
        if not location.startswith("/"):
            return location
        path, bar, inside = location.partition("|zip:") if is_archive else (location, "", "")
        return Path(path).as_uri() + bar + inside

    def requests(self) -> dict[str, int]:
        """Returns the requests and bytes so far in this process, by kind."""
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
        return same and (self._native is other._native or _place(self) == _place(other))

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickle, (type(self), tuple(self._origin.pickled()), self._read_only)

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
        """Reads a key as `get` does, on the calling thread."""
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
                    raise BaseExceptionGroup("chunk read failed", [error]) from None
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
            raise BaseExceptionGroup("chunk read failed", [error]) from None
        return [(index, from_bytes(part)) for index, part in found]

    async def exists(self, key: str) -> bool:
        return await answered(self._native.size(key)) is not None

    async def getsize(self, key: str) -> int:
        size = await answered(self._native.size(key))
        if size is None:
            raise FileNotFoundError(key)
        return size

    async def getsize_prefix(self, prefix: str) -> int:
        return await answered(self._native.size_prefix(prefix.rstrip("/")))

    async def is_empty(self, prefix: str) -> bool:
        return await answered(self._native.is_empty(prefix.rstrip("/")))

    # Writes.

    async def set(self, key: str, value: Buffer) -> None:
        self._check_writable()
        done = self._native.set(key, _memory_of(value))
        if done is not None:
            await done

    def set_sync(self, key: str, value: Buffer) -> None:
        """Stores a value as `set` does, on the calling thread."""
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
            # The backend has no conditional puts: checks, then puts, as zarr-python does for
            # every backend.
            if not await self.exists(key):
                await self.set(key, value)

    async def delete(self, key: str) -> None:
        self._check_writable()
        done = self._native.delete(key)
        if done is not None:
            await done

    def delete_sync(self, key: str) -> None:
        """Deletes a key as `delete` does, on the calling thread."""
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
        """Whether blocking calls are the faster ones: for local files and memory."""
        return not self._native.is_remote

    # Listings.

    def list(self) -> AsyncIterator[str]:
        return items(lambda: self._native.list_keys(""))

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        return items(lambda: self._native.list_keys(prefix))

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        return self._names(prefix.rstrip("/"))

    async def _names(self, prefix: str) -> AsyncIterator[str]:
        for name in await answered(self._native.list_names(prefix)):
            yield name


def _taker(prototype: BufferPrototype) -> Callable[[NativeBuffer], Buffer]:
    """Returns the zarr-python function that makes a buffer from an object with the buffer protocol.

    Its annotation is narrower than the objects that it accepts.
    """
    return cast("Callable[[NativeBuffer], Buffer]", prototype.buffer.from_bytes)


def _memory_of(value: Buffer) -> Any:
    """Returns the bytes of a value as contiguous memory."""
    if not isinstance(value, Buffer):
        raise TypeError(f"Store.set(): `value` must be a Buffer instance. Got an instance of {type(value)} instead.")
    memory = value.as_buffer_like()
    return memory if memoryview(memory).c_contiguous else value.to_bytes()


def _unpickle(cls: type[Store], source: tuple[Any, ...], read_only: bool) -> Store:
    store = object.__new__(cls)
    abc.Store.__init__(store, read_only=read_only)
    store._native, store._origin, _ = _source.unpickled(source, read_only)
    return store


def _place(store: Store) -> tuple[Any, ...]:
    """Returns the equality key of a store: its location, and its options without secrets."""
    public = store._origin.public()
    options = _options.place_options(store._origin.options)
    where = "s3" + store.url.removeprefix("s3a") if store.url.startswith("s3a:") else store.url
    return where, options, public.credential_provider, public.called, public.memory
