"""Type checkers know the keyword arguments: a typo is an error."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

USES = Path(__file__).parent / "typed_uses.py"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Copies the uses away from the tests folder, whose modules are unrelated."""
    (tmp_path / "uses.py").write_text(USES.read_text())
    return tmp_path


def test_right_uses_are_right_and_typos_are_errors(folder: Path) -> None:
    pytest.importorskip("mypy")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", "--cache-dir", str(folder), "uses.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr


def test_pyright_finds_the_typos_and_nothing_else(folder: Path) -> None:
    pytest.importorskip("pyright")
    if shutil.which("node") is None:
        pytest.skip("pyright runs in Node.js")
    # Ignores the comments that suppress these errors for mypy.
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "strict", "enableTypeIgnoreComments": False}))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson", "uses.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=110)
    found = json.loads(done.stdout[done.stdout.index("{") :])["generalDiagnostics"]
    typos = {number for number, line in enumerate(USES.read_text().splitlines()) if "# type: ignore" in line}
    assert {error["range"]["start"]["line"] for error in found if error["severity"] == "error"} == typos, done.stdout
