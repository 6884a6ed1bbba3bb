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


def test_examples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 5 and failed == 0
