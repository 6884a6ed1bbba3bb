"""The API page is generated from the current docstrings and covers every public name."""

import api_page
import pytest
import zarr_py

pytestmark = pytest.mark.skipif(not api_page.PAGE.exists(), reason="the page is not a part of the sdist")


def test_the_page_is_current() -> None:
    assert api_page.PAGE.read_text() == api_page.page(), "make it again: python zarr-py/tests/api_page.py"


def test_the_page_has_every_public_name() -> None:
    page = api_page.PAGE.read_text()
    for name in set(zarr_py.__all__) - {"__version__", "codecs", "config", "errors"}:
        assert f"## `zarr_py.{name}`" in page or f"Also `{name}`." in page, name


@pytest.mark.parametrize("name", ["Array", "Group", "Objects", "Lazy", "Typed", "ShardMap", "Plan"])
def test_everything_public_has_a_docstring(name) -> None:
    kind = getattr(zarr_py, name)
    for member in dir(kind):
        if not member.startswith("_") and getattr(kind, member).__class__.__name__ not in ("member_descriptor",):
            assert getattr(kind, member).__doc__, f"{name}.{member}"
