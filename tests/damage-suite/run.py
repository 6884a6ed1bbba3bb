"""Runs the damage suite against the program that the variable ZARRCTL names.

    run.py [--only NAME] [--part 0/1] [--clean-only] [--damages-only] [--corpus FOLDER]

Each damage must be found by its rule, at its node, key and inner chunk, with no other finding above a note. Then the
store is repaired, and every value that zarr-python or tensorstore read before the repair, they must read after it.
Clean stores by other writers must give no finding above a note.
"""

import argparse
import os
import pathlib
import sys
import tempfile

import clean
import damages  # noqa: F401
import stores
import suite


def above_notes(report):
    return [finding for finding in report["findings"] if finding["severity"] != "note"]


def matches(damage, finding):
    return (finding["rule"] == damage.rule and finding["node"] == damage.node
            and damage.key in (None, finding.get("key")) and damage.inner in (None, finding.get("inner_chunk")))


def run(damage, bases, truth, folder):
    """Returns the failures of a damage."""
    store = suite.copy(bases / damage.base, folder / damage.name)
    damage.make(store)
    failures = []
    if damage.deep:
        shallow, _ = suite.check(store.root, deep=False)
        failures += [f"found without --deep: {finding}" for finding in above_notes(shallow)]
    report, code = suite.check(store.root)
    found = [finding for finding in report["findings"] if matches(damage, finding)]
    others = [finding for finding in above_notes(report) if finding["rule"] not in (damage.rule, *damage.also)]
    if not found:
        return failures + [f"not found: {report['findings']}"]
    if found[0]["severity"] != damage.severity:
        failures.append(f"severity: {found[0]}")
    failures += [f"false finding: {finding}" for finding in others]
    if code != int(bool(above_notes(report))) and "zarrctl" in os.environ.get("ZARRCTL", "zarrctl"):
        failures.append(f"exit code {code}")
    before = store.files()
    values = truth[damage.base] if damage.peers else {}
    was_whole = stores.readable(store.root, values)
    other = bases / damage.base if damage.copy else None
    result = suite.repair(store.root, folder / f"{damage.name}-backup", other)
    is_whole = stores.readable(store.root, values)
    failures += [f"lost by repair: {place}" for place in sorted(was_whole - is_whole)]
    if damage.copy:
        failures += [f"not recovered: {place}" for place in sorted(stores.readable(other, values) - is_whole)]
    failures += changed(damage, store, before, folder)
    again, _ = suite.check(store.root)
    left = [finding for finding in again["findings"] if matches(damage, finding)]
    if damage.repair == "repaired":
        failures += [f"left after repair: {finding}" for finding in above_notes(again)]
        if damage.rule != "inner-chunks-missing":
            failures += [f"left after repair: {finding}" for finding in left]
    dropped = [cells for outcome in result["outcomes"] for cells in outcome.get("dropped", [])]
    if sorted(dropped) != sorted(damage.dropped):
        failures.append(f"dropped {dropped}, expected {damage.dropped}")
    return failures


def changed(damage, store, before, folder):
    """Checks that only repairable damages change a store, and that what is changed is in the backup."""
    after = store.files()
    gone = {key for key in before if after.get(key) != before[key]}
    if damage.repair == "advice":
        return [f"changed: {key}" for key in sorted(gone | (after.keys() - before.keys()))]
    backup = suite.Store(folder / f"{damage.name}-backup")
    missing = [key for key in sorted(gone)
               if not backup.path(key).is_file() or backup.read(key) != before[key]]
    return [f"not in the backup: {key}" for key in missing]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="")
    parser.add_argument("--part", default="0/1", help="run only every N-th damage: 0/4, 1/4, ...")
    parser.add_argument("--clean-only", action="store_true")
    parser.add_argument("--damages-only", action="store_true")
    parser.add_argument("--corpus", default=os.environ.get("ZARR_CORPUS"))
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        if not options.clean_only:
            truth = stores.build(folder / "bases")
            chosen = [damage for damage in suite.DAMAGES if options.only in damage.name]
            part, parts = map(int, options.part.split("/"))
            chosen = chosen[part::parts]
            assert len({damage.name for damage in suite.DAMAGES}) == len(suite.DAMAGES), "names are unique"
            for damage in chosen:
                try:
                    failures = run(damage, folder / "bases", truth, folder / "damaged")
                except Exception as error:
                    failures = [repr(error)]
                failed += bool(failures)
                if failures:
                    print(f"FAILED {damage.name} ({damage.rule})", *failures[:8], sep="\n    ")
            rules = {damage.rule for damage in chosen}
            print(f"{len(chosen)} damages of {len(rules)} rules, {failed} failed")
        if not options.damages_only:
            count, false = clean.run(folder / "clean", options.corpus)
            for name, findings in false:
                print(f"FALSE {name}", *findings[:5], sep="\n    ")
            print(f"{count} clean stores, {len(false)} with findings")
            failed += len(false)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
