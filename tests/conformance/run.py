#!/usr/bin/env python3
"""Runs readers over conformance corpora and reports a verdict for each case. Standard library only.

    run.py --cmd 'zarr-conformance read {store} {node} {out}'
    run.py --server 'python peers/zarr_python.py' --junit report.xml --markdown report.md
    run.py --reader ours='zarr-conformance serve' --reader zarrs=peers/zarrs/target/release/zarrs-peer --results page.md

`README.md` describes corpora, readers and verdicts.
"""

import argparse
import json
import os
import re
import sys
import tempfile

import corpus as corpora
import report
from readers import Command, Server

HERE = os.path.dirname(os.path.abspath(__file__))
# The acceptable verdicts for each expectation.
GOOD = {
    "value": {"pass"},
    "refuse": {"pass", "refused"},
    "either": {"pass", "refused"},
    "safe": {"pass"},
}


def expectation(case):
    """"value", "refuse", "either" or "safe"; folders of public corpora say "error" for "refuse"."""
    expect = case["expect"]
    return "refuse" if expect in ("invalid", "unsupported", "error") else expect


def kinds(case):
    """The acceptable kinds of error for a case that must be refused; empty accepts any kind."""
    if case["expect"] == "error":
        return set(case.get("kinds", []))
    return set(case.get("kinds", [case["expect"]]))


def judge(case, answer, root):
    """Returns the verdict on an answer, and the reason."""
    status, error = answer["status"], str(answer.get("error", ""))
    if status in ("crash", "timeout", "memory"):
        return status, error
    expect = expectation(case)
    if status == "error":
        if expect == "safe":
            return "pass", error
        if expect in ("value", "either"):
            return "refused", error
        kind = answer.get("kind")
        if kind is None:
            return "refused", error
        right = not kinds(case) or kind in kinds(case)
        return ("pass" if right else "wrong-kind"), "%s: %s" % (kind, error)
    if expect == "safe":
        return "pass", ""
    if expect == "refuse":
        return "accepted-invalid", "returned elements"
    wanted = [case.get("expected"), *case.get("expected_alt", [])]
    wanted = [path for path in wanted if path]
    if not wanted:
        return "pass", "no elements to compare with"
    why = None
    for path in wanted:
        try:
            found = corpora.load(answer["file"])
            problem = corpora.difference(found, corpora.load(os.path.join(root, path)))
        except (OSError, ValueError, KeyError, SyntaxError) as error:
            problem = "unreadable output: %s" % error
        if problem is None:
            return "pass", ""
        why = why or problem
    return "wrong", why


def run_reader(reader, cases, arguments, progress=None):
    """Returns one result per case: its members and `verdict`, `why`, `seconds`, `good`."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        for number, (root, case) in enumerate(cases):
            out = os.path.join(folder, "%d" % number)
            limits = case.get("limits", {})
            answer = reader.read(
                os.path.join(root, case["store"]),
                case.get("node", ""),
                out,
                limits.get("seconds", arguments.timeout),
                limits.get("memory_mb", arguments.memory_mb),
            )
            verdict, why = judge(case, answer, root)
            why = str(why).replace(root + "/", "")
            result = {
                "id": case["id"],
                "topic": case["topic"],
                "tier": case.get("tier", "public"),
                "corpus": case["corpus"],
                "decision": case.get("decision"),
                "rules": case.get("rules", []),
                "expect": expectation(case),
                "kinds": sorted(kinds(case)) if expectation(case) == "refuse" else [],
                "verdict": verdict,
                "why": " ".join(why.split())[:300],
                "seconds": round(answer["seconds"], 4),
                "kind": answer.get("kind"),
                "good": verdict in GOOD[expectation(case)],
            }
            results.append(result)
            for end in (".npy", ".json"):
                if os.path.exists(out + end):
                    os.unlink(out + end)
            if progress and (arguments.verbose or not result["good"]):
                progress(result)
    reader.close()
    return results


def load_cases(paths, folder, pattern):
    """Returns pairs of root and case for all corpora; unpacks packed corpora below `folder`."""
    cases = []
    with open(os.path.join(HERE, "decisions.json"), encoding="utf-8") as file:
        decisions = json.load(file)
    for number, path in enumerate(paths):
        if corpora.is_packed(path):
            root, name = os.path.join(folder, str(number)), "own"
            found = corpora.unpack(path, root)
        else:
            root, name, found = os.path.abspath(path), "public", corpora.read_folder(path, decisions)
        cases += [(root, dict(case, corpus=name)) for case in found if re.search(pattern, case["id"])]
    return cases


def parse_arguments():
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cmd", help="a command a case, with {store}, {node} and {out}")
    parser.add_argument("--server", help="a process that answers JSON lines")
    parser.add_argument("--reader", action="append", default=[], metavar="NAME=SERVER", help="a named server; repeat it")
    parser.add_argument("--corpus", action="append", help="a corpus; repeat it (default: the one beside this file)")
    parser.add_argument("--filter", default="", help="a regular expression that ids must match")
    parser.add_argument("--timeout", type=float, default=20, help="seconds a case")
    parser.add_argument("--memory-mb", type=int, default=1024, help="memory that a case may add, in MiB")
    parser.add_argument("--junit", help="write a JUnit report")
    parser.add_argument("--markdown", help="write a table")
    parser.add_argument("--json", help="write all results")
    parser.add_argument("--results", help="write the page of results: a row a reader")
    parser.add_argument("--unpack", metavar="FOLDER", help="write the corpus as folders with a manifest.json, and stop")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    arguments.corpus = arguments.corpus or [os.path.join(HERE, "corpus")]
    return arguments


def unpack(arguments):
    """Implements `--unpack`: writes the folder form, which any runner can use."""
    os.makedirs(arguments.unpack, exist_ok=True)
    cases = corpora.unpack(arguments.corpus[0], arguments.unpack)
    for case in cases:
        if expectation(case) == "refuse":
            case.update(expect="error", kinds=sorted(kinds(case)))
    with open(os.path.join(arguments.unpack, "manifest.json"), "w") as file:
        json.dump({"version": 1, "cases": cases}, file, indent=1)
    print("%d cases in %s" % (len(cases), arguments.unpack))


def main():
    """Returns 1 if a case of the (first) reader deviates from the expectation."""
    arguments = parse_arguments()
    if arguments.unpack:
        unpack(arguments)
        return 0
    named = [reader.split("=", 1) for reader in arguments.reader]
    readers = {name: Server(command) for name, command in named}
    if arguments.cmd:
        readers["reader"] = Command(arguments.cmd)
    if arguments.server:
        readers["reader"] = Server(arguments.server)
    if not readers:
        sys.exit("no reader: give --cmd, --server or --reader")
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        cases = load_cases(arguments.corpus, folder, arguments.filter)
        for name, reader in readers.items():
            print("== %s: %d cases" % (name, len(cases)), flush=True)
            results[name] = run_reader(reader, cases, arguments, print_result)
            print(report.summary(results[name]), flush=True)
    first = next(iter(results.values()))
    for path, text in (
        (arguments.junit, lambda: report.junit(next(iter(results)), first)),
        (arguments.markdown, lambda: report.table(results)),
        (arguments.results, lambda: report.page(results)),
        (arguments.json, lambda: json.dumps(results, indent=0)),
    ):
        if path:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text())
    return 0 if all(result["good"] for result in first) else 1


def print_result(result):
    """Prints one line."""
    print("%-16s %-7s %-11s %s  %s" % tuple(result[k] for k in ("verdict", "expect", "tier", "id", "why")), flush=True)


if __name__ == "__main__":
    sys.exit(main())
