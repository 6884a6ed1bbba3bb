"""Resolves store arguments."""

import os
import sys
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, Protocol

from zarr_py import _checks, _native, _obstore, _option_names, _options, _values, config
from zarr_py._given import Given, Held, covered, kind_of
from zarr_py._native import NativeArray, NativeGroup, NativeStore
from zarr_py._shared import forget, shared, token_of, with_objects
from zarr_py.errors import InvalidError, ObstructedError, ReadOnlyError

__all__ = ["HasNative", "Place", "Source", "StoreLike", "check", "of", "opened", "source_of", "unpickled"]


class HasNative(Protocol):
    """A `zarr_py.Store`. Importing that class here would require zarr-python."""

    _native: NativeStore


StoreLike = str | os.PathLike[str] | HasNative | Any
"""A URL, a path, a `zarr_py.Store`, a store of obstore or zarr-python, or any object with the methods of obspec."""


class Source(NamedTuple):
    """The description from which a store was opened, and can be opened again."""

    url: str
    """A path, a URL, or `memory://<name>`; empty for a store that is called."""
    options: _options.Options = ()
    credential_provider: Any = None
    called: Any = None
    """A Python store that the engine calls for every request."""
    memory: tuple[str, int] | None = None
    """The name and identity of a store in memory."""
    max_concurrency: int | None = None
    cache_bytes: int = 0
    pickle_secrets: bool = False
    strictness: _option_names.Strictness = "tolerant"
    token: str | None = None
    """The name of the source's Python objects in pickles; unpickled copies share one client by it.
    """
    cache_form: _option_names.CacheForm = "encoded"
    dead_space: int = 25

    def __repr__(self) -> str:
        public = self.public()
        # The `repr` of a caller's object may show secrets.
        objects = {name: Held(value) for name, value in (("credential_provider", public[2]), ("called", public[3])) if value is not None}
        shown = {**public._asdict(), **objects}
        return f"Source({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    def public(self) -> "Source":
        """Returns this source without secrets."""
        url = _options.public_url(self.url) if self.memory is None else self.url
        return self._replace(url=url, options=_options.public_options(self.options, url != self.url))

    def pickled(self) -> "Source":
        """Returns the source for a pickle: without secrets, unless `pickle_secrets` is set.

        Unpickling finds credentials in the environment. Raises `TypeError` for a store that is
        called, because the object may hold secrets.
        """
        if self.pickle_secrets:
            return self._replace(token=token_of(self))
        if self.called is not None:
            kind = type(self.called)
            raise TypeError(
                f"a store that calls {kind.__module__}.{kind.__qualname__}, which may hold secrets, cannot be pickled; "
                "create it with pickle_secrets=True to pickle it")
        return self.public()._replace(token=token_of(self))

    def is_remote(self) -> bool:
        """Whether this is the URL of a store on a network."""
        return self.called is None and self.memory is None and "://" in self.url and not self.url.startswith("file:")

    def make(self) -> NativeStore:
        """Returns a new native store.

        An error in the source raises when the store is first used.
        """
        if self.called is None:
            options = list(self.options)
            return NativeStore(self.url, options, credential_provider=self.credential_provider, settings=self)
        from zarr_py import _called

        flags = {_values.STORE_FLAGS[name]: value == "true" for name, value in self.options}
        kind = type(self.called)
        name = f"{kind.__module__}.{kind.__qualname__}"
        return NativeStore.called(_called.Calls(self.called), name, **flags, settings=self)


class Place(NamedTuple):
    """An open store, and the source from which it was opened."""

    native: NativeStore
    origin: Source
    read_only: bool


