"""Compares this engine with other implementations of Zarr, and writes docs/benchmarks.*.

    python benches/run.py [--n 512] [--rounds 3] [--only TEXT] [--suite local,python,store,s3,scale,curves]

One command builds the release workers and the release wheel, installs the peers from PyPI into an
environment of its own (target/benches), and measures. Needs Rust, a C compiler and Python 3.12 or
later on Linux. `--only` measures the rows whose suite, case and data contain TEXT, and replaces
only these rows of docs/benchmarks.json: one row takes about a minute.

All implementations read the same files, take turns in each round, and each case runs in new
processes. In a first round, which is not measured, the checksums of all results must be equal.
"""

import argparse
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
PROJECT = HERE.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or HERE / "target")
PYTHON = TARGET / "benches" / "bin" / "python"
PEERS = ["zarr==3.4.2", "zarrs==0.2.3", "zarrista==0.1.0", "tensorstore==0.1.86", "obstore==0.12.1", "s3fs", "numpy", "numcodecs", "maturin>=1.9,<2"]
# No further round of an implementation that takes longer than this in the first, in milliseconds.
PATIENCE = 20_000


def build():
    """Builds the Rust workers and the wheel, and installs it beside the peers."""
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=HERE, check=True)
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", PYTHON.parent.parent], check=True)
    subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS], check=True)
    wheels = TARGET / "benches" / "wheels"
    shutil.rmtree(wheels, ignore_errors=True)
    subprocess.run([PYTHON, "-m", "maturin", "build", "--release", "--quiet", "--out", wheels], cwd=PROJECT / "zarr-py", check=True)
    subprocess.run(
        [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--force-reinstall", "--no-deps", *wheels.glob("*.whl")],
        check=True)


class Worker:
    """A process of one implementation."""

    def __init__(self, name):
        rust = name in ("ours", "zarrs", "bare")
        command = [TARGET / "release" / "zarr-benches", name] if rust else [sys.executable, HERE / "workers.py", name]
        # The requests of a later version of boto3 would need checksums that are no part of reading.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

    def ask(self, request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return {"lacks": "its process ended"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else {"lacks": f"its process ended with {self.process.wait()}"}

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()


class Server:
    """The S3 server of a folder, in a process of its own."""

    MIB_PER_SECOND = 100

    def __init__(self, folder, latency_ms):
        wire = [str(value) for value in (latency_ms, latency_ms / 10, self.MIB_PER_SECOND)]
        self.process = subprocess.Popen([TARGET / "release" / "zarr-benches", "serve", folder, *wire], stdout=subprocess.PIPE, text=True)
        self.endpoint = self.process.stdout.readline().strip()

    def counts(self):
        """Returns the requests and bytes since the last call."""
        with urllib.request.urlopen(f"{self.endpoint}/-/counts") as answer:
            requests, size = answer.read().split()
        return {"requests": int(requests), "bytes": int(size)}

    def close(self):
        self.process.kill()
        self.process.wait()


def forget(path):
    """Drops the files below a path from the page cache."""
    for file in path.rglob("*"):
        if file.is_file():
            with open(file, "rb") as opened:
                os.fsync(opened.fileno())
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Bench:
    """Measures cases in a folder."""

    def __init__(self, folder, n, rounds):
        self.folder, self.n, self.rounds, self.servers = folder, n, rounds, {}

    def prepare(self, case, name):
        """Returns the place that an implementation reads or writes."""
        import data

        path = data.make(self.folder, case.data, self.n) if case.writes != "empty" else None
        if case.writes:
            path = self.folder / "written" / name.replace(", ", "-").replace(" ", "-")
            shutil.rmtree(path, ignore_errors=True)
            if case.writes == "empty":
                data.create_empty(path, case.data, self.n)
            else:
                shutil.copytree(data.make(self.folder, case.data, self.n), path)
        if case.cold:
            forget(path)
        if not case.latency_ms:
            return {"path": str(path), "endpoint": None}
        if case.latency_ms not in self.servers:
            self.servers[case.latency_ms] = Server(self.folder, case.latency_ms)
        return {"path": str(path.relative_to(self.folder)), "endpoint": self.servers[case.latency_ms].endpoint, "options": case.store_options}

    def ask(self, case, name, worker, prove):
        import data

        request = {**case.request, "prove": prove, "place": self.prepare(case, name)}
        if "source" in request:
            request["source"] = str(data.make(self.folder, request["source"], self.n))
        server = self.servers.get(case.latency_ms)
        if server:
            server.counts()
        answer = worker.ask(request)
        if server and "lacks" not in answer:
            answer |= server.counts()
        if prove and case.writes and "lacks" not in answer:
            answer["checksum"] += self.written(case, request)
        return answer

    def written(self, case, request):
        """Returns the checksum of a written array, read by another implementation than its writer."""
        reader = Worker("zarr" if case.request.get("dtype") == "string" or case.data == "objects-2^16" else "tensorstore")
        answer = reader.ask({"op": "read", "place": request["place"], "regions": [[]], "prove": True, "dtype": request.get("dtype", "uint16")})
        reader.close()
        return " " + answer["checksum"]

    def measure(self, case):
        """Returns the least measurements of each implementation, and why others have none."""
        lacks, found, expected = {}, {}, {}
        workers = {name: Worker(name) for name in case.implementations}
        for prove in [True] + [False] * self.rounds:
            for name, worker in workers.items():
                if name in lacks or (found.get(name, {}).get("wall_ms", 0) > PATIENCE and not prove):
                    continue
                answer = self.ask(case, name, worker, prove)
                if "lacks" in answer:
                    lacks[name] = answer["lacks"]
                    continue
                first = expected.setdefault(prove, (name, answer["checksum"]))
                if first[1] != answer["checksum"]:
                    sys.exit(f"{case.name}, {case.data}: {name} differs from {first[0]}")
                if not prove or answer["wall_ms"] > PATIENCE:
                    found[name] = least(found.get(name), answer)
        for worker in workers.values():
            worker.close()
        shutil.rmtree(self.folder / "written", ignore_errors=True)
        found = {name: {key: value / case.calls if key not in ("peak_mib",) else value for key, value in one.items()} for name, one in found.items()}
        return found, lacks

    def close(self):
        for server in self.servers.values():
            server.close()


def least(before, answer):
    """Returns the least of all rounds of each figure; of memory, the most."""
    figures = {key: value for key, value in answer.items() if key != "checksum"}
    if before is None:
        return figures
    return {key: (max if key == "peak_mib" else min)(before[key], value) for key, value in figures.items()}


def rows(case, found, lacks, n, rounds):
    """Returns the rows of a case in docs/benchmarks.json."""
    for ours, peers in case.rows.items():
        times = {name: found[name][case.unit] for name in (ours, *peers) if name in found}
        row = {"suite": case.suite, "case": case.name, "data": case.data, "unit": case.unit, "implementation": ours, "ours": times.pop(ours, None)}
        best = min(times, key=times.get, default=None)
        row |= {peer: times.get(peer) for peer in peers} | {"best_peer": best}
        if "bare" in found:
            row["limit"] = found["bare"][case.unit]
        row["ratio_to_best_peer"] = times[best] / row["ours"] if best and row["ours"] else None
        row["lacks"] = {name: reason for name, reason in lacks.items() if name in (ours, *peers)}
        row["figures"] = {name: found[name] for name in (ours, *peers) if name in found}
        row |= {"n": n, "rounds": rounds} | {key: getattr(case, key) for key in ("size", "inner_chunks") if getattr(case, key)}
        yield rounded(row)


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=512, help="elements of the cubes along each dimension, a multiple of 64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="measure the rows that contain this text")
    parser.add_argument("--suite", default="local,python,store,s3,scale,curves")
    parser.add_argument("--folder", help="where the arrays are written; a temporary folder by default")
    parser.add_argument("--out", type=pathlib.Path, default=PROJECT / "docs")
    parser.add_argument("--built", action="store_true", help="do not build again")
    arguments = parser.parse_args()
    if pathlib.Path(sys.executable) != PYTHON:
        if not arguments.built:
            build()
        os.execv(PYTHON, [str(PYTHON), __file__, "--built", *(one for one in sys.argv[1:] if one != "--built")])
    import cases
    import report

    wanted = [
        case for case in cases.cases(arguments.n)
        if case.suite in arguments.suite.split(",") and arguments.only in f"{case.suite}, {case.name}, {case.data}"
    ]
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        bench = Bench(pathlib.Path(folder), arguments.n, arguments.rounds)
        with contextlib.closing(bench):
            for case in wanted:
                measured = list(rows(case, *bench.measure(case), arguments.n, arguments.rounds))
                report.update(arguments.out, measured)
                print("\n".join(report.line(row) for row in measured), flush=True)
    report.write(arguments.out)


if __name__ == "__main__":
    main()
