"""Counts what threads of this engine share per inner chunk, and prints the tables of docs/scale.md.

    cargo build --release && python contention.py [--threads 2] [--sites 10]

in the folder `benches`, on Linux on x86-64, with valgrind, strace and objdump. No figure needs many cores:

- times and voluntary context switches: `contention` (src/bin/contention.rs) alone, on 1, 2 and 64 threads;
- waits for locks: futex calls that `strace` sees;
- atomic instructions and allocations: callgrind counts how often each instruction runs; objdump tells which have
  a `lock` prefix, or exchange with memory. A fence (`lock or` on the stack) is not counted.

Each count is the difference between 5 and 1 repetitions, so that the preparation does not count.
"""

import argparse
import collections
import functools
import os
import pathlib
import re
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PROGRAM = pathlib.Path(os.environ.get("CARGO_TARGET_DIR") or HERE / "target") / "release" / "contention"
CASES = [(op, place, *chunk) for chunk in (("raw", 4), ("zstd", 256)) for op in ("read", "write") for place in ("local", "memory")]
# The repetitions of the two runs that are compared.
FEW, MANY = 1, 5
ALLOCATIONS = ("malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc")
# The functions whose atomic instructions change the count of references to the codecs of the array: a cache line
# that all threads share. `next_batch` makes two references, one of them to the codecs, which is later dropped.
CODECS = re.compile(r"InnerParts as .*Iterator>::next$|drop_in_place<zarr_core::plan::part::ChunkPart>|InnerParts::next_batch")
# The functions that count references in memory of one batch, which one thread runs, if the batch has several inner
# chunks: to the codecs, the location and the attempt.
OWN = re.compile(r"InnerParts as .*Iterator>::next$|drop_in_place<zarr_core::plan::(part::ChunkPart|job::ChunkJob)>|ShardWorks::inner$")
# The decoded size of a batch, in KiB.
BATCH_KIB = 256
# What one thread at a time does, with the iterator of the jobs locked: for a shard, or for what arrived from a store.
LOCKED = re.compile(r"ShardWorks::next_batch|ObjectEncode as .*Iterator>::next$|Batches<.*Iterator>::next$")
ALLOCATOR = re.compile(r"_?_?(libc_)?_?(int_)?(malloc|free|calloc|realloc|tcache|arena|memalign|posix_memalign|mid_memalign|sysmalloc|systrim)")
# The time of one transfer of a cache line between distant cores, and of an instruction, in microseconds.
TRANSFER_US, INSTRUCTION_US = 0.1, 0.0002


def run(case, threads, times, *tool):
    """Runs a case, below a tool if one is given, and returns its four figures."""
    op, place, codec, kib = case
    with tempfile.TemporaryDirectory() as folder:
        place = folder if place == "local" else "memory:"
        command = [*tool, PROGRAM, op, place, codec, str(kib), "4", str(threads), str(times)]
        printed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout
    return [float(figure) for figure in printed.split()]


def differences(case, threads, count):
    """Returns the counts per inner chunk of one repetition; `count` counts those of a run."""
    few, many = count(case, threads, FEW), count(case, threads, MANY)
    chunks = run(case, 1, 1)[0] * (MANY - FEW)
    return {key: (number - few[key]) / chunks for key, number in many.items()}


def futexes(case, threads, times):
    with tempfile.NamedTemporaryFile("r") as file:
        run(case, threads, times, "strace", "-f", "-e", "trace=futex", "-o", file.name)
        return collections.Counter(re.findall(r"FUTEX_(WAIT|WAKE)", file.read()))


def instructions(case, threads, times):
    """Returns how often atomic instructions ran, by function, the allocations, and the instructions behind a lock."""
    counts = collections.Counter()
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        run(case, threads, times, "valgrind", "--tool=callgrind", "--dump-instr=yes", "--compress-strings=no", "--compress-pos=no",
            "--fair-sched=yes", f"--callgrind-out-file={out}")
        place, skip = {}, False
        for line in out.open():
            kind, _, value = line.strip().partition("=")
            if kind in ("ob", "fn", "cfn"):
                place[kind] = value
            elif kind == "calls":
                skip = True
                if place["cfn"] in ALLOCATIONS:
                    counts["allocations"] += int(value.split()[0])
            elif line.startswith("0x"):
                address, _, cost = line.split()
                if skip and LOCKED.search(place["cfn"]):
                    counts["locked"] += int(cost)
                if not skip and int(address, 16) in atomics(place["ob"]):
                    counts[place["fn"]] += int(cost)
                skip = False
    return counts


@functools.cache
def atomics(path):
    """Returns the addresses of the atomic instructions of a program or library."""
    if not os.path.exists(path):
        return frozenset()
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], stdout=subprocess.PIPE, text=True, check=True).stdout
    found = re.findall(r"^ *([0-9a-f]+):\s+(lock .*|xchg .*\(.*)$", listing, re.MULTILINE)
    return frozenset(int(address, 16) for address, text in found if not re.match(r"lock or.*\(%rsp\)", text))


def name(case):
    op, place, codec, kib = case
    return f"{op}, {codec} {kib} KiB, {place}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="computing threads during the counts")
    parser.add_argument("--sites", type=int, default=10, help="the functions with most atomic instructions to print")
    arguments = parser.parse_args()
    alone, shared = subprocess.run([PROGRAM, "transfer"], stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    print(f"An atomic addition takes {alone} ns alone, {shared} ns beside another thread.\n")
    heads = ["case", "t, us", "sleeps, 2 threads", "64", "futex waits", "allocations", "atomics: allocator", "others", "codecs", "locked instr."]
    print("| " + " | ".join([*heads, "c, us", "knee", "c at worst, us", "knee"]) + " |\n" + "|---" * 14 + "|")
    sites = []
    for case in CASES:
        (_, one, *_), two, many = (run(case, threads, 20) for threads in (1, 2, 64))
        waits = differences(case, arguments.threads, futexes).get("WAIT", 0)
        counts = differences(case, arguments.threads, instructions)
        allocations, locked = (counts.pop(name, 0) for name in ("allocations", "locked"))
        own = sum(count for function, count in counts.items() if ALLOCATOR.match(function))
        batch = {function for function in counts if case[3] < BATCH_KIB and OWN.search(function)}
        codecs = sum(count for function, count in counts.items() if CODECS.search(function) and function not in batch)
        others = sum(counts.values()) - own
        shared = others - sum(counts[function] for function in batch)
        figures = [one, two[3], many[3], max(waits, 0), allocations, own, others, codecs, locked]
        for cost in (codecs * TRANSFER_US + locked * INSTRUCTION_US, shared * TRANSFER_US + locked * INSTRUCTION_US):
            figures += [cost, one / cost]
        print(f"| {name(case)} | " + " | ".join(f"{figure:.2g}" if figure < 100 else f"{figure:.0f}" for figure in figures) + " |", flush=True)
        most = sorted(counts.items(), key=lambda item: -item[1])[: arguments.sites]
        sites += [f"\n{name(case)}:"] + [f"- {count:.3g}: {function}" for function, count in most]
    print("\n".join(sites))


if __name__ == "__main__":
    main()
