"""Extensions of zarr-python, xarray and others beyond the specification are read, kept to the
letter, and refused by `strictness="strict"`; Zarr v2 nodes are read, changed and created like
zarr-python's.
"""

import asyncio
import http.server
import json
import math
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr

import zarr_py
from zarr_py.errors import InvalidError, UnsupportedError

pytestmark = pytest.mark.filterwarnings("ignore")

UNNAMED = "__xarray_dataarray_variable__"


def dataset() -> xr.Dataset:
    """Mimics climate data: NaN and infinities among the attributes."""
    attributes = {
        "missing_value": np.float32("nan"),
        "valid_range": [0.0, float("inf")],
        "low": -math.inf,
        "nested": {"deep": [math.nan, {"deeper": -math.inf}]},
        "text": "NaN, Infinity",
        "name": "NaN",
    }
    values = np.array([1, np.nan, 3], "f4")
    return xr.Dataset({"t": ("x", values, attributes)}, coords={"x": [10.0, 20.0, 30.0]}, attrs={"bound": math.inf})


def same(a: object, b: object) -> bool:
    """Compares with NaN equal to itself."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b or (isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b))


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("consolidated", [True, False])
@pytest.mark.parametrize("zarr_format", [2, 3])
def test_attributes_of_xarray_are_those_of_zarr_python(tmp_path: Path, zarr_format: int, consolidated: bool) -> None:
    dataset().to_zarr(tmp_path, zarr_format=zarr_format, consolidated=consolidated)
    peer = zarr.open_group(tmp_path, mode="r")
    group = zarr_py.open_group(tmp_path)
    assert sorted(group.keys()) == ["t", "x"]
    assert same(dict(group.attrs), dict(peer.attrs))
    for array in (group["t"], zarr_py.open_array(tmp_path, "t"), pickle.loads(pickle.dumps(group))["t"]):
        assert same(dict(array.attrs), dict(peer["t"].attrs))
        np.testing.assert_array_equal(array[:], [1, np.nan, 3])
    assert math.isnan(group["t"].attrs["missing_value"]) and group["t"].attrs["valid_range"][1] == math.inf
    with pytest.raises(InvalidError, match="invalid JSON"):
        zarr_py.open_array(tmp_path, "t", strictness="strict")


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_rewriting_keeps_what_others_wrote(tmp_path: Path, zarr_format: int) -> None:
    dataset().to_zarr(tmp_path, zarr_format=zarr_format)
    group = zarr_py.open_group(tmp_path)
    before = dict(group["t"].attrs)
    group["t"].attrs["added"] = 1
    group["t"].resize((5,))
    group.attrs["more"] = "x"
    for peer in (zarr.open_group(tmp_path, mode="r"), zarr.open_group(tmp_path, mode="r", use_consolidated=False)):
        assert peer["t"].shape == (5,)
        assert same(dict(peer["t"].attrs), {**before, "added": 1})
        assert dict(peer.attrs) == {"bound": math.inf, "more": "x"}
    group["t"].resize((3,))
    read = xr.open_zarr(tmp_path, consolidated=True)
    assert read.t.attrs["text"] == "NaN, Infinity" and read.t.attrs["added"] == 1


def test_writing_is_strict(tmp_path: Path) -> None:
    group = zarr_py.create_group(tmp_path)
    for call in (
        lambda: group.attrs.update({"a": math.nan}),
        lambda: group.create_array("a", shape=1, dtype="f4", attributes={"a": math.inf}),
        lambda: zarr_py.create_group(tmp_path, "b", attributes={"a": [math.nan]}),
        lambda: zarr_py.create_array(tmp_path, UNNAMED, shape=1, dtype="i4"),
        lambda: group.create_group("__a", overwrite=True),
    ):
        with pytest.raises(ValueError):
            call()
    assert group.keys() == [] and dict(group.attrs) == {}


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("fill", [math.nan, math.inf, -math.inf])
def test_bare_fill_values(tmp_path: Path, zarr_format: int, fill: float) -> None:
    zarr.create_array(tmp_path, shape=(2,), dtype="f4", fill_value=fill, zarr_format=zarr_format)
    document = tmp_path / ("zarr.json" if zarr_format == 3 else ".zarray")
    word = json.dumps(fill)
    rewrite(document, f'"{word}"', word)
    array = zarr_py.open_array(tmp_path)
    assert same(float(array.fill_value), fill) and same(float(array[0]), fill)
    array.resize((3,))
    assert f'"fill_value": {word}' in document.read_text()
    assert zarr.open_array(tmp_path, mode="r").shape == (3,)
    with pytest.raises(InvalidError, match=document.name):
        zarr_py.open_array(tmp_path, strictness="strict")


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("consolidated", [True, False])
def test_unnamed_arrays_of_xarray(tmp_path: Path, zarr_format: int, consolidated: bool) -> None:
    xr.DataArray(np.arange(4), dims="x").to_zarr(tmp_path, zarr_format=zarr_format, consolidated=consolidated)
    group = zarr_py.open_group(tmp_path)
    assert group.keys() == [UNNAMED] and UNNAMED in group
    np.testing.assert_array_equal(group[UNNAMED][:], np.arange(4))
    np.testing.assert_array_equal(zarr_py.open_array(tmp_path, UNNAMED)[:], np.arange(4))
    group.consolidate()
    assert list(xr.open_zarr(tmp_path, consolidated=True).variables) == [UNNAMED]
    assert [name for name, _ in zarr_py.open_group(tmp_path).walk()] == [UNNAMED]
    with pytest.raises(InvalidError):
        zarr_py.open_array(tmp_path, UNNAMED, strictness="strict")
    if zarr_format == 3:
        with pytest.raises(InvalidError, match="consolidated_metadata"):
            zarr_py.open_group(tmp_path, strictness="strict")
    else:
        assert zarr_py.open_group(tmp_path, use_consolidated=False, strictness="strict").keys() == []
    del group[UNNAMED]
    assert zarr_py.open_group(tmp_path).keys() == []


@pytest.mark.parametrize(
    ("dtype", "spelled"),
    [
        ("bool", "0"),
        ("bool", "1"),
        ("int8", "3.0"),
        ("uint16", "1e2"),
        ("int64", '"-7"'),
        ("int32", "-0.0"),
        ("float32", '"1.5"'),
        ("float64", '"nan"'),
        ("float64", '"inf"'),
        ("complex64", "[NaN, 1]"),
        ("datetime64[s]", "2"),
    ],
)
def test_fill_values_are_read_as_zarr_python_reads_them(tmp_path: Path, dtype: str, spelled: str) -> None:
    zarr.create_array(tmp_path, shape=(2,), dtype=dtype)
    document = json.loads((tmp_path / "zarr.json").read_text())
    document["fill_value"] = "@"
    (tmp_path / "zarr.json").write_text(json.dumps(document).replace('"@"', spelled))
    expected = zarr.open_array(tmp_path, mode="r")
    array = zarr_py.open_array(tmp_path)
    np.testing.assert_array_equal(array[:], expected[:])
    np.testing.assert_array_equal(array.fill_value, expected.fill_value)
    if dtype != "datetime64[s]":
        with pytest.raises(InvalidError):
            zarr_py.open_array(tmp_path, strictness="strict")


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "datetime64[10s]", "timedelta64[D]", "timedelta64[us]"])
def test_times_default_to_not_a_time(tmp_path: Path, dtype: str) -> None:
    array = zarr_py.create_array(tmp_path / "ours", shape=(2,), dtype=dtype)
    theirs = zarr.create_array(tmp_path / "theirs", shape=(2,), dtype=dtype)
    assert np.isnat(array.fill_value) and np.isnat(theirs.fill_value) and np.isnat(array[:]).all()
    assert np.isnat(zarr.open_array(tmp_path / "ours", mode="r")[:]).all()


def test_lone_surrogates_in_strings_of_one_length(tmp_path: Path) -> None:
    values = np.array(["a\ud800", "\udfffb", "\U0001f600"], "U2")
    zarr.create_array(tmp_path, data=values, fill_value="\udc00")
    array = zarr_py.open_array(tmp_path)
    np.testing.assert_array_equal(array[:], values)
    assert array.fill_value == "\udc00"
    array.resize((4,))
    array[0] = "ok"
    np.testing.assert_array_equal(zarr.open_array(tmp_path, mode="r")[:], ["ok", "\udfffb", "\U0001f600", "\udc00"])
    with pytest.raises(InvalidError):
        zarr_py.open_array(tmp_path, strictness="strict")


def test_names_of_drafts(tmp_path: Path) -> None:
    values = np.arange(12, dtype="i4").reshape(3, 4)
    zarr.create_array(tmp_path, data=values, chunks=(2, 3), filters=[zarr.codecs.TransposeCodec(order=(1, 0))])
    document = json.loads((tmp_path / "zarr.json").read_text())
    for codec in document["codecs"]:
        if codec["name"] == "transpose":
            codec["configuration"]["order"] = "F"
        if codec["name"] == "bytes":
            codec["name"] = "endian"
    (tmp_path / "zarr.json").write_text(json.dumps(document))
    np.testing.assert_array_equal(zarr_py.open_array(tmp_path)[:], values)
    with pytest.raises((InvalidError, UnsupportedError)):
        zarr_py.open_array(tmp_path, strictness="strict")


def test_strictness_goes_with_handles(tmp_path: Path) -> None:
    dataset().to_zarr(tmp_path, zarr_format=3, consolidated=False)
    rewrite(tmp_path / "zarr.json", "Infinity", "1")
    for store in (tmp_path, zarr_py.Store(str(tmp_path))):
        group = zarr_py.open_group(store, strictness="strict")
        for opened in (group, pickle.loads(pickle.dumps(group))):
            with pytest.raises(InvalidError):
                opened["t"]
            assert opened["x"].shape == (3,)
        assert zarr_py.open_group(store)["t"].shape == (3,)
    with pytest.raises(ValueError, match="strictness"):
        zarr_py.open_array(tmp_path, "x", strictness="lenient")
    with pytest.raises(InvalidError):
        asyncio.run(zarr_py.open_array_async(tmp_path, "t", strictness="strict"))
    assert asyncio.run(zarr_py.open_group_async(tmp_path, strictness="strict")).path == ""


def test_the_document_at_fault_is_named(tmp_path: Path) -> None:
    dataset().to_zarr(tmp_path, zarr_format=2, consolidated=False)
    (tmp_path / "t" / ".zattrs").write_text('{"a": }')
    with pytest.raises(InvalidError, match=r"t/\.zattrs: invalid JSON"):
        zarr_py.open_array(tmp_path, "t")
    (tmp_path / ".zmetadata").write_text("{")
    with pytest.raises(InvalidError, match=r"\.zmetadata: invalid JSON"):
        zarr_py.open_group(tmp_path)
    assert zarr_py.open_group(tmp_path, use_consolidated=False)["x"].shape == (3,)


class Files(http.server.SimpleHTTPRequestHandler):
    """Serves a folder over HTTP without listings; counts requests."""

    protocol_version = "HTTP/1.1"
    folder = ""
    requested: list[str] = []

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments, directory=self.folder)

    def do_GET(self) -> None:
        self.requested.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        pass

    def list_directory(self, path: object) -> None:
        self.send_error(404)


@pytest.fixture
def web(tmp_path: Path):
    handler = type("Handler", (Files,), {"folder": str(tmp_path), "requested": []})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", handler.requested
    server.shutdown()


def test_consolidated_zarr_2_on_a_web_server(tmp_path: Path, web) -> None:
    url, requested = web
    dataset().to_zarr(tmp_path, group="a/b", zarr_format=2, consolidated=False)
    zarr.consolidate_metadata(tmp_path, zarr_format=2)
    group = zarr_py.open_group(url)
    # The server ignores ranges, so the stored object is read again.
    assert set(requested) == {"/zarr.json", "/.zgroup", "/.zattrs", "/.zmetadata"}
    requested.clear()
    assert group.keys() == ["a"] and group["a"].path == "a"
    assert [path for path, _ in group.walk()] == ["a", "a/b", "a/b/t", "a/b/x"]
    assert group["a/b/x"].shape == (3,)
    assert requested == []
    np.testing.assert_array_equal(group["a/b/x"][:], [10, 20, 30])
    assert same(dict(group["a/b/t"].attrs), dict(zarr.open_array(tmp_path, path="a/b/t", mode="r").attrs))
    assert pickle.loads(pickle.dumps(group)).keys() == ["a"]


@pytest.mark.parametrize("dtype", ["i4", "f8", "bool", "U3", "S2", "datetime64[s]", "complex64"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_zarr_2_are_changed_as_zarr_python_sees_them(tmp_path: Path, dtype: str, order: str) -> None:
    values = np.arange(6).reshape(2, 3).astype(dtype)
    group = zarr.create_group(tmp_path, zarr_format=2)
    group.create_array("a", data=values, chunks=(2, 2), order=order, attributes={"k": 1})
    zarr.consolidate_metadata(tmp_path)
    array = zarr_py.open_group(tmp_path)["a"]
    array.attrs["n"] = [1.5, "x"]
    array.resize((3, 5))
    array[2, 4] = values[1, 1]
    for again in (zarr.open_group(tmp_path, mode="r")["a"], zarr.open_array(tmp_path, path="a", mode="r")):
        assert again.metadata.zarr_format == 2 and again.shape == (3, 5)
        assert dict(again.attrs) == {"k": 1, "n": [1.5, "x"]}
        np.testing.assert_array_equal(again[:2, :3], values)
        assert again[2, 4] == values[1, 1]
    np.testing.assert_array_equal(array[:], zarr.open_array(tmp_path, path="a", mode="r")[:])
    array.resize((1, 2))
    array.resize((2, 3))
    expected = zarr.open_array(tmp_path, path="a", mode="r")
    np.testing.assert_array_equal(array[:], expected[:])
    assert not list(tmp_path.rglob("zarr.json"))


@pytest.mark.skipif(not hasattr(zarr_py.Array, "append"), reason="arrays have no append yet")
def test_append_to_zarr_2(tmp_path: Path) -> None:
    zarr.create_array(tmp_path, name="a", data=np.arange(6).reshape(2, 3), chunks=(2, 2), zarr_format=2)
    array = zarr_py.open_array(tmp_path, "a")
    array.append(np.full((2, 3), 9))
    np.testing.assert_array_equal(zarr.open_array(tmp_path, path="a", mode="r")[:], [[0, 1, 2], [3, 4, 5], [9] * 3, [9] * 3])


@pytest.mark.parametrize(
    "dtype", ["i2", ">f4", "bool", "u1", "complex128", "U4", "S3", "V2", "datetime64[10us]", "timedelta64[D]", str]
)
def test_new_arrays_in_a_group_of_zarr_2_are_of_zarr_2(tmp_path: Path, dtype: object) -> None:
    zarr.create_group(tmp_path, attributes={"k": 1}, zarr_format=2)
    group = zarr_py.open_group(tmp_path)
    array = group.create_array("deep/a", shape=(3, 4), chunks=(2, 3), dtype=dtype, attributes={"n": 2})
    peer = zarr.open_array(tmp_path, path="deep/a", mode="r+")
    assert peer.metadata.zarr_format == 2 and dict(peer.attrs) == {"n": 2} and peer.shape == (3, 4)
    values = np.array(["x" if dtype is str else 1] * 12).reshape(3, 4)
    values = values if dtype is str else (np.full((3, 4), b"ab", "V2") if dtype == "V2" else values.astype(dtype))
    array[:] = values
    np.testing.assert_array_equal(peer[:], values)
    peer[0, 0] = peer[1, 1]
    np.testing.assert_array_equal(array[:], peer[:])
    np.testing.assert_array_equal(group["deep/a"][0, :2], zarr.open_array(tmp_path, path="deep/a", mode="r")[0, :2])
    group.create_group("g", attributes={"x": 1})
    assert sorted(zarr.open_group(tmp_path, mode="r").keys()) == ["deep", "g"]
    assert dict(zarr.open_group(tmp_path, path="g", mode="r").attrs) == {"x": 1}
    assert not list(tmp_path.rglob("zarr.json"))
    group.consolidate()
    assert sorted(zarr.open_consolidated(tmp_path, zarr_format=2).keys()) == ["deep", "g"]


def test_what_zarr_2_cannot_say_is_refused_before_anything_is_deleted(tmp_path: Path) -> None:
    zarr.create_group(tmp_path, zarr_format=2).create_array("a", data=np.arange(3))
    group = zarr_py.open_group(tmp_path)
    for options in ({"dimension_names": ["x"]}, {"shards": 2, "chunks": 1}, {"compressors": ["crc32c"]}):
        with pytest.raises(UnsupportedError, match="Zarr v2"):
            group.create_array("a", shape=2, dtype="i4", overwrite=True, **options)
    np.testing.assert_array_equal(group["a"][:], np.arange(3))
    group.create_array("a", data=np.arange(4), overwrite=True)
    np.testing.assert_array_equal(zarr.open_array(tmp_path, path="a", mode="r")[:], np.arange(4))


@pytest.mark.parametrize("dtype", ["i4", "f4", "bool", "U2", "datetime64[s]"])
def test_chunks_of_null_are_not_stored_as_zarr_python_does(tmp_path: Path, dtype: str) -> None:
    values = np.zeros(6, dtype) if dtype != "datetime64[s]" else np.full(6, "NaT", dtype)
    values[5] = np.array([1]).astype(dtype)[0]
    stored = []
    for name, library in (("theirs", zarr), ("ours", zarr_py)):
        zarr.create_array(tmp_path, name=name, shape=6, chunks=2, dtype=dtype, zarr_format=2)
        document = json.loads((tmp_path / name / ".zarray").read_text())
        (tmp_path / name / ".zarray").write_text(json.dumps({**document, "fill_value": None}))
        if library is zarr:
            zarr.open_array(tmp_path, path=name)[:] = values
        else:
            zarr_py.open_array(tmp_path, name)[:] = values
        stored.append(sorted(file.name for file in (tmp_path / name).iterdir() if file.name.isdigit()))
    assert stored[0] == stored[1] == ["2"]
    np.testing.assert_array_equal(zarr_py.open_array(tmp_path, "ours")[:], zarr.open_array(tmp_path, path="theirs")[:])


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_groups_below_a_consolidated_group_have_what_is_below_them(tmp_path: Path, zarr_format: int) -> None:
    group = zarr.create_group(tmp_path, zarr_format=zarr_format)
    group.create_array("a/b/c", data=np.arange(3))
    group.create_group("e")
    zarr.consolidate_metadata(tmp_path)
    ours = zarr_py.open_group(tmp_path)
    for opened in (ours, pickle.loads(pickle.dumps(ours))):
        assert opened["a"].keys() == ["b"] and opened["a"]["b"].keys() == ["c"] and opened["e"].keys() == []
        assert [path for path, _ in opened["a"].walk()] == ["b", "b/c"]
        np.testing.assert_array_equal(opened["a"]["b/c"][:], np.arange(3))
    pickle.loads(pickle.dumps(ours["a"]))["b"]["c"].resize((5,))
    assert zarr.open_consolidated(tmp_path)["a/b/c"].shape == zarr_py.open_group(tmp_path)["a/b/c"].shape == (5,)
