"""Builds cases: documents, stores, elements; the implementations take turns writing the arrays."""

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

# Omits the timestamp from gzip streams, so the corpus is reproducible.
gzip.time = types.SimpleNamespace(time=lambda: 0)

LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
BIG = {"name": "bytes", "configuration": {"endian": "big"}}
PLAIN = {"name": "bytes"}
CRC = {"name": "crc32c"}


def codec(name, **configuration):
    """Returns a codec in object form."""
    return {"name": name, "configuration": configuration} if configuration else {"name": name}


def shard(chunk_shape, codecs=(LITTLE,), index_codecs=(LITTLE, CRC), **more):
    """Returns a `sharding_indexed` codec."""
    return codec("sharding_indexed", chunk_shape=chunk_shape, codecs=list(codecs), index_codecs=list(index_codecs), **more)


def array(shape=(4,), data_type="int16", fill_value=0, codecs=(LITTLE,), chunks=None, drop=(), **more):
    """Returns an array metadata document; `drop` names members to leave out, `more` adds or
    replaces members.
    """
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
    """Returns a group metadata document."""
    return {"zarr_format": 3, "node_type": "group", **more}


def text(document):
    """Serialises a document; strings stay as they are."""
    return document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)


def packed(elements):
    """Packs elements for a corpus: NumPy type, shape and little-endian bytes, or a list for
    variable-size elements.
    """
    if isinstance(elements, dict):
        return elements
    elements = canonical(np.asarray(elements))
    descr = np.lib.format.dtype_to_descr(elements.dtype)
    return {"dtype": descr, "shape": list(elements.shape), "hex": elements.tobytes().hex()}


def content(data):
    """Packs a stored object for a corpus."""
    if isinstance(data, (str, dict)):
        return data
    return {"hex": bytes(data).hex()}


def random(name, dtype, shape):
    """Returns reproducible elements with random bits; bool elements are 0 or 1."""
    dtype = np.dtype(dtype)
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    if dtype.kind == "b":
        return generator.integers(0, 2, shape).astype(bool)
    size = int(np.prod(shape, dtype=int))
    return np.frombuffer(generator.bytes(size * dtype.itemsize), dtype).reshape(shape).copy()


class Peers:
    """The implementations that write arrays; each opens an array with an existing document and
    writes all of its elements.
    """

    def __init__(self, zarrs, zarrita_modules):
        environment = dict(os.environ, ZARRITA=zarrita_modules)
        self.servers = {
            "zarrs": self.start([zarrs], environment),
            "zarrita.js": self.start(["node", os.path.join(HERE, "peers", "zarrita.mjs")], environment),
        }
        self.turn = 0

    @staticmethod
    def start(command, environment):
        """Starts a server that speaks JSON lines."""
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=environment, text=True)

    def write(self, store, elements, only):
        """Lets the next capable implementation write the array; returns its name."""
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
        """Writes with zarr-python."""
        import zarr_python

        zarr_python.open_array(store, "", "r+")[...] = elements

    @staticmethod
    def by_tensorstore(store, elements):
        """Writes with tensorstore."""
        import tensorstore_peer

        tensorstore_peer.open_array(store, "", write=True)[...] = elements

    def by_zarrs(self, store, elements):
        """Writes with the crate zarrs."""
        self.ask("zarrs", store, elements)

    def by_zarrita_js(self, store, elements):
        """Writes with zarrita.js."""
        self.ask("zarrita.js", store, elements)

    def ask(self, name, store, elements):
        """Makes a server write the elements of a file."""
        server = self.servers[name]
        with tempfile.NamedTemporaryFile(suffix=".npy") as file:
            np.save(file.name, canonical(np.asarray(elements)))
            server.stdin.write(json.dumps({"store": store, "node": "", "write": file.name}) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
        if not answer["ok"]:
            raise ValueError(answer["error"])

    def close(self):
        """Stops the servers."""
        for server in self.servers.values():
            server.stdin.close()
            server.wait()


class Corpus:
    """The cases of all topics."""

    def __init__(self, peers):
        self.peers, self.topics = peers, {}

    def add(self, name, rules, expect, document, files=None, elements=None, tier="core", **more):
        """Adds a case with given stored objects; `name` is "topic/case", `document` is the root's
        document or None.
        """
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
        """Adds a valid array; without `files` no chunk is stored."""
        self.add(name, rules, "value", document, files, elements, **more)

    def written(self, name, rules, document, elements, only=None, expected=None, attempt=None, **more):
        """Adds a valid array with chunks written by an implementation; `attempt` modifies the
        stored objects.
        """
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
        """Adds a case that readers must refuse."""
        self.add(name, rules, kind, document, files, **more)


def read_tree(store):
    """Returns the objects below a folder."""
    files = {}
    for folder, _, names in os.walk(store):
        for name in sorted(names):
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, store).replace(os.sep, "/")] = file.read()
    return files
