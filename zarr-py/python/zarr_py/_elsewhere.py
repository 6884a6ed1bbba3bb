"""Names of other libraries, and what to write instead: the advice in `AttributeError`.

docs/python-names.md lists all names.
"""

__all__ = ["absent"]

_SELECTIONS = {
    "basic": "array[...], read or write",
    "orthogonal": "array.oindex[...]",
    "coordinate": "array.vindex[...]",
    "mask": "array.vindex[mask] or array[mask]",
    "block": "array.blocks[...]",
}
_NODE = {
    "basename": "name",
    "file": "location and path",
    "flush": "nothing: a write is stored when it returns",
    "store": "location and path",
    "store_path": "location and path",
    "update_attributes": "attrs.update(...), or set_attrs(...) to replace all",
}
_ARRAY = {
    **_NODE,
    **{f"{way}_{kind}_selection": advice for kind, advice in _SELECTIONS.items() for way in ("get", "set")},
    "compression": "compressors",
    "compression_opts": "compressors",
    "compressor": "compressors",
    "fillvalue": "fill_value",
    "itemsize": "dtype.itemsize",
    "maxshape": "nothing: every array can be resized",
    "read_direct": "read_into(...)",
    "write_direct": "write(...)",
}
_NEW = "create_array(path, shape=..., dtype=..., fill_value=...)"
_GROUP = {
    **_NODE,
    **dict.fromkeys(("array", "create", "create_dataset", "empty", "full", "ones", "zeros"), _NEW),
    "get_array": "open_array(path)",
    "get_group": "open_group(path)",
    "info": "tree()",
    "require_dataset": "require_array(...)",
    "visit": "walk()",
    "visititems": "members(max_depth=None)",
}
_MODULE = {
    **dict.fromkeys(("array", "create", "empty", "full", "ones", "zeros"), f"zarr_py.{_NEW.replace('path', 'store, path')}"),
    "consolidate_metadata": "zarr_py.open_group(...).consolidate()",
    "group": "zarr_py.create_group(...), or zarr_py.open_group(..., mode='a')",
    "open_consolidated": "zarr_py.open_group(..., use_consolidated=True)",
    "save_array": "zarr_py.save(store, data)",
    "save_group": "zarr_py.save(store, {name: data})",
    "tree": "zarr_py.open_group(...).tree()",
}
_OBJECTS = {
    "list_with_delimiter": "list_dir(...)",
    "list_with_delimiter_async": "list_dir_async(...)",
    "open_reader": "get_ranges(...)",
    "open_writer": "put(...)",
}
_OBJECT = {"bytes": "bytes(object), or memoryview(object) without a copy", "meta": "size and version"}
_TABLES = {"Array": _ARRAY, "Group": _GROUP, "Object": _OBJECT, "Objects": _OBJECTS, "zarr_py": _MODULE}


def absent(owner: str, name: str) -> AttributeError:
    """Returns the error for an attribute that a class or module of this package does not have."""
    what = f"module {owner!r}" if owner == "zarr_py" else f"{owner!r} object"
    advice = _TABLES[owner].get(name)
    return AttributeError(f"{what} has no attribute {name!r}{f'; write {advice}' if advice else ''}", name=name)
