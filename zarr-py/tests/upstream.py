"""Runs zarr-python's own tests and compares the failures with a list of explained ones.

The tests run with `zarr_py.CodecPipeline` enabled, with `zarr_py.Store` in place of the local and
memory stores, with both, or (in part) with the pipeline over an fsspec memory store or behind a
`WrapperStore`. With `xarray`, runs xarray's own tests of its Zarr backend with the engine `zarr_py`.

    python upstream.py pipeline|store|both|fsspec|wrapper|xarray [--sdist ARCHIVE_OR_FOLDER] [pytest's arguments: modules, -k, -x, ...]

The tests come from the PyPI sdist of the installed zarr. `zarr_py` must be installed too: processes
started by the tests find the pipeline by its entry point. Each line of `upstream-<what>.txt` is a
pattern of test ids, with the reason after a `#`; the other pipeline runs also use the lines of
`upstream-pipeline.txt`, and `both` those of `upstream-store.txt`. The exit status is 1 if an
unlisted test fails or, in a full run, if a line matches no failure.
"""

import argparse
import fnmatch
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

HERE = Path(__file__).parent

MODULES = [
    "test_api.py",
    "test_array.py",
    "test_array_stateful.py",
    "test_buffer.py",
    "test_chunk_grids.py",
    "test_chunk_transform.py",
    "test_codec_pipeline.py",
    "test_codec_pipeline_suite.py",
    "test_codecs",
    "test_config.py",
    "test_dtype",
    "test_experimental",
    "test_fastpath_equivalence.py",
    "test_fused_pipeline.py",
    "test_group.py",
    "test_indexing.py",
    "test_info.py",
    "test_metadata",
    "test_pipeline_parity.py",
    "test_properties.py",
    "test_regression",
    "test_resize.py",
    "test_unified_chunk_grid.py",
    "test_v2.py",
]

XARRAY = [
    "xarray.tests.test_backends::TestNCZarr",
    "xarray.tests.test_backends::TestZarrDirectoryStore",
    "xarray.tests.test_backends::TestZarrRegionAuto",
    "xarray.tests.test_backends::TestZarrWriteEmpty",
    "xarray.tests.test_backends_datatree::TestZarrDatatreeIO",
]
FOREIGN = ["fsspec", "wrapper"]
FOREIGN_MODULES = ["test_codec_pipeline.py", "test_codecs/test_codecs.py", "test_codecs/test_sharding.py", "test_indexing.py", "test_v2.py"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=["pipeline", "store", "both", "xarray", *FOREIGN])
    parser.add_argument("--sdist", type=Path, help="the sdist, or the folder it was unpacked to")
    arguments, rest = parser.parse_known_args()
    named = [argument for argument in rest if argument.partition("::")[0].startswith(("test_", "xarray.tests."))]
    options = [argument for argument in rest if argument not in named]
    modules = FOREIGN_MODULES if arguments.what in FOREIGN else MODULES
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        if arguments.what == "xarray":
            run("xarray", Path(folder), ["--pyargs", *(named or XARRAY)], options, report)
        else:
            source = unpacked(arguments.sdist or downloaded(Path(folder)), Path(folder))
            run(arguments.what, source, [f"tests/{name}" for name in named or modules], options, report)
        failed = list(failures(report))
    lists = {"both": ["pipeline", "store"], **dict.fromkeys(FOREIGN, ["pipeline"])}.get(arguments.what, [])
    others = [line for name in lists for line in patterns(name)]
    return judge(failed, patterns(arguments.what), others, complete=not named)


def downloaded(folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--no-binary=:all:", f"zarr=={version('zarr')}", "--dest", str(folder)]
    subprocess.run(command, check=True)
    return next(folder.glob("zarr-*.tar.gz"))


def unpacked(sdist: Path, folder: Path) -> Path:
    if sdist.is_dir():
        return sdist
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return folder / sdist.name.removesuffix(".tar.gz")


def run(what: str, source: Path, tests: list[str], options: list[str], report: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    if what == "xarray":
        command += ["-p", "upstream_xarray"]
    elif what != "store":
        environment["ZARR_CODEC_PIPELINE__PATH"] = "zarr_py.CodecPipeline"
    if what in FOREIGN:
        environment["UPSTREAM_FOREIGN"] = what
        command += ["-p", "upstream_foreign"]
    elif what in ("store", "both"):
        command += ["-p", "upstream_store"]
    # Drops the pytest arguments of the sdist, which require plugins.
    command += ["-o", "addopts=", "-o", f"pythonpath={source}", f"--junitxml={report}", "-o", "junit_family=xunit1"]
    command += [*options, *tests]
    result = subprocess.run(command, cwd=source, env=environment, check=False)
    if result.returncode not in (0, 1):
        sys.exit(f"pytest ended with {result.returncode}")


def failures(report: Path) -> Iterator[str]:
    """Returns the ids of the tests that failed, or whose module failed to import."""
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            module, _, class_ = (case.get("classname") or "").partition(".Test")
            name = f"Test{class_}::{case.get('name')}" if class_ else case.get("name")
            yield f"{module.removeprefix('tests.').replace('.', '/')}.py::{name}"


def patterns(what: str) -> list[str]:
    lines = (HERE / f"upstream-{what}.txt").read_text().splitlines()
    return [line.partition(" #")[0].strip().removeprefix("tests/") for line in lines if not line.startswith("#")]


def judge(failed: list[str], own: list[str], others: list[str], *, complete: bool) -> int:
    failed = [test.removeprefix("tests/") for test in failed]
    # Escapes brackets, which ids contain literally.
    matches = {pattern: fnmatch.filter(failed, pattern.replace("[", "[[]")) for pattern in [*own, *others]}
    explained = {test for tests in matches.values() for test in tests}
    unexplained = [test for test in failed if test not in explained]
    useless = [pattern for pattern in own if complete and not matches[pattern]]
    print(f"{len(failed)} failed, {len(unexplained)} of them unexplained")
    for test in unexplained:
        print(f"unexplained: {test}")
    for pattern in useless:
        print(f"useless line: {pattern}")
    return 1 if unexplained or useless else 0


if __name__ == "__main__":
    sys.exit(main())