def of(
    store: StoreLike, options: Mapping[str, Any], read_only: Any, function: str, known: Collection[str] = (), *, opens: bool = False
) -> Place:
    """Returns the place for a store argument.

    `read_only=None` means as the store is. `function` and `known` are the name of the caller and
    its own keywords, for messages. `opens` states that the caller opens a node, and calls `check`
    if that fails.

    Raises `TypeError` for an object that is no store, for options of an open store, and for unknown
    options. Raises `ReadOnlyError` for `read_only=False` with a read-only store.
    """
    store, options = covered(store), Given(options)
    is_read_only = isinstance(store, Held) and _is_read_only(store.value)
    if is_read_only and read_only is False:
        raise ReadOnlyError(f"{function}: read_only=False, but the given {type(store.value).__name__} is read-only")
    read_only = is_read_only or bool(read_only)
    ours = _ours(store)
    if ours is None:
        source = source_of(store, options, function, known)
        if opens and not options and source.url.startswith("/"):
            return Place(*opened(source), read_only)
        return Place(*_entered(source, options), read_only)
    native, source = ours
    strictness = _strictness(options.pop("strictness", None) or source.strictness)
    for name in options:
        if name not in _option_names.StoreOptions.__annotations__:
            raise _checks.unknown(function, name, known)
        raise TypeError(f"{function}: {name!r} is an option of a store, but this store is already open")
    if strictness != source.strictness:
        native, source = opened(source._replace(strictness=strictness), again=True)
    return Place(native, source, read_only)


def _ours(store: str | Held) -> tuple[NativeStore, Source] | None:
    """Returns the native store and source of a `zarr_py.Store`; `None` for any other argument."""
    value = getattr(store, "value", None)
    native, source = getattr(value, "_native", None), getattr(value, "_origin", None)
    if not isinstance(source, Source) or not isinstance(native, NativeStore):
        return None
    if getattr(value, "_has_own_requests", False):
        raise TypeError(f"store: {kind_of(value)} is a subclass, whose methods would not be called; pass a "
                        "zarr_py.Store itself")
    return native, source


def source_of(store: Any, options: Mapping[str, Any], function: str, known: Collection[str] = ()) -> Source:
    """Returns the source for the arguments of a caller, after checking all of them."""
    store, given = covered(store), Given(options)
    if not given:
        described = _described(store)
        return described if config.is_default() else described._replace(**config.settings())
    config_part, client, retry = (_values.part(given, name) for name in ("config", "client_options", "retry_config"))
    if not (given.get("credential_provider") is None or callable(given["credential_provider"])):
        raise TypeError(f"credential_provider: expected a function, got {kind_of(given['credential_provider'])}")
    provider = Held(given.pop("credential_provider", None))
    limits = {
        **config.settings(given),
        "pickle_secrets": _checks.flag(given.pop("pickle_secrets", False), "pickle_secrets"),
        "strictness": _strictness(given.pop("strictness", None) or "tolerant"),
    }
    for flag, option in (("missing_on_forbidden", "missing_on_403"), ("single_writer", "single_writer")):
        if _checks.flag(given.pop(flag, False), flag):
            given[option] = True
    described = _described(store)
    retries = [name for name in retry if name != "backoff"]
    _values.check_names(
        described.url, [*config_part, *client, *retries, *given], function, known, described.is_remote())
    for part in (config_part, client, retry, given):
        _values.check_values(part, function)
    merged = _options.merge(config_part, client, retry, given)
    if described.called is not None:
        if provider.value is not None or any(name not in _values.STORE_FLAGS for name, _ in merged):
            raise TypeError(f"{function}: options are only for a URL; {kind_of(described.called)} has its own")
    merged = tuple(sorted({**dict(described.options), **dict(merged)}.items()))
    if provider.value is None:
        provider = Held(described.credential_provider)
    return described._replace(options=merged, credential_provider=provider.value, **limits)


def _strictness(value: Any) -> _option_names.Strictness:
    if value not in ("tolerant", "strict"):
        raise InvalidError(f"strictness: expected 'tolerant' or 'strict', got {value!r}")
    return value  # type: ignore[no-any-return]


