"""Writes docs/benchmarks.json, and from it docs/benchmarks.md and the drawings."""

import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
from math import log2, log10

from cases import SUITES

KEY = ("suite", "case", "data", "implementation", "size")
TITLES = {
    "local": "Rust: local files",
    "python": "Python: local files",
    "store": "The stores alone",
    "s3": "S3 at 20 ms",
    "scale": "Sizes",
    "curves": "Growth",
}
NOTES = {
    "local": "CPU milliseconds of the process, user and system, on all cores. *Limit* is `benches/src/bare.rs`, which knows the arrays and makes the system "
    "calls and codec calls that the data need, and nothing else; a line in the drawing marks the ratio of an implementation at the limit.",
    "python": "CPU milliseconds, per call if a case repeats one. `zarr, X` is zarr-python with the codec pipeline of X.",
    "store": "CPU milliseconds per operation, through zarr-python's store interface; `obstore` is that library alone.",
    "s3": "Wall milliseconds / requests, on a server of this folder that answers after 20 ms, more or less 2, with 100 MiB per second and connection. "
    "Every implementation starts cold. `zarr` reads through obstore.",
    "scale": "CPU milliseconds / peak MiB above the memory before the operation.",
    "curves": "This engine alone: CPU milliseconds, or wall milliseconds for S3 and for threads. The data by MiB, by inner chunks and by shards are "
    "`uint16`, zstd level 1; S3 answers after 20 ms if the size is not the latency. Tables follow where memory or requests matter: MiB is the peak "
    "above the memory before, in a process that has done the same once, the result included; sleeps are voluntary context switches, an upper bound "
    "of the waits for locks.",
}
# Why a row may be below 1, by suite and case.
REASONS = {
    ("local", "20 random partial writes"): "zarrs changes files in place, where a reader may see half of a change; this engine replaces them",
    ("python", "open 1,000 arrays by path"): "each call finds or makes the store that handles of equal paths share, in Python",
    ("python", "open 1,000 arrays of a group"): "reading and checking the document takes 10 of the 14 ms; the rest is Python's",
    ("python", "one inner chunk, through fsspec"): "the engine wakes the event loop to start each request, and again to end it",
    ("s3", "open 200 arrays"): "200 requests at once after 20 ms; the figures of both vary by more than their difference",
    ("s3", "one inner chunk, cold"): "both wait for three round trips of 20 ms; the figures of both vary by more than their difference",
    ("s3", "a box through 8 shards"): "both wait for three round trips of 20 ms; the figures of both vary by more than their difference",
    ("scale", "write all"): "creating 65,536 files is nearly all of it, and takes 80 to 390 us a file from run to run",
}
LIBRARIES = ["zarr", "zarrs", "zarrista", "tensorstore", "obstore", "s3fs", "numpy"]


def load(out):
    path = out / "benchmarks.json"
    return json.loads(path.read_text()) if path.exists() else {"rows": []}


def update(out, rows):
    """Adds rows to the JSON, or replaces those with the same key."""
    document = load(out)
    kept = {tuple(map(row.get, KEY)): row for row in document["rows"] + rows}
    order = {suite: position for position, suite in enumerate(SUITES)}
    document = {"machine": machine(), "versions": versions(), "rows": sorted(kept.values(), key=lambda row: order[row["suite"]])}
    (out / "benchmarks.json").write_text(json.dumps(document, indent=1) + "\n")


