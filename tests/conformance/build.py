"""Cases under construction: documents, stores, elements; arrays are written by the implementations in turn."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import types
import zlib

import ml_dtypes
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "peers"))

from serve import canonical

# Streams without the time at which they were made: the corpus is the same in each run.
gzip.time = types.SimpleNamespace(time=lambda: 0)

LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
BIG = {"name": "bytes", "configuration": {"endian": "big"}}
PLAIN = {"name": "bytes"}
CRC = {"name": "crc32c"}


def codec(name, **configuration):
    """A codec in its object form."""
    return {"name": name, "configuration": configuration} if configuration else {"name": name}


def shard(chunk_shape, codecs=(LITTLE,), index_codecs=(LITTLE, CRC), **more):
    """`sharding_indexed`."""
    return codec("sharding_indexed", chunk_shape=chunk_shape, codecs=list(codecs), index_codecs=list(index_codecs), **more)


def array(shape=(4,), data_type="int16", fill_value=0, codecs=(LITTLE,), chunks=None, drop=(), **more):
    """A metadata document; `drop` names members to leave out, `more` adds or replaces some."""
    document = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": data_type,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(shape if chunks is None else chunks)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill_value,
        "codecs": list(codecs),
    }
    document.update(more)
    return {name: value for name, value in document.items() if name not in drop}


def group(**more):
    """The metadata document of a group."""
    return {"zarr_format": 3, "node_type": "group", **more}


def text(document):
    """A document as it is stored; texts stay as they are."""
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)


def packed(elements):
    """Elements as a corpus holds them: NumPy's type, shape and little-endian bytes, or a list for elements of any size."""
    if isinstance(elements, dict):
        return elements
    elements = canonical(np.asarray(elements))
    descr = np.lib.format.dtype_to_descr(elements.dtype)
    return {"dtype": descr, "shape": list(elements.shape), "hex": elements.tobytes().hex()}


def content(data):
    """A stored object as a corpus holds it."""
    if isinstance(data, (str, dict)):
        return data
    return {"hex": bytes(data).hex()}


def random(name, dtype, shape):
    """Elements of any bits, the same in each run; those of bool are 0 and 1."""
    dtype = np.dtype(dtype)
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(bool)
    size = int(np.prod(shape, dtype=int))
    return np.frombuffer(generator.bytes(size * dtype.itemsize), dtype).reshape(shape).copy()


class Peers:
    """The implementations that write arrays; each opens an array whose document exists, and writes all of its elements."""

    def __init__(self, zarrs, zarrita_modules):
        environment = dict(os.environ, ZARRITA=zarrita_modules)
        self.servers = {
            "zarrs": self.start([zarrs], environment),
            "zarrita.js": self.start(["node", os.path.join(HERE, "peers", "zarrita.mjs")], environment),
        }
        self.turn = 0

    @staticmethod
    def start(command, environment):
        """A server of JSON lines."""
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, text=True)

    def write(self, store, elements, only):
        """Lets the next implementation that can write the array do it; returns its name."""
        names = only or ["zarr-python", "tensorstore", "zarrs", "zarrita.js"]
        start = self.turn
        self.turn += 1
        reasons = []
        before = sorted(os.listdir(store))
        for number in range(len(names)):
            name = names[(start + number) % len(names)]
            try:
                getattr(self, "by_" + name.replace("-", "_").replace(".", "_"))(store, elements)
                return name
            except Exception as error:  # whatever the peer raises: the next one may write it
                reasons.append("%s: %.200s" % (name, error))
                if sorted(os.listdir(store)) != before:
                    raise ValueError("%s left a part of an array" % name) from error
        raise ValueError("; ".join(reasons))

    @staticmethod
    def by_zarr_python(store, elements):
        """zarr-python."""
        import zarr_python

        zarr_python.open_array(store, "", "r+")[...] = elements

    @staticmethod
    def by_tensorstore(store, elements):
        """tensorstore."""
        import tensorstore_peer

        tensorstore_peer.open_array(store, "", write=True)[...] = elements

    def by_zarrs(self, store, elements):
        """The crate zarrs."""
        self.ask("zarrs", store, elements)

    def by_zarrita_js(self, store, elements):
        """zarrita.js."""
        self.ask("zarrita.js", store, elements)

    def ask(self, name, store, elements):
        """A server writes the elements of a file."""
        server = self.servers[name]
        with tempfile.NamedTemporaryFile(suffix=".npy") as file:
            np.save(file.name, canonical(np.asarray(elements)))
            server.stdin.write(json.dumps({"store": store, "node": "", "write": file.name}) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
        if not answer["ok"]:
            raise ValueError(answer["error"])

    def close(self):
        """Ends the servers."""
        for server in self.servers.values():
            server.stdin.close()
            server.wait()


class Corpus:
    """The cases of all topics."""

    def __init__(self, peers):
        self.peers, self.topics = peers, {}

    def add(self, name, rules, expect, document, files=None, elements=None, tier="core", **more):
        """A case whose stored objects are given; `name` is "topic/case", `document` of the root or None."""
        stored = {} if document is None else {"zarr.json": text(document) if not isinstance(document, bytes) else content(document)}
        stored.update({key: content(data) for key, data in (files or {}).items()})
        topic = self.topics.setdefault(name.split("/")[0], {})
        if name in topic:
            raise ValueError("%s stands twice" % name)
        case = {"id": name, "rules": rules.split(), "tier": tier, "expect": expect, "written_by": "hand", **more}
        if elements is not None:
            case["expected"] = packed(elements)
        topic[name] = {**case, "files": stored}

    def value(self, name, rules, document, elements, files=None, **more):
        """A valid array; without `files`, its chunks are written by hand: there are none."""
        self.add(name, rules, "value", document, files, elements, **more)

    def written(self, name, rules, document, elements, only=None, expected=None, attempt=None, **more):
        """A valid array whose chunks an implementation writes; `attempt` is a change of what it wrote."""
        with tempfile.TemporaryDirectory() as store:
            with open(os.path.join(store, "zarr.json"), "w") as file:
                file.write(text(document))
            writer = self.peers.write(store, elements, only)
            files = read_tree(store)
        files.pop("zarr.json")
        if attempt:
            files = attempt(files)
        more.setdefault("expect", "value")
        expect = more.pop("expect")
        kept = None if expect in ("invalid", "unsupported", "safe") else (elements if expected is None else expected)
        self.add(name, rules, expect, document, files, kept, written_by=writer, **more)
        return files

    def refuse(self, name, rules, document, files=None, kind="invalid", **more):
        """What must be refused."""
        self.add(name, rules, kind, document, files, **more)


def read_tree(store):
    """The objects below a folder."""
    files = {}
    for folder, _, names in os.walk(store):
        for name in sorted(names):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, store).replace(os.sep, "/")] = file.read()
    return files
