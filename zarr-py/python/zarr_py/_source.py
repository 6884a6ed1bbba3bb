"""Where stores are: what callers give for one, what finds it again, and the one client that equal places of a process share."""

import os
import sys
import threading
import uuid
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from datetime import timedelta
from math import isfinite
from typing import Any, NamedTuple, Protocol
from weakref import WeakValueDictionary

from zarr_py import _checks, _native, _obstore, _option_names, _options, config
from zarr_py._native import NativeStore
from zarr_py.errors import ArgumentError, InvalidError

__all__ = ["HasNative", "Place", "Source", "StoreLike", "of", "opened", "shared", "source_of", "unpickled"]


class HasNative(Protocol):
    """A `zarr_py.Store`, which is not imported here: it needs zarr-python."""

    _native: NativeStore


StoreLike = str | os.PathLike[str] | HasNative | Any
"""A URL, a path, a `zarr_py.Store`, a store of obstore or zarr-python, or any object with the methods of obspec."""

_KEPT = 32
"""Remote stores that are kept after their last user, for the next."""

_BACKOFF = ("init_backoff", "max_backoff", "base")
_VALUES = (str, bool, int, float, timedelta, os.PathLike, type(None))

_FLAGS = {"missing_on_403": "missing_on_forbidden", "single_writer": "single_writer"}
"""Options of a store that is called, and how they are called."""


class Source(NamedTuple):
    """What a store was made of, and can be made of again."""

    url: str
    """A path, a URL, or `memory://<name>`; empty for a store that is called."""
    options: _options.Options = ()
    credential_provider: Any = None
    called: Any = None
    """A store of Python that is called for every request."""
    memory: tuple[str, int] | None = None
    """The name and identity of a store in memory."""
    max_concurrency: int | None = None
    cache_bytes: int = 0
    pickle_secrets: bool = False
    strictness: _option_names.Strictness = "tolerant"
    token: str | None = None
    """What a pickle calls its objects of Python, so that those who unpickle it several times share one client."""

    def __repr__(self) -> str:
        shown = zip(self._fields, self.public(), strict=True)
        return f"Source({', '.join(f'{name}={value!r}' for name, value in shown)})"

    def public(self) -> "Source":
        """The same without secrets."""
        url = _options.public_url(self.url) if self.memory is None else self.url
        return self._replace(url=url, options=_options.public_options(self.options, url != self.url))

    def pickled(self) -> "Source":
        """What a pickle holds: no secrets unless they are wanted, which are then found where it is opened.

        Raises `TypeError` for a store that is called, which may hold some.
        """
        if self.pickle_secrets:
            return self._replace(token=_token(self))
        if self.called is not None:
            kind = type(self.called)
            raise TypeError(
                f"a store that calls {kind.__module__}.{kind.__qualname__}, which may hold secrets, is not pickled; "
                "make it with pickle_secrets=True to pickle it")
        return self.public()._replace(token=_token(self))

    def is_remote(self) -> bool:
        """Whether this is the URL of a network."""
        return self.called is None and self.memory is None and "://" in self.url and not self.url.startswith("file:")

    def make(self) -> NativeStore:
        """A new native store. What is wrong with the source raises where the store is first used."""
        limits: dict[str, Any] = {"max_concurrency": self.max_concurrency, "cache_bytes": self.cache_bytes}
        if self.called is None:
            options = list(self.options)
            return NativeStore(self.url, options, credential_provider=self.credential_provider, **limits)
        from zarr_py import _called

        flags = {_FLAGS[name]: value == "true" for name, value in self.options}
        kind = type(self.called)
        name = f"{kind.__module__}.{kind.__qualname__}"
        return NativeStore.called(_called.Calls(self.called), name, **flags, **limits)


class Place(NamedTuple):
    """A store that is open, and what it was opened from."""

    native: NativeStore
    origin: Source
    read_only: bool


def of(
    store: StoreLike, options: Mapping[str, Any], read_only: bool, function: str, known: Collection[str] = ()
) -> Place:
    """The place that a caller means.

    `function` and `known` are the caller and its own keywords, for messages.

    Raises `TypeError` for what is no store, for options of a store that is open already, and for unknown options.
    """
    ours = getattr(store, "_origin", None)
    native = getattr(store, "_native", None)
    if isinstance(ours, Source) and isinstance(native, NativeStore):
        options = dict(options)
        strictness = _strictness(options.pop("strictness", ours.strictness))
        for name in options:
            if name not in _option_names.StoreOptions.__annotations__:
                raise _checks.unknown(function, name, known)
            raise TypeError(f"{function}: {name!r} is an option of a store, and this store is open already")
        if strictness != ours.strictness:
            native, ours = opened(ours._replace(strictness=strictness), again=True)
        return Place(native, ours, read_only or bool(getattr(store, "read_only", False)))
    native, source = opened(source_of(store, options, function, known))
    _ = native.location
    return Place(native, source, read_only or _is_read_only(store))


