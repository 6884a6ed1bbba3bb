"""Codecs as classes, so that type checkers check configurations. Defaults are zarr-python's.

Wherever a codec is expected, its name, its JSON object as in metadata, and codecs of zarr-python
are accepted too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal

__all__ = [
    "Blosc",
    "BloscCodec",
    "Bytes",
    "BytesCodec",
    "Codec",
    "Crc32c",
    "Crc32cCodec",
    "Gzip",
    "GzipCodec",
    "Other",
    "Sharding",
    "ShardingCodec",
    "Transpose",
    "TransposeCodec",
    "VLenBytesCodec",
    "VLenUTF8Codec",
    "VlenBytes",
    "VlenUtf8",
    "Zstd",
    "ZstdCodec",
    "from_dict",
    "split",
]


@dataclass(frozen=True, slots=True)
class Codec:
    """A codec and its configuration. A member that is `None` has its default value."""

    __module__ = "zarr_py.codecs"

    name: ClassVar[str] = ""

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON object of the codec, as in metadata."""
        members = {member.name: _json(getattr(self, member.name), member.name) for member in fields(self)}
        configuration = {name: value for name, value in members.items() if value is not None}
        return {"name": self.name, "configuration": configuration} if configuration else {"name": self.name}


@dataclass(frozen=True, slots=True)
class Bytes(Codec):
    """Serializes elements as they are in memory, in this byte order."""

    name: ClassVar[str] = "bytes"
    endian: Literal["little", "big"] | None = None


@dataclass(frozen=True, slots=True)
class VlenUtf8(Codec):
    """Serializes variable-length strings."""

    name: ClassVar[str] = "vlen-utf8"


@dataclass(frozen=True, slots=True)
class VlenBytes(Codec):
    """Serializes variable-length byte strings."""

    name: ClassVar[str] = "vlen-bytes"


@dataclass(frozen=True, slots=True)
class Transpose(Codec):
    """Permutes the dimensions of a chunk."""

    name: ClassVar[str] = "transpose"
    order: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Zstd(Codec):
    """Compresses with Zstandard, at level -131072 to 22."""

    name: ClassVar[str] = "zstd"
    level: int | None = None
    checksum: bool | None = None


@dataclass(frozen=True, slots=True)
class Gzip(Codec):
    """Compresses with gzip, at level 0 to 9."""

    name: ClassVar[str] = "gzip"
    level: int | None = None


@dataclass(frozen=True, slots=True)
class Blosc(Codec):
    """Compresses with Blosc. By default, `typesize` and `shuffle` depend on the data type."""

    name: ClassVar[str] = "blosc"
    cname: Literal["blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"] | None = None
    clevel: int | None = None
    shuffle: Literal["noshuffle", "shuffle", "bitshuffle"] | None = None
    typesize: int | None = None
    blocksize: int | None = None


@dataclass(frozen=True, slots=True)
class Crc32c(Codec):
    """Appends a CRC32C checksum to the bytes."""

    name: ClassVar[str] = "crc32c"


@dataclass(frozen=True, slots=True)
class Sharding(Codec):
    """Stores inner chunks and the shard index in one object."""

    name: ClassVar[str] = "sharding_indexed"
    chunk_shape: Sequence[int] = ()
    codecs: "Sequence[Codec | str | Mapping[str, Any]]" = (Bytes("little"), Zstd(0, False))
    index_codecs: "Sequence[Codec | str | Mapping[str, Any]]" = (Bytes("little"), Crc32c())
    index_location: Literal["start", "end"] | None = None


@dataclass(frozen=True, slots=True)
class Other(Codec):
    """A codec without a class in this module, given as its JSON object."""

    extension: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON object of the codec, as in metadata."""
        return dict(self.extension)


# Aliases with the class names of zarr-python.
BloscCodec = Blosc
BytesCodec = Bytes
Crc32cCodec = Crc32c
GzipCodec = Gzip
ShardingCodec = Sharding
TransposeCodec = Transpose
VLenBytesCodec = VlenBytes
VLenUTF8Codec = VlenUtf8
ZstdCodec = Zstd


def _json(value: Any, member: str) -> Any:
    if member in ("codecs", "index_codecs"):
        return [codec.to_dict() if isinstance(codec, Codec) else codec for codec in value]
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


_CLASSES: dict[str, type[Codec]] = {
    kind.name: kind for kind in (Bytes, VlenUtf8, VlenBytes, Transpose, Zstd, Gzip, Blosc, Crc32c, Sharding)
}

_TO_BYTES = frozenset(
    "bytes n5_default optional zarrs.optional packbits sharding_indexed vlen-bytes vlen-utf8 vlen-array zfp "
    "numcodecs.pcodec numcodecs.zfpy".split()
)
"""Codecs that turn elements into bytes."""


def from_dict(extension: Mapping[str, Any] | str) -> Codec:
    """Returns the codec for a JSON object as in metadata."""
    if isinstance(extension, str):
        extension = {"name": extension}
    kind = _CLASSES.get(extension.get("name", ""))
    configuration = extension.get("configuration") or {}
    known = {member.name for member in fields(kind)} if kind is not None else set()
    if kind is None or not known.issuperset(configuration) or not {"name", "configuration"}.issuperset(extension):
        return Other(extension)
    if kind is Sharding:
        chains = {name: tuple(map(from_dict, configuration[name])) for name in ("codecs", "index_codecs") if name in configuration}
        configuration = {**configuration, **chains}
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in configuration.items()})


def split(chain: Iterable[Mapping[str, Any] | str]) -> tuple[tuple[Codec, ...], Codec | None, tuple[Codec, ...]]:
    """Splits a codec chain of a metadata document into filters, serializer and compressors.

    Splits the codec chain of the inner chunks if the array is sharded.
    """
    codecs = [from_dict(extension) for extension in chain]
    at = next((number for number, codec in enumerate(codecs) if codec.to_dict()["name"] in _TO_BYTES), None)
    if at is None:
        return (), None, tuple(codecs)
    inner = codecs[at]
    if isinstance(inner, Sharding):
        return split(codec if isinstance(codec, Mapping | str) else codec.to_dict() for codec in inner.codecs)
    return tuple(codecs[:at]), inner, tuple(codecs[at + 1 :])
