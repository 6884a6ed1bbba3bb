#!/usr/bin/env python3
"""Makes the corpus: builds all cases, lets the peers read them, and records agreement.

    python generate.py --zarrs target/release/zarrs-peer --zarrita node_modules

Requires the peers of `peers/requirements.txt`, `peers/package.json` and `peers/zarrs`. The expected
elements are computed with NumPy from the written data, not read back; `confirmed_by` names the
peers that read identical bits, except the writer. `disagree` of a valid case names the peers that
read other elements.
"""

import argparse
import importlib
import json
import os
import sys
import tempfile

import corpus as corpora
from build import Corpus, Peers
from readers import Server

HERE = os.path.dirname(os.path.abspath(__file__))
TOPICS = ["documents", "fill_values", "data_types", "codecs", "sharding", "grids", "registered", "extra_codecs", "hostile"]


def build(arguments):
    """Returns all cases by topic."""
    peers = Peers(arguments.zarrs, arguments.zarrita)
    corpus = Corpus(peers)
    for topic in TOPICS:
        importlib.import_module("cases." + topic).add(corpus)
    peers.close()
    return corpus.topics


def confirm(topics, readers):
    """Records which peers read the expected elements of a case."""
    for topic, cases in topics.items():
        with tempfile.TemporaryDirectory() as folder:
            for case in cases.values():
                unpacked = corpora.unpack_case(case, topic, folder)
                if not unpacked["expected"]:
                    continue
                expected = corpora.load(os.path.join(folder, unpacked["expected"]))
                agreed, disagree = [], []
                for name, reader in readers.items():
                    store = os.path.join(folder, unpacked["store"])
                    answer = reader.read(store, case.get("node", ""), os.path.join(folder, "out"), 20, 1024)
                    if answer["status"] == "ok":
                        same = corpora.difference(corpora.load(answer["file"]), expected) is None
                        (agreed if same else disagree).append(name)
                case["confirmed_by"] = [name for name in agreed if name != case["written_by"]]
                if disagree:
                    case["disagree"] = disagree


def write(topics, versions):
    """Writes the files of the corpus, one case per line."""
    folder = os.path.join(HERE, "corpus")
    counts = {}
    for topic, cases in sorted(topics.items()):
        lines = [json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in cases.values()]
        with open(os.path.join(folder, topic + ".json"), "w") as file:
            file.write('{"cases": [\n' + ",\n".join(lines) + "\n]}\n")
        counts[topic] = len(cases)
    everything = [case for cases in topics.values() for case in cases.values()]
    by_expectation = {}
    for case in everything:
        by_expectation[case["expect"]] = by_expectation.get(case["expect"], 0) + 1
    manifest = {
        "version": 1,
        "made_with": versions,
        "cases": len(everything),
        "by_expectation": by_expectation,
        "rules": sorted({rule for case in everything for rule in case["rules"]}),
        "unconfirmed": [case["id"] for case in everything if case["expect"] == "value" and not case["confirmed_by"]],
        "topics": counts,
    }
    with open(os.path.join(folder, "manifest.json"), "w") as file:
        json.dump(manifest, file, indent=1)
        file.write("\n")
    return manifest


def versions():
    """Returns the versions of the peers."""
    from importlib.metadata import version

    names = ("zarr", "numcodecs", "tensorstore", "numpy", "ml_dtypes", "zstandard")
    return {name: version(name) for name in names} | {"zarrs": "0.23.14", "zarrita.js": "0.7.5"}


def main():
    """Builds, confirms and writes the corpus."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zarrs", required=True, help="the program of peers/zarrs")
    parser.add_argument("--zarrita", required=True, help="a node_modules folder with zarrita")
    arguments = parser.parse_args()
    arguments.zarrs, arguments.zarrita = map(os.path.abspath, (arguments.zarrs, arguments.zarrita))
    topics = build(arguments)
    peers = os.path.join(HERE, "peers")
    readers = {
        "zarr-python": Server([sys.executable, os.path.join(peers, "zarr_python.py")]),
        "tensorstore": Server([sys.executable, os.path.join(peers, "tensorstore_peer.py")]),
        "zarrs": Server([arguments.zarrs]),
        "zarrita.js": Server(["node", os.path.join(peers, "zarrita.mjs")], {"ZARRITA": arguments.zarrita}),
    }
    confirm(topics, readers)
    for reader in readers.values():
        reader.close()
    manifest = write(topics, versions())
    print(json.dumps({key: manifest[key] for key in ("cases", "by_expectation", "topics")}, indent=1))
    print("unconfirmed: %d" % len(manifest["unconfirmed"]))


if __name__ == "__main__":
    main()