def _described(store: str | Held) -> Source:
    """Returns the source for a store argument, without options."""
    if isinstance(store, str):
        if not store:
            raise InvalidError("store: got an empty string; the current directory is '.'")
        if not _options.is_text(store):
            raise InvalidError("store: got a string with half of a surrogate pair, which cannot be a URL or a path")
        # A pickle then means the same directory everywhere.
        return Source(os.path.abspath(store) if _native.is_path(store) else store)
    if isinstance(store.value, bytes | None):
        raise TypeError(f"store: expected a URL, a path or a store, got {kind_of(store.value)}")
    if isinstance(store.value, NativeArray | NativeGroup):
        raise TypeError(f"store: got {kind_of(store.value)}, which is in a store; open what is below a group by group[path]")
    # Whoever holds such a store has imported its module.
    zarrs = sys.modules.get("zarr.storage")
    if zarrs is not None:
        if type(store.value) is zarrs.LocalStore:
            return Source(os.path.abspath(store.value.root))
        if type(store.value) is zarrs.ObjectStore:
            store = Held(store.value.store)
        elif isinstance(store.value, zarrs.StorePath):
            raise TypeError("store: got a StorePath; pass its store, and its path as the second argument")
        elif type(store.value).__module__.startswith("zarr."):
            raise TypeError(f"store: {type(store.value).__name__} of zarr-python has no native access; "
                            "pass its URL or path instead")
    found = _obstore.describe(store.value)
    if found is not None:
        return Source(_options.guarded(found.url), found.options, found.credential_provider)
    return Source("", called=store.value)


def _is_read_only(store: Any) -> bool:
    """Whether a store of zarr-python, which includes `zarr_py.Store`, refuses writes."""
    abc = sys.modules.get("zarr.abc.store")
    return abc is not None and isinstance(store, abc.Store) and bool(store.read_only)


def _entered(source: Source, options: Given) -> tuple[NativeStore, Source]:
    """Opens a source. `options` are the options of the caller, for messages."""
    native, found = opened(source)
    wrong = _wrong(native, found, options)
    if wrong is None:
        return native, found
    forget(found)
    raise wrong


def check(place: Place) -> None:
    """Raises if the place cannot be opened, and removes it from the shared stores."""
    wrong = _wrong(place.native, place.origin, Given())
    if wrong is not None:
        forget(place.origin)
        raise wrong from None


def _wrong(native: NativeStore, source: Source, options: Given) -> Exception | None:
    """Returns the error if a store cannot be opened."""
    try:
        is_file = native.is_file
    except InvalidError as error:
        text = str(error)
        public = _options.public_url(source.url)
        if public != source.url:
            text = f'invalid store url "{public}": {text.rpartition(chr(34) + ": ")[2]}'
        if absent := _values.absent(options):
            text += f" (given as None: {', '.join(absent)})"
        return error if text == str(error) else InvalidError(text)
    if not is_file:
        return None
    location = native.location
    return ObstructedError(
        f"store: {location} is a file, but a store is a directory; open an archive as '{location}|zip:'")


def opened(source: Source, *, again: bool = False) -> tuple[NativeStore, Source]:
    """Opens a source as `_opened` does. A strict store shares the client of the tolerant store."""
    native, found = _opened(source, again)
    return native.strict() if source.strictness == "strict" else native, found


def _opened(source: Source, again: bool) -> tuple[NativeStore, Source]:
    """Returns the native store of a source, and the source with which to open it again.

    Equal sources share one native store. An error in the source raises when the store
    is first used. `again` states that the source was opened before: an archive then keeps its
    directory, which is read once.
    """
    memory = _options.split_memory(source.url) if source.called is None else None
    if memory is None:
        return shared(source, again=again), source
    if source.options:
        raise InvalidError(f"a store in memory has no options, got {source.options[0][0]}")
    if source.credential_provider is not None:
        raise InvalidError("a store in memory has no credentials, got credential_provider")
    name, prefix = memory
    if source.memory is not None:
        return NativeStore.memory_again(*source.memory, prefix, settings=source), source
    native = NativeStore.memory(name or None, prefix, settings=source)
    identity = native.memory_name
    assert identity is not None
    url = f"memory://{identity[0]}" + (f"/{prefix}" if prefix else "")
    return native, source._replace(url=url, memory=identity)


def unpickled(source: tuple[Any, ...], read_only: bool) -> Place:
    """Returns the place for a pickled source, without opening the store.

    Opening may fail, and would fail in the loader of a worker.
    """
    native, found = opened(with_objects(Source(*source)), again=True)
    return Place(native, found, read_only)
