"""The groups that `to_zarr` writes to: opened, created, replaced, consolidated."""

import json
from collections.abc import Mapping
from typing import Any

from zarr_py import _native, _source
from zarr_py._given import covered
from zarr_py._group import Group
from zarr_py.errors import AlreadyExistsError, NotFoundError

__all__ = ["blank", "consolidate", "opened", "place_of"]


def place_of(store: Any, group: str | None, options: Mapping[str, Any]) -> tuple[_source.Place, str]:
    """Returns the place of a store argument, and the path of the group in it."""
    if isinstance(store, Group):
        return store._place(), f"{store.path}/{group or ''}".strip("/")
    return _source.of(store, options, None, "to_zarr", ("storage_options",)), (group or "").strip("/")


def opened(place: _source.Place, path: str, mode: str, zarr_format: int | None) -> Group:
    """Opens or creates the group of a data set."""
    if mode in ("a", "a-", "r+"):
        try:
            return _group(place, path)
        except NotFoundError:
            if mode == "r+":
                raise
    if zarr_format == 2 and _make_root_of_zarr_2(place, mode == "w" and not path) and not path:
        return _group(place, path)
    try:
        created: Group = _native.create_group(place, path, "{}", mode == "w")
    except AlreadyExistsError as error:
        if mode not in ("a", "a-"):
            raise AlreadyExistsError(f"{place.origin.public().url}: /{path} exists; mode='w' replaces it, mode='a' adds to it") from error
        # Another writer created the group first.
        return _group(place, path)
    return created


def blank(zarr_format: int | None) -> Group:
    """Returns a new group in memory, to find errors before anything is stored."""
    place = _source.of(covered("memory:"), {}, None, "to_zarr")
    if zarr_format == 2:
        _make_root_of_zarr_2(place, False)
        return _group(place, "")
    group: Group = _native.create_group(place, "", "{}", False)
    return group


def _group(place: _source.Place, path: str) -> Group:
    found: Group = _native.open_node(place, path, "group", use_consolidated=False)
    return found


def consolidate(group: Group, is_new: bool) -> None:
    """Writes the consolidated metadata of the root; each change of an array renews existing ones."""
    root: Group = _native.open_node(group._place(), "", "group")
    if is_new or not root.is_consolidated:
        root.consolidate()


def _make_root_of_zarr_2(place: _source.Place, overwrite: bool) -> bool:
    """Makes the root group of a new hierarchy of Zarr v2, which decides the format of all nodes.

    Returns `False` if the root exists.
    """
    try:
        _native.create_group(place, "", "{}", overwrite)
    except AlreadyExistsError:
        return False
    place.native.set_sync(".zgroup", json.dumps({"zarr_format": 2}).encode())
    place.native.delete_sync("zarr.json")
    return True
