"""A Python worker of `run.py`: `python workers.py IMPLEMENTATION` reads one request per line from
standard input and writes one answer per line to standard output, as the Rust workers do.

Requests are described in src/request.rs.
"""

import json
import pathlib
import resource
import sys
import time

import numpy as np

import implementations
import stores
from implementations import WHOLE, Lacks

DEFAULTS = {
    "dtype": "uint16", "regions": [], "points": [], "source": None, "concurrent": False, "warm": False, "prove": False,
    "cache": 0, "count": 0, "target": None, "options": {},
}


def index(region):
    """Returns the NumPy index of a region."""
    return tuple(slice(*axis) for axis in region) if region else WHOLE


def checksum(data, prove):
    """Computes the checksum of element.rs."""
    data = np.asarray(data)
    if data.dtype.names:
        data = np.ascontiguousarray(data).view("u1")
    flat = data.reshape(-1)
    count = flat.size
    if not prove:
        flat = flat[:1]
    total = count
    for start in range(0, flat.size, 65521 * 64):
        part = flat[start : start + 65521 * 64]
        if part.dtype.kind in "OTU":
            encoded = [str(text).encode() for text in part.tolist()]
            values = np.array([sum(text) + 31 * len(text) for text in encoded], "u8")
        else:
            values = np.ascontiguousarray(part).view(f"u{part.dtype.itemsize}").astype("u8")
        positions = (np.arange(start, start + part.size, dtype="u8") % np.uint64(65521)) + np.uint64(1)
        total += int((positions * values).sum(dtype="u8"))
    return total % 2**64


def status_mib(name):
    [line] = [line for line in pathlib.Path("/proc/self/status").read_text().splitlines() if line.startswith(name)]
    return int(line.split()[1]) / 1024


def measured(work, total=lambda result: result):
    """Measures `work`; `total` computes the checksum of its result afterwards."""
    pathlib.Path("/proc/self/clear_refs").write_text("5")  # makes the present memory the peak
    resident = status_mib("VmRSS:")
    before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    result = work()
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF)
    peak = status_mib("VmHWM:") - resident
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    faults = after.ru_minflt + after.ru_majflt - before.ru_minflt - before.ru_majflt
    return {"wall_ms": wall * 1e3, "cpu_ms": cpu * 1e3, "faults": faults, "peak_mib": peak, "checksum": str(total(result))}


class Worker:
    """Runs requests with one implementation."""

    def __init__(self, name):
        self.implementation = implementations.ALL[name]()
        self.source = (None, None)

    def answer(self, request):
        operation = getattr(self, request["op"], None)
        if operation is None:
            raise Lacks(f"the Python workers lack {request['op']}")
        return operation(request)

    def data(self, request):
        """Returns the data to be written."""
        path, data = self.source
        if path != request["source"]:
            place = {"path": request["source"], "endpoint": None}
            opened = self.implementation.open(place, {**request, "warm": False, "cache": 0})
            data = np.ascontiguousarray(self.implementation.read(opened, WHOLE))
            self.source = request["source"], data
        return data

    def opened(self, request):
        """Opens the array and reads its first region, if that happens before the measurement."""
        if not request["warm"]:
            return None
        array = self.implementation.open(request["place"], request)
        for region in request["regions"][:1]:
            self.implementation.read(array, index(region))
        return array

    def read(self, request):
        implementation, prove = self.implementation, request["prove"]
        array, indices = self.opened(request), [index(region) for region in request["regions"]]

        def work():
            opened = implementation.open(request["place"], request) if array is None else array
            if request["concurrent"]:
                return sum(checksum(data, prove) for data in implementation.read_concurrently(opened, indices)), None
            total = sum(checksum(implementation.read(opened, one), prove) for one in indices[:-1])
            # The last result is the only one of a read of the whole array: its checksum costs time.
            return total, implementation.read(opened, indices[-1])

        return measured(work, lambda found: (found[0] + (0 if found[1] is None else checksum(found[1], prove))) % 2**64)

    def points(self, request):
        array, points = self.opened(request), tuple(np.array(axis) for axis in request["points"])

        def work():
            return self.implementation.points(self.implementation.open(request["place"], request) if array is None else array, points)

        return measured(work, lambda data: checksum(data, request["prove"]))

    def write(self, request):
        data, implementation = self.data(request), self.implementation
        parts = [(index(region), data[index(region)] ^ 1) for region in request["regions"] if region] or [(WHOLE, data)]

        def work():
            array = implementation.open(request["place"], request)
            for where, part in parts:
                implementation.write(array, where, part)

        return measured(work, lambda _: 0)

    def round_trip(self, request):
        data, implementation = self.data(request), self.implementation

        def work():
            implementation.write(implementation.open(request["place"], request), WHOLE, data)
            return implementation.read(implementation.open(request["place"], request), WHOLE)

        return measured(work, lambda found: checksum(found, request["prove"]))

    def append(self, request):
        data = self.data(request)
        pieces = np.split(data, request["count"])

        def work():
            array = self.implementation.open(request["place"], request)
            for piece in pieces:
                array = self.implementation.append(array, piece)

        return measured(work, lambda _: 0)

    def open(self, request):
        opened = lambda: self.implementation.open_many(request["place"], request["count"], request["options"].get("by_path"))
        return measured(opened, lambda arrays: sum(array.shape[0] for array in arrays))

    def list(self, request):
        return measured(lambda: self.implementation.list(request["place"]))

    def list_consolidated(self, request):
        return measured(lambda: self.implementation.list_consolidated(request["place"]))


def main():
    name = sys.argv[1]
    worker = stores.Worker(name) if name in stores.ALL else Worker(name)
    for line in sys.stdin:
        try:
            answer = worker.answer(DEFAULTS | json.loads(line))
        except Lacks as reason:
            answer = {"lacks": str(reason)}
        except Exception as error:  # A peer's failure is a result.
            answer = {"lacks": f"{type(error).__name__}: {error}"[:200]}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
