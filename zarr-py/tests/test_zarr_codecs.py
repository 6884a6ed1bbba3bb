"""Our codecs in zarr-python: found by name, in both pipelines, with identical bytes; and
`zarr_py.use`.
"""

import subprocess
import sys

import numpy as np
import pytest
import zarr
import zarr.registry
import zarr_py
from zarr.core.codec_pipeline import BatchedCodecPipeline

ZSTD = {"name": "zstd", "configuration": {"level": 1, "checksum": False}}
N5 = [{"name": "transpose", "configuration": {"order": [1, 0]}}, {"name": "bytes", "configuration": {"endian": "big"}}]
LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
# The filters, serializer and compressors of an array, and its data type.
CHAINS = {
    "packbits": ([], {"name": "packbits"}, [], "bool"),
    "packbits-uint4": ([], {"name": "packbits", "configuration": {"first_bit": 0, "last_bit": 11}}, [], "uint16"),
    "zfp": ([], {"name": "zfp", "configuration": {"mode": "reversible"}}, [], "float32"),
    "bitround": ([{"name": "bitround", "configuration": {"keepbits": 4}}], LITTLE, [ZSTD], "float64"),
    "reshape": ([{"name": "reshape", "configuration": {"shape": [[0, 1]]}}], LITTLE, [], "int32"),
    "n5_default": ([], {"name": "n5_default", "configuration": {"codecs": N5}}, [], "int16"),
    "n5_default-gzip": ([], {"name": "n5_default", "configuration": {"codecs": [*N5, {"name": "gzip", "configuration": {"level": 5}}]}}, [], "float64"),
    "conditional": ([], LITTLE, [{"name": "conditional", "configuration": {"codecs": [ZSTD]}}], "int64"),
    "conditional-header": ([], LITTLE, [{"name": "conditional", "configuration": {"codecs": ["crc32c", ZSTD], "header_bits": 16}}, "crc32c"], "uint8"),
}


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("pipeline", ["zarr_py.CodecPipeline", "zarr.core.codec_pipeline.BatchedCodecPipeline"])
def test_codecs_that_zarr_python_lacks(name, pipeline, tmp_path) -> None:
    filters, serializer, compressors, dtype = CHAINS[name]
    ours = zarr_py.create_array(
        str(tmp_path), "ours", shape=(10, 9), dtype=dtype, chunks=(4, 4), filters=filters, serializer=serializer, compressors=compressors)
    data = (np.random.default_rng(1).random((10, 9)) * 200).astype(dtype)
    # One chunk that compressors make smaller.
    data[:4, :4] = 1
    ours[...] = data
    with zarr.config.set({"codec_pipeline.path": pipeline}):
        theirs = zarr.open_array(str(tmp_path), path="ours", mode="r+")
        assert np.array_equal(theirs[...], ours[...]) and np.array_equal(theirs[3:7, ::2], ours[3:7, ::2])
        assert zarr_py.explain(theirs).native == (pipeline == "zarr_py.CodecPipeline")
        before = {block: bytes(ours.read_encoded(block)) for block in np.ndindex(3, 3)}
        theirs[...] = data
        assert {block: bytes(ours.read_encoded(block)) for block in np.ndindex(3, 3)} == before
        theirs[0, 0] = data[1, 1]
        assert ours[0, 0] == theirs[0, 0]


def test_each_codec_is_found_by_an_entry_point_and_by_use() -> None:
    from importlib.metadata import entry_points

    from zarr_py._zarr_codecs import CODECS

    named = {point.name: point.load() for point in entry_points(group="zarr.codecs") if point.value.startswith("zarr_py")}
    assert named == {name: codec for codec in CODECS for name in (codec.name, *codec.legacy)}
    for name, codec in named.items():
        document = {"name": name, "configuration": {"a": 1}}
        found = zarr.registry.get_codec_class(name).from_dict(document)
        assert type(found) is codec and found.to_dict() == document
        assert found == codec.from_dict(document) and hash(found) == hash(codec.from_dict(document))


@pytest.mark.parametrize("name", ["zfp", "bitround"])
def test_names_from_before_registration(name, tmp_path) -> None:
    from zarr_py._zarr_codecs import CODECS

    (kind,) = [codec for codec in CODECS if codec.name == name]
    data = np.random.default_rng(1).random((10, 9))
    filters, serializer, compressors, _ = CHAINS[name]
    for number, legacy in enumerate(kind.legacy):
        ours = zarr_py.create_array(tmp_path, str(number), data=data, chunks=(4, 4), filters=filters, serializer=serializer, compressors=compressors)
        document = tmp_path / str(number) / "zarr.json"
        document.write_text(document.read_text().replace(f'"{name}"', f'"{legacy}"'))
        theirs = zarr.open_array(str(tmp_path), path=str(number), mode="r+")
        assert legacy in str(theirs.metadata.to_dict()["codecs"])
        assert np.array_equal(theirs[...], ours[...])
        theirs[...] = data
        assert np.array_equal(zarr_py.open_array(tmp_path, str(number))[...], ours[...])


def test_damaged_chunks_of_conditional_are_refused(tmp_path) -> None:
    from zarr_py._zarr_codecs import Conditional

    codecs = [{"name": "conditional", "configuration": {"codecs": [ZSTD]}}]
    ours = zarr_py.create_array(str(tmp_path), shape=4, dtype="u1", compressors=codecs)
    for damaged in (b"", b"\x02abcd"):
        ours.write_encoded(0, damaged, check=False)
        with zarr.config.set({"codec_pipeline.path": "zarr.core.codec_pipeline.BatchedCodecPipeline"}), pytest.raises(ValueError, match="conditional"):
            zarr.open_array(str(tmp_path), mode="r")[...]
        with pytest.raises(ValueError, match="conditional"):
            ours[...]
    assert Conditional.is_fixed_size is False


def test_use_is_for_a_time_or_for_good() -> None:
    before = zarr.config.get("codec_pipeline.path")
    with zarr_py.use(async__concurrency=7):
        assert zarr.config.get("codec_pipeline.path") == "zarr_py.CodecPipeline" and zarr.config.get("async.concurrency") == 7
        assert zarr_py.explain(zarr.zeros((4,), store={})).native
    assert zarr.config.get("codec_pipeline.path") == before and zarr.config.get("async.concurrency") != 7
    assert zarr.registry.get_pipeline_class() is BatchedCodecPipeline


def test_use_keeps_codecs_of_others() -> None:
    text = """
import zarr.registry
from zarr.codecs import BytesCodec
class Mine(BytesCodec): pass
zarr.registry.register_codec("zfp", Mine)
import zarr_py
zarr_py.use()
registry = zarr.registry._codec_registries["zfp"]
assert list(registry.values()) == [Mine], registry
"""
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)


@pytest.mark.parametrize("name", ["Store()", "CodecPipeline", "use()"])
def test_without_zarr_python_it_is_said_what_to_install(name) -> None:
    text = f"""
import sys
sys.modules["zarr"] = None
import zarr_py
array = zarr_py.create_array("memory:", data=[1, 2])
assert array[1] == 2
try:
    zarr_py.{name}
except ModuleNotFoundError as error:
    assert "pip install 'zarr_py[zarr]'" in str(error), error
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60)
