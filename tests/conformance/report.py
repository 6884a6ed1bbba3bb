"""Reports of the conformance runner: JUnit, a Markdown table, and the results page. Standard
library only.
"""

from collections import Counter
from xml.sax.saxutils import escape, quoteattr

BROKEN = ("crash", "timeout", "memory")


def summary(results):
    """Summarises results on one line."""
    verdicts = Counter((r["expect"], r["verdict"]) for r in results)
    parts = ["%s %s %d" % (*key, n) for key, n in sorted(verdicts.items())]
    return "%d of %d as expected: %s" % (sum(r["good"] for r in results), len(results), ", ".join(parts))


def junit(name, results):
    """Formats the results of one reader as a test suite."""
    bad = [r for r in results if not r["good"]]
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        '<testsuite name=%s tests="%d" failures="%d">' % (quoteattr(name), len(results), len(bad)),
    ]
    for r in results:
        where = "classname=%s name=%s time=%s" % (quoteattr(r["topic"]), quoteattr(r["id"]), quoteattr(str(r["seconds"])))
        if r["good"]:
            lines.append("  <testcase %s/>" % where)
        else:
            text = "%s: %s" % (r["verdict"], r["why"])
            text = "".join(c if c >= " " else " " for c in text)
            lines.append("  <testcase %s><failure message=%s>%s</failure></testcase>" % (where, quoteattr(r["verdict"]), escape(text)))
    return "\n".join([*lines, "</testsuite>", ""])


def of(results, expect, tiers=None, corpus=None):
    """Selects the results with this expectation."""
    return [
        r
        for r in results
        if r["expect"] == expect and (tiers is None or r["tier"] in tiers) and (corpus is None or r["corpus"] == corpus)
    ]


def share(good, all_of):
    """"n / m", with the percentage."""
    if not all_of:
        return "-"
    per_cent = 100 * good / len(all_of)
    shown = "100" if good == len(all_of) else "%.1f" % min(per_cent, 99.9)
    return "%d / %d (%s %%)" % (good, len(all_of), shown)


def passed(results):
    """Counts the passed results."""
    return sum(r["verdict"] == "pass" for r in results)


def table(results):
    """Formats a table with one row per reader."""
    heads = [
        "reader",
        "core, valid",
        "registered, valid",
        "other, valid",
        "public, valid",
        "wrong elements",
        "must fail: refused",
        "of the right kind",
        "accepted",
        "crash",
        "hang",
        "memory",
    ]
    lines = ["| %s |" % " | ".join(heads), "|%s" % ("---|" * len(heads))]
    for name, all_of in results.items():
        refuse = of(all_of, "refuse")
        refused = sum(r["verdict"] in ("pass", "refused", "wrong-kind") for r in refuse)
        told = [r for r in refuse if r["verdict"] in ("pass", "wrong-kind")]
        valid = [of(all_of, "value", tiers) for tiers in (("core",), ("registered",), ("other",))]
        public = of(all_of, "value", corpus="public")
        cells = [name]
        cells += [share(passed(part), part) for part in valid]
        cells += [share(passed(public), public)]
        cells += [str(sum(r["verdict"] == "wrong" for r in all_of))]
        cells += [share(refused, refuse), share(passed(refuse), refuse) if told else "not told"]
        cells += [str(sum(r["verdict"] == "accepted-invalid" for r in all_of))]
        cells += [str(sum(r["verdict"] == v for r in all_of)) for v in BROKEN]
        lines.append("| %s |" % " | ".join(cells))
    return "\n".join(lines) + "\n"


def topics(results):
    """Formats a table with one row per topic of our corpus and one column per reader: cases as
    expected.
    """
    names = list(results)
    first = results[names[0]]
    rows = sorted({r["topic"] for r in first if r["corpus"] == "own"})
    lines = ["| topic | cases | %s |" % " | ".join(names), "|---|---|%s" % ("---|" * len(names))]
    for topic in rows:
        cells = [sum(r["good"] for r in results[name] if r["topic"] == topic and r["corpus"] == "own") for name in names]
        total = sum(r["topic"] == topic and r["corpus"] == "own" for r in first)
        lines.append("| %s | %d | %s |" % (topic, total, " | ".join(map(str, cells))))
    return "\n".join(lines) + "\n"


def deviations(results):
    """Lists the cases where the first reader deviates from the expectation."""
    rows = [r for r in results if not r["good"]]
    if not rows:
        return "None.\n"
    lines = ["| case | rules | verdict | what it says |", "|---|---|---|---|"]
    for r in rows:
        why = r["why"].replace("|", "\\|")
        lines.append("| %s | %s | %s | %s |" % (r["id"], ", ".join(r["rules"]), r["verdict"], why))
    return "\n".join(lines) + "\n"


def decisions(results):
    """Lists the public arrays that our decisions require to be refused, against their manifest."""
    lines = ["- `%s` (%s): %s" % (r["id"], ", ".join(r["rules"]), r["decision"]) for r in results if r["decision"]]
    return "\n".join(lines) + "\n" if lines else "None.\n"


PAGE = """# Conformance

`tests/conformance/run.py --results` writes this page
([how to run it](../tests/conformance/README.md)).
All rows come from one run, on {cases} cases: {own} from the corpus of this project
(`tests/conformance/corpus`), {public} from public corpora.

{table}
*Core* is the specification of Zarr v3, *registered* the registry of zarr-extensions, *other* what
implementations write beyond both (`numcodecs.*`, aliases, Zarr v2). Elements are compared to the
bit. *Of the right kind*: the reader distinguishes an unsupported feature from invalid metadata or
data (or from a limit of its own), and reports the kind that the case expects; "not told" marks
readers whose errors have no kinds that a program could read. *Hang*: no answer within the time
of the case, {seconds} s by default; *memory*: a case took more than its limit. Peers lack features by
choice; a missing feature counts as refused, not as wrong.

## Topics of our corpus: cases as expected

{topics}
In `either` cases, the specification leaves the reader free; they count as expected if the elements
are right or the array is refused.

## Public arrays that strict readers refuse

Some readers read these old spellings, and the manifest of the public corpus has their elements.
Here they count among *must fail* for every reader. Readers of this project are strict on this page;
in the default mode this project reads all arrays of the public corpus, including these
([tolerance.md](tolerance.md), `tests/tests/corpus.rs`).

{decisions}
## Where {name} is not as expected

{deviations}"""


def page(results, seconds=20):
    """Formats the results page."""
    name, first = next(iter(results.items()))
    return PAGE.format(
        name=name,
        seconds=seconds,
        cases=len(first),
        own=sum(r["corpus"] == "own" for r in first),
        public=sum(r["corpus"] == "public" for r in first),
        table=table(results),
        topics=topics(results),
        decisions=decisions(first),
        deviations=deviations(first),
    )
