"""The page of names covers each name of zarr-python, its examples run, and the names that it
mentions exist.
"""

import doctest
import re
from pathlib import Path

import pytest
import zarr
import zarr_py

PAGE = Path(__file__).parents[2] / "docs" / "python-names.md"
pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the page is not a part of the sdist")


def section(name: str) -> list[tuple[str, str]]:
    text = PAGE.read_text().split(f"## {name}\n")[1].split("\n## ")[0]
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return [(row[0], row[1]) for row in rows]


@pytest.mark.parametrize(("name", "theirs", "ours"), [
    ("Arrays: zarr-python", zarr.Array, zarr_py.Array), ("Groups: zarr-python", zarr.Group, zarr_py.Group)])
def test_each_name_has_a_row(name: str, theirs: type, ours: type) -> None:
    rows = section(name)
    named = {found for row, _ in rows for found in re.findall(r"`(\w+)`", row)}
    assert {found for found in dir(theirs) if not found.startswith("_")} == named
    same = re.findall(r"`(\w+)`", rows[0][0])
    assert len(same) > 15 and all(hasattr(ours, found) for found in same)


@pytest.mark.parametrize(("owner", "theirs"), [("Array", zarr.Array), ("Group", zarr.Group)])
def test_missing_names_say_what_to_write(owner: str, theirs: type) -> None:
    from zarr_py import _elsewhere

    group = zarr_py.create_group("memory:")
    node = group if owner == "Group" else group.create_array("a", data=[1, 2])
    table = _elsewhere._TABLES[owner]
    for name, advice in table.items():
        with pytest.raises(AttributeError, match=re.escape(f"{owner!r} object has no attribute {name!r}; write {advice}")):
            getattr(node, name)
        first = re.match(r"(?:array\.)?(\w+)", advice)
        assert advice.startswith(("nothing", "array[")) or (first is not None and hasattr(node, first[1])), advice
    advised = {name for name in dir(theirs) if name.startswith(("get_", "set_"))} - set(dir(type(node)))
    assert advised <= set(table)
    with pytest.raises(AttributeError, match=f"{owner!r} object has no attribute 'nonsense'$"):
        node.nonsense  # type: ignore[union-attr]
    with pytest.raises(AttributeError, match=r"has no attribute 'zeros'; write zarr_py\.create_array"):
        zarr_py.zeros  # type: ignore[attr-defined]
    assert not hasattr(zarr_py, "nonsense") and not hasattr(node, "_nonsense")


def test_a_mode_in_place_of_the_path_is_noticed(tmp_path: Path) -> None:
    zarr_py.create_array(tmp_path, data=[1, 2])
    with pytest.raises(FileNotFoundError, match="write mode='r'"):
        zarr_py.open(tmp_path, "r")
    with pytest.raises(FileExistsError, match="overwrite=True replaces it"):
        zarr_py.create_array(tmp_path, data=[3])


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 5 and failed == 0
