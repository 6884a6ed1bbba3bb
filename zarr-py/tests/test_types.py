"""Type checkers know the keywords: a typo is an error."""

import subprocess
import sys
from pathlib import Path

import pytest


def test_right_uses_are_right_and_typos_are_errors(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    # Away from this folder, whose modules are no part of it.
    (tmp_path / "uses.py").write_text((Path(__file__).parent / "typed_uses.py").read_text())
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(tmp_path), "uses.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
