"""The library of the damage suite: a damage is a function that changes bytes of a store, with the finding that
`zarrctl check` must report and the result that `zarrctl repair --apply` must have.

    @damage("v3", rule="document-not-json", node="/g/zstd", key="g/zstd/zarr.json")
    def truncated(store): ...
"""

import json
import os
import pathlib
import shutil
import struct
import subprocess
from dataclasses import dataclass, field

#: All damages, in order of definition.
DAMAGES = []

#: The marker of a missing inner chunk.
EMPTY = 2**64 - 1


@dataclass
class Damage:
    name: str
    base: str
    make: object
    rule: str
    node: str = "/"
    key: str = None
    inner: list = None
    severity: str = "error"
    #: Whether only a deep check finds it.
    deep: bool = False
    #: "advice": nothing is changed; "repaired": nothing above a note is left; "improved": the finding is gone.
    repair: str = "advice"
    #: The inner chunks that a rebuilt shard lacks.
    dropped: list = field(default_factory=list)
    #: Whether the repair gets the base store as another copy of the data, and so loses nothing.
    copy: bool = False
    #: Whether the peers can read the store without waiting for ever.
    peers: bool = True
    #: Other rules that may report the damage too.
    also: tuple = ()


def damage(base, **expected):
    """Registers a damage of a copy of a base store."""

    def register(make):
        DAMAGES.append(Damage(make.__name__.strip("_").replace("_", "-"), base, make, **expected))
        return make

    return register


class Store:
    """A store on local disk whose bytes a damage changes."""

    def __init__(self, root):
        self.root = pathlib.Path(root)

    def path(self, key):
        return self.root / key

    def read(self, key):
        return self.path(key).read_bytes()

    def write(self, key, content):
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        self.path(key).write_bytes(content.encode() if isinstance(content, str) else content)

    def remove(self, key):
        self.path(key).unlink()

    def move(self, key, new):
        self.path(new).parent.mkdir(parents=True, exist_ok=True)
        self.path(key).rename(self.path(new))

    def flip(self, key, at, mask=0x10):
        content = bytearray(self.read(key))
        content[at] ^= mask
        self.write(key, bytes(content))

    def cut(self, key, size):
        self.write(key, self.read(key)[:size])

    def edit(self, key, change):
        """Changes a JSON document in place."""
        document = json.loads(self.read(key))
        document = change(document) or document
        self.write(key, json.dumps(document, indent=2))

    def text(self, key, old, new):
        """Replaces text that occurs in a document."""
        content = self.read(key).decode()
        assert old in content, (key, old, content)
        self.write(key, content.replace(old, new, 1))

    def files(self):
        """Returns all files with their content."""
        paths = (path for path in sorted(self.root.rglob("*")) if path.is_file())
        return {path.relative_to(self.root).as_posix(): path.read_bytes() for path in paths}


class Shard:
    """A shard with the codecs `bytes, crc32c` of its index, to be changed byte by byte."""

    def __init__(self, store, key, count, start=False, within=None):
        self.store, self.key, self.count, self.start = store, key, count, start
        self.whole = store.read(key)
        self.within = within or (0, len(self.whole))
        content = self.whole[self.within[0] : self.within[1]]
        size = 16 * count + 4
        self.index = content[:size] if start else content[-size:]
        self.body = content[size:] if start else content[:-size]
        numbers = struct.unpack(f"<{2 * count}Q", self.index[:-4])
        self.entries = [list(numbers[at : at + 2]) for at in range(0, 2 * count, 2)]

    def save(self, checksum=None):
        index = struct.pack(f"<{2 * self.count}Q", *(number for entry in self.entries for number in entry))
        index += struct.pack("<I", crc32c(index) if checksum is None else checksum)
        content = index + self.body if self.start else self.body + index
        start, end = self.within
        self.store.write(self.key, self.whole[:start] + content + self.whole[end:])


def crc32c(content):
    """Computes CRC-32C (Castagnoli) bit by bit."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def zarrctl(*arguments):
    """Runs zarrctl and returns its JSON; exit code 1 means findings."""
    command = [os.environ.get("ZARRCTL", "zarrctl"), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return json.loads(done.stdout), done.returncode


def check(root, deep=True):
    return zarrctl("check", "--json", *(["--deep"] if deep else []), root)


def repair(root, backup, other=None):
    other = ["--from", other] if other else []
    return zarrctl("repair", "--deep", "--apply", "--backup", backup, *other, "--json", root)[0]


def copy(source, target):
    shutil.copytree(source, target, symlinks=True)
    return Store(target)