def machine():
    processor = next((line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    pages = pathlib.Path("/sys/kernel/mm/transparent_hugepage/enabled").read_text().strip()
    return {"processor": processor, "cores": os.cpu_count(), "memory_gib": round(memory), "system": platform.release(), "huge_pages": pages}


def versions():
    lock = (pathlib.Path(__file__).parent / "Cargo.lock").read_text()
    rust = lock.split('name = "zarrs"\nversion = "')[1].split('"')[0]
    return {"zarrs (Rust)": rust, "python": platform.python_version()} | {name: importlib.metadata.version(name) for name in LIBRARIES}


def line(row):
    """Returns a row for the terminal."""
    times = {row["implementation"]: row["ours"]} | {name: row[name] for name in peers(row)}
    cells = ", ".join(f"{name} {number(value)}" for name, value in times.items())
    return f"{row['suite']}, {row['case']}, {row['data']}: {cells}; ratio {number(row['ratio_to_best_peer'])}"


def peers(row):
    """Returns the implementations that a row was to measure besides ours."""
    fixed = {*KEY, "unit", "ours", "best_peer", "ratio_to_best_peer", "lacks", "limit", "figures", "n", "rounds", "inner_chunks"}
    return [name for name in row if name not in fixed]


def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def write(out):
    """Writes the page and the drawings."""
    document = load(out)
    rows, text = document["rows"], [head(document)]
    for suite in SUITES:
        of_suite = [row for row in rows if row["suite"] == suite]
        if not of_suite:
            continue
        text.append(f"## {TITLES[suite]}\n\n{NOTES[suite]}\n")
        if suite == "curves":
            text += curves(out, of_suite)
            continue
        for ours in dict.fromkeys(row["implementation"] for row in of_suite):
            text.append(table([row for row in of_suite if row["implementation"] == ours], ours))
        (out / f"benchmarks-{suite}.svg").write_text(bars(of_suite))
        text.append(f"![Best peer divided by ours, row by row](benchmarks-{suite}.svg)\n")
    text += [behind(rows), lacking(rows)]
    (out / "benchmarks.md").write_text("\n".join(text))


def head(document):
    rows = document["rows"]
    ratios = [row["ratio_to_best_peer"] for row in rows if row["ratio_to_best_peer"]]
    behind = sum(ratio < 1 for ratio in ratios)
    limited = [(row["ours"] / row["limit"], row["ratio_to_best_peer"]) for row in rows if row.get("limit")]
    limit = ""
    if limited:
        above, possible = statistics.median(above for above, _ in limited), statistics.median(above * ratio for above, ratio in limited)
        limit = f"""
In the median, the {len(limited)} rows with a *limit* take {above:.2f} times that limit, at which an implementation
would have a ratio of {possible:.2f}."""
    counts = sorted({row["rounds"] for row in rows})
    rounds = f"{counts[0]} to {counts[-1]}" if len(counts) > 1 else str(counts[0])
    suites = {n: sorted({row["suite"] for row in rows if row["n"] == n}) for n in sorted({row["n"] for row in rows})}
    sizes = " or ".join(f"{n}^3 ({', '.join(names)})" for n, names in suites.items()) if len(suites) > 1 else f"{min(suites)}^3"
    machine = document["machine"]
    libraries = ", ".join(f"{name} {version}" for name, version in document["versions"].items())
    return f"""# Benchmarks

`python benches/run.py` makes this page, its drawings and `benchmarks.json` in one run. *Ratio* is the
time of the best peer divided by ours: above 1, this engine is faster. Of {len(ratios)} rows, the median
ratio is {statistics.median(ratios):.2f}; {behind} are below 1.{limit}

- **Machine**: {machine["processor"]}, {machine["cores"]} cores, {machine["memory_gib"]} GiB, Linux {machine["system"]}, huge pages `{machine["huge_pages"]}`.
- **Versions**: {libraries}.
- **Method**: all implementations read the same files and take turns in each round; each case runs in new
  processes. A round that is not measured compares the checksums of all results, and those of written
  arrays as another implementation reads them. The table has the least of {rounds} rounds. The page cache is warm,
  except in rows named *cold*, whose files are dropped from it before each measurement. Arrays are opened
  inside the measurement, unless a row is per call.
- **Data**: cubes of {sizes} `uint16` in chunks or shards of half the side, inner chunks of an eighth; a smooth
  field, *noisy* with eight random bits. Codecs: zstd level 1, gzip level 1, blosc with shuffle. The other
  arrays are described in `benches/data.py`, all cases in `benches/cases.py`.
- **One row**: `python benches/run.py --only "read all, zstd-sharded"` measures the rows that contain this
  text and replaces them in `benchmarks.json`. `--n 256` takes an eighth of the time.
"""


def table(rows, ours):
    """Returns a Markdown table of rows that compare one implementation of ours."""
    names = list(dict.fromkeys(name for row in rows for name in peers(row)))
    limit = ["limit"] * any("limit" in row for row in rows)
    heads = [f"**{ours}**", *names, *limit, "ratio"]
    lines = ["| case | data | " + " | ".join(heads) + " |", "|---|---|" + "---|" * len(heads)]
    for row in rows:
        cells = [cell(row, name) for name in (ours, *names)] + [number(row.get("limit"))] * len(limit)
        ratio = row["ratio_to_best_peer"]
        lines.append(f"| {row['case']} | {row['data']} | " + " | ".join(cells) + f" | {number(ratio) if ratio is None or ratio >= 1 else f'**{ratio:.2f}**'} |")
    return "\n".join(lines) + "\n"


def cell(row, name):
    figures = row["figures"].get(name)
    if figures is None:
        return "-"
    text = number(figures[row["unit"]])
    if row["suite"] == "s3":
        text += f" / {figures['requests']:.0f}"
    if row["suite"] == "scale":
        text += f" / {figures['peak_mib']:.0f}"
    return text


def behind(rows):
    """Returns the rows below 1, with their reasons."""
    slower = [row for row in rows if row["ratio_to_best_peer"] and row["ratio_to_best_peer"] < 1]
    lines = []
    for row in slower:
        reason = REASONS.get((row["suite"], row["case"]), "not explained yet")
        lines.append(f"- {row['suite']}, {row['case']} ({row['data']}, {row['ratio_to_best_peer']:.2f}): {reason}.")
    return "## Rows below 1\n\n" + "\n".join(lines) + "\n" if lines else ""


def lacking(rows):
    """Returns the reasons for the dashes."""
    reasons = {}
    for row in rows:
        for name, reason in row["lacks"].items():
            reasons.setdefault((name, reason), []).append(f"{row['case']} ({row['data']})")
    lines = [f"- {name}, {'; '.join(dict.fromkeys(where))}: {reason}" for (name, reason), where in reasons.items()]
    return "## Why a cell is empty\n\n" + "\n".join(lines) + "\n" if lines else ""


# Drawings.


def bars(rows):
    """Returns an SVG chart of ratios, on a logarithmic scale; a line marks 1."""
    rows = [row for row in rows if row["ratio_to_best_peer"]]
    left, width, step = 330, 420, 16
    def x(ratio):
        return left + width * log2(min(max(ratio, 0.5), 64) / 0.5) / 7
    parts = []
    for position, row in enumerate(rows):
        ratio, y = row["ratio_to_best_peer"], 30 + position * step
        color = "#2a7" if ratio >= 1 else "#c33"
        start, end = sorted((x(1), x(ratio)))
        label = f"{row['case']}, {row['data']}" + (f" ({row['implementation']})" if row["implementation"] not in ("ours", "zarr_py") else "")
        parts.append(text(left - 8, y + 9, label, "end"))
        parts.append(f'<rect x="{start:.0f}" y="{y}" width="{max(end - start, 1):.0f}" height="{step - 5}" fill="{color}"/>')
        if row.get("limit"):
            best = x(ratio * row["ours"] / row["limit"])
            parts.append(f'<rect x="{best:.0f}" y="{y - 1}" width="2" height="{step - 3}" fill="#06c"/>')
            end = max(end, best + 2)
        parts.append(text(end + 4, y + 9, f"{ratio:.2g}", "start"))
    bottom = 30 + len(rows) * step
    for ratio in (0.5, 1, 2, 4, 8, 16, 32, 64):
        parts.insert(0, f'<line x1="{x(ratio):.0f}" x2="{x(ratio):.0f}" y1="24" y2="{bottom}" stroke="{"#555" if ratio == 1 else "#ddd"}"/>')
        parts.append(text(x(ratio), 16, f"{ratio:g}", "middle"))
    return svg(left + width + 60, bottom + 10, parts)


def curves(out, rows):
    """Draws one chart for each growing size, and returns the Markdown that shows them."""
    lines = []
    for name in dict.fromkeys(row["case"] for row in rows):
        of_case = [row for row in rows if row["case"] == name and row["ours"]]
        if len(of_case) < 2:
            continue
        file = f"benchmarks-{name.replace(' ', '-')}.svg"
        (out / file).write_text(curve({row["size"]: row["ours"] for row in of_case}))
        time = "Wall time" if of_case[0]["unit"] == "wall_ms" else "CPU time"
        lines.append(f"{name[0].upper()}{name[1:]}; the dashed line marks growth in proportion to the size:\n\n![{time} over size]({file})\n")
        lines += costs(of_case)
    return lines


def costs(rows):
    """Returns a table of the costs besides time, if there are any; a peak below 1 MiB is none."""
    found, inner = [row["figures"]["ours"] for row in rows], rows[0].get("inner_chunks")
    columns = {
        "wall ms": [one["wall_ms"] for one in found] if rows[0]["unit"] == "wall_ms" else None,
        "CPU ms": [one["cpu_ms"] for one in found],
        "MiB": [one["peak_mib"] for one in found] if max(one["peak_mib"] for one in found) >= 1 else None,
        "requests": [one["requests"] for one in found] if "requests" in found[0] else None,
        "sleeps per inner chunk": [one["switches"] / inner for one in found] if inner else None,
    }
    if not (columns["MiB"] or columns["requests"]):
        return []
    columns = {head: column for head, column in columns.items() if column}
    lines = ["| size | " + " | ".join(columns) + " |", "|---|" + "---|" * len(columns)]
    lines += [f"| {row['size']:,} | " + " | ".join(map(number, line)) + " |" for row, line in zip(rows, zip(*columns.values()))]
    return ["\n".join(lines) + "\n"]


def curve(found):
    sizes, times = [log10(size) for size in found], [log10(time) for time in found.values()]
    low, high = min(-1, *times), max(*times, times[0] + 1) + 0.2
    def at(size, time):
        return 60 + 400 * (size - sizes[0]) / (sizes[-1] - sizes[0]), 220 - 190 * (time - low) / (high - low)
    def polyline(points, style):
        joined = " ".join(f"{x:.0f},{y:.0f}" for x, y in points)
        return f'<polyline points="{joined}" fill="none" {style}/>'
    steps = min(sizes[-1] - sizes[0], high - times[0])
    parts = [polyline([at(sizes[0], high), at(sizes[0], low), at(sizes[-1], low)], 'stroke="#999"')]
    parts.append(polyline([at(sizes[0], times[0]), at(sizes[0] + steps, times[0] + steps)], 'stroke="#bbb" stroke-dasharray="4"'))
    parts.append(polyline([at(*point) for point in zip(sizes, times)], 'stroke="#06c" stroke-width="2"'))
    for (size, time), point in zip(found.items(), zip(sizes, times)):
        x, y = at(*point)
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="#06c"/>', text(x, y - 8, f"{time:.3g} ms", "middle"), text(x, 235, f"{size:,}", "middle")]
    return svg(520, 250, parts)


def text(x, y, content, anchor):
    return f'<text x="{x:.0f}" y="{y:.0f}" font-family="sans-serif" font-size="11" text-anchor="{anchor}" fill="#333">{content}</text>'


def svg(width, height, parts):
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" style="background:white">\n{body}\n</svg>\n'
