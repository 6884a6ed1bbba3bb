"""Copies nodes into the other format: equivalent metadata, and elements chunk by chunk."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from zarr_py import _native
from zarr_py._array import Array
from zarr_py._source import Place

if TYPE_CHECKING:
    from zarr_py._group import Group

__all__ = ["Conversion"]

_DIMENSIONS = "_ARRAY_DIMENSIONS"
"""The attribute in which xarray stores dimension names in Zarr v2."""


class Conversion:
    """A node and all nodes below it, converted to a format.

    Raises `UnsupportedError` for metadata that the format cannot express.
    """

    def __init__(self, found: "Array | Group", zarr_format: int) -> None:
        nodes = {"": found}
        if not isinstance(found, Array):
            nodes.update((path, found[path]) for path, _ in found.walk())
        self._nodes = [(path, node, _document(node, zarr_format)) for path, node in nodes.items()]
        for _, node, document in self._nodes:
            if zarr_format == 2:
                _native.check_zarr_2(node.path, document)

    def write(self, target: Place, path: str) -> Iterator[tuple[int, int]]:
        """Creates the nodes at a path and copies the elements of each chunk.

        Yields the number of chunks copied so far and the total.
        """
        created: list[tuple[Array, Any]] = []
        for below, node, document in self._nodes:
            new = _native.create_like(target, f"{path}/{below}".rstrip("/"), document)
            if isinstance(node, Array):
                created.append((node, new))
        stored = [(node, new, list(node._stored_chunks())) for node, new in created]
        count, done = sum(len(chunks) for _, _, chunks in stored), 0
        for node, new, chunks in stored:
            for chunk in chunks:
                new[chunk] = node[chunk]
                done += 1
                yield done, count


def _document(node: "Array | Group", zarr_format: int) -> str:
    """Returns the metadata document for a format.

    Dimension names go where the readers of the format expect them.
    """
    document = node.metadata
    document.pop("consolidated_metadata", None)
    if not isinstance(node, Array):
        return json.dumps(document)
    attributes = document.setdefault("attributes", {})
    if zarr_format == 3:
        document["chunk_key_encoding"] = {"name": "default"}
        names = attributes.get(_DIMENSIONS)
        if isinstance(names, list) and len(names) == node.ndim and all(isinstance(name, str) for name in names):
            document["dimension_names"] = attributes.pop(_DIMENSIONS)
        return json.dumps(document)
    document["chunk_key_encoding"] = {"name": "v2"}
    names = document.get("dimension_names") or []
    if all(isinstance(name, str) for name in names):
        document.pop("dimension_names", None)
        attributes.update({_DIMENSIONS: names} if names else {})
    if len(document["codecs"]) == 1 and _name(document["codecs"][0]) == "sharding_indexed":
        inside = document["codecs"][0]["configuration"]
        document["codecs"] = inside["codecs"]
        document["chunk_grid"] = {"name": "regular", "configuration": {"chunk_shape": inside["chunk_shape"]}}
    return json.dumps(document)


def _name(codec: Any) -> Any:
    return codec["name"] if isinstance(codec, dict) else codec
