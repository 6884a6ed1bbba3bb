"""The examples of `docs/python-store.md`."""

import doctest
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_examples_of_the_store() -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, tried = doctest.testfile(str(DOCS / "python-store.md"), module_relative=False, optionflags=flags)
    assert tried > 15 and not failed