def source_of(store: Any, options: Mapping[str, Any], function: str, known: Collection[str] = ()) -> Source:
    """What a store is made of, from a caller's arguments, all of which are checked."""
    given = dict(options)
    parts = [_checks.mapping(given.pop(name, None), name) for name in ("config", "client_options", "retry_config")]
    provider = given.pop("credential_provider", None)
    if provider is not None and not callable(provider):
        raise TypeError(f"credential_provider: expected a function, got {provider!r}")
    most = given.pop("max_concurrency", None)
    most = config.max_concurrency() if most is None else most
    cache = given.pop("cache_bytes", None)
    limits: dict[str, Any] = {
        "max_concurrency": None if most is None else _checks.count(most, "max_concurrency", 1),
        "cache_bytes": config.cache_bytes() if cache is None else _checks.count(cache, "cache_bytes", 0),
        "pickle_secrets": _checks.flag(given.pop("pickle_secrets", False), "pickle_secrets"),
        "strictness": _strictness(given.pop("strictness", "tolerant")),
    }
    for flag, option in (("missing_on_forbidden", "missing_on_403"), ("single_writer", "single_writer")):
        if _checks.flag(given.pop(flag, False), flag):
            given[option] = True
    described = _described(store)
    retries = [name for name in parts[2] if name != "backoff"]
    _check_names(described.url, [*parts[0], *parts[1], *retries, *given], function, known)
    for part in (*parts, given):
        _check_values(part, function)
    merged = _options.merge(parts[0], parts[1], parts[2], given)
    if described.called is not None:
        if provider is not None or any(name not in _FLAGS for name, _ in merged):
            raise TypeError(f"{function}: options are for a URL; {type(store).__name__} has its own")
    merged = tuple(sorted({**dict(described.options), **dict(merged)}.items()))
    provider = described.credential_provider if provider is None else provider
    return described._replace(options=merged, credential_provider=provider, **limits)


def _strictness(value: Any) -> _option_names.Strictness:
    if value not in ("tolerant", "strict"):
        raise InvalidError(f"strictness: expected 'tolerant' or 'strict', got {value!r}")
    return value  # type: ignore[no-any-return]


def _check_names(url: str, names: Iterable[str], function: str, known: Collection[str]) -> None:
    """Refuses options that the store at a URL does not have, whatever their values. What the tables here do not know, the
    engine may."""
    legal = _option_names.names(url)
    for name in names:
        if name.lower() in legal or name.lower() in (*_FLAGS, "default_headers"):
            continue
        if _is_remote(url) and _engine_knows(url, name):
            continue
        place = f' for "{_options.public_url(url)}"' if url else ""
        if not _is_remote(url) and name.lower() in _option_names.BackendOptions.__annotations__:
            raise ArgumentError(f"{function}: unknown option \"{name}\"{place}; a store of this kind has no options")
        raise _checks.unknown(function, name, {*legal, *known}, kind="option", of=place)


def _check_values(values: Mapping[str, Any], function: str) -> None:
    """Refuses values that are no text, number, boolean or time, and so would only become some text."""
    for name, value in values.items():
        if name == "backoff":
            backoff = _checks.mapping(value, name)
            for option in backoff:
                if option not in _BACKOFF:
                    raise _checks.unknown(function, option, _BACKOFF, kind="option", of=" of backoff")
            _check_values(backoff, function)
        elif isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{function}: option {name}: expected a number, got {value}")
        elif not isinstance(value, _VALUES) and not hasattr(value, "__index__") and name.lower() != "default_headers":
            raise TypeError(f"{function}: option {name}: expected a text, a number, a boolean or a time, got {value!r}")


def _engine_knows(url: str, name: str) -> bool:
    try:
        _ = NativeStore(url, [(name.lower(), "")]).location
    except InvalidError as error:
        return "unknown option" not in str(error)
    return True


def _is_remote(url: str) -> bool:
    return Source(url).is_remote()


def _described(store: Any) -> Source:
    """What the first argument of a caller stands for."""
    if isinstance(store, os.PathLike):
        store = os.fspath(store)
    if isinstance(store, str):
        if not store:
            raise InvalidError("store: got an empty text; the current directory is '.'")
        # So that a pickle means the same directory elsewhere.
        return Source(os.path.abspath(store) if _native.is_path(store) else _options.guarded(store))
    if isinstance(store, bytes | None):
        raise TypeError(f"store: expected a URL, a path or a store, got {type(store).__name__}")
    # Who has such a store has imported its module.
    zarrs = sys.modules.get("zarr.storage")
    if zarrs is not None:
        if type(store) is zarrs.LocalStore:
            return Source(os.path.abspath(store.root))
        if type(store) is zarrs.ObjectStore:
            store = store.store
        elif isinstance(store, zarrs.StorePath):
            raise TypeError("store: got a StorePath; give its store, and its path as the second argument")
        elif type(store).__module__.startswith("zarr."):
            raise TypeError(
                f"store: {type(store).__name__} of zarr-python has no native access; give the URL or path of the place")
    found = _obstore.describe(store)
    if found is not None:
        return Source(found.url, found.options, found.credential_provider)
    return Source("", called=store)


def _is_read_only(store: Any) -> bool:
    return type(store).__module__.startswith("zarr.") and bool(store.read_only)


def opened(source: Source, *, again: bool = False) -> tuple[NativeStore, Source]:
    """`_opened`, and strict if it is to be: with the client of the other."""
    native, found = _opened(source, again)
    return native.strict() if source.strictness == "strict" else native, found


def _opened(source: Source, again: bool) -> tuple[NativeStore, Source]:
    """The native store of a source, one for equal ones where it has a client, and what finds it again. What is wrong with the
    source raises where the store is first used.

    `again`: the source was opened before, and is to be what it was then: an archive, whose directory is read once.
    """
    memory = _options.split_memory(source.url) if source.called is None else None
    if memory is None:
        is_shared = source.called is not None or source.is_remote()
        return shared(source, again=again) if is_shared else source.make(), source
    if source.options:
        raise InvalidError(f"a store in memory has no options, got {source.options[0][0]}")
    if source.credential_provider is not None:
        raise InvalidError("a store in memory has no credentials, got credential_provider")
    name, prefix = memory
    if source.memory is not None:
        return NativeStore.memory_again(*source.memory, prefix, cache_bytes=source.cache_bytes), source
    native = NativeStore.memory(name or None, prefix, cache_bytes=source.cache_bytes)
    identity = native.memory_name
    assert identity is not None
    url = f"memory://{identity[0]}" + (f"/{prefix}" if prefix else "")
    return native, source._replace(url=url, memory=identity)


def unpickled(source: tuple[Any, ...], read_only: bool) -> Place:
    """The place of what a pickle holds. It is not opened: that may fail, and would do so in the loader of a worker."""
    native, found = opened(_with_objects(Source(*source)), again=True)
    return Place(native, found, read_only)


_objects: OrderedDict[str, tuple[Any, Any]] = OrderedDict()
"""Functions and stores of Python that were pickled or unpickled last, by their tokens."""


def _token(source: Source) -> str | None:
    """The name of a source's objects in pickles; `None` where it has none."""
    mine = source.credential_provider, source.called
    if mine == (None, None):
        return None
    with _lock:
        for token, found in _objects.items():
            if found[0] is mine[0] and found[1] is mine[1]:
                return token
        token = uuid.uuid4().hex
        _remember(token, mine)
        return token


def _with_objects(source: Source) -> Source:
    """A source out of a pickle, with the objects that those before it had."""
    if source.token is None:
        return source
    with _lock:
        found = _objects.get(source.token) or (source.credential_provider, source.called)
        _remember(source.token, found)
    return source._replace(credential_provider=found[0], called=found[1])


def _remember(token: str, objects: tuple[Any, Any]) -> None:
    _objects[token] = objects
    _objects.move_to_end(token)
    if len(_objects) > _KEPT:
        _objects.popitem(last=False)


# One client for equal places.

_stores: WeakValueDictionary[tuple[Any, ...], NativeStore] = WeakValueDictionary()
_recent: OrderedDict[tuple[Any, ...], NativeStore] = OrderedDict()
"""Remote stores that were opened last: a client, its connections and what it learned of the server outlive their user."""
_lock = threading.RLock()


def shared(source: Source, *, again: bool = True) -> NativeStore:
    """The native store of a source, one for equal ones."""
    key = _key(source)
    is_archive = "|" in source.url
    with _lock:
        if is_archive and not again:
            _stores.pop(key, None)
        found = _stores.get(key)
    if found is None:
        made = source.make()
        with _lock:
            found = _stores.setdefault(key, made)
    if source.is_remote() and not source.cache_bytes and not is_archive:
        with _lock:
            _recent[key] = found
            _recent.move_to_end(key)
            if len(_recent) > _KEPT:
                _recent.popitem(last=False)
    return found


def _key(source: Source) -> tuple[Any, ...]:
    """What makes two sources the same client. Functions and stores that are called are the same only as objects; the client keeps
    them, so that no other object has their number."""
    provider, called = source.credential_provider, source.called
    numbers = (provider and id(provider), None if called is None else id(called))
    url = source.url
    if not source.is_remote():
        environment: tuple[Any, ...] = ()
    else:
        environment = _environment()
        url = url if "?" in url or "|" in url else url.rstrip("/")
    return (url, source.options, source.memory, source.max_concurrency, source.cache_bytes, *numbers, environment)


_FILES = ("~/.aws/config", "~/.aws/credentials", "~/.config/gcloud/application_default_credentials.json")


def _environment() -> tuple[Any, ...]:
    """Where a client finds settings and credentials when it is made: with others, it is another client."""
    wanted = ("AWS_", "AZURE_", "GOOGLE_", "IDENTITY_", "MSI_")
    found = [(name, value) for name, value in os.environ.items() if name.startswith(wanted) or name.lower().endswith("_proxy")]
    named = [value for name, value in found if name.endswith(("_FILE", "_CREDENTIALS"))]
    return (*sorted(found), *(_stamp(path) for path in (*_FILES, *named)))


def _stamp(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(os.path.expanduser(path))
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
