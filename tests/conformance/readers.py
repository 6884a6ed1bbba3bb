"""Readers under test as processes: one process per case, or one process that answers JSON lines.
Standard library only.

Each reader returns an answer: `status` ("ok", "error", "crash", "timeout" or "memory"), `file`,
`error`, `kind`, `seconds`. Memory is limited twice: by `RLIMIT_DATA` of the process, and by the
resident memory that a case may add.
"""

import json
import os
import re
import resource
import select
import shlex
import signal
import subprocess
import tempfile
import time

KINDS = ("invalid", "unsupported", "not-found", "limit", "store")
PANIC = re.compile(r"panicked at|PanicException|internal error: entered unreachable")


def limit_process(memory_mb):
    """Returns the function that the new process calls before it becomes the reader."""

    def limit():
        os.setsid()
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        size = (4096 + 2 * memory_mb) << 20
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))

    return limit


def resident_mb(pid, field):
    """`VmRSS` or `VmHWM` of a process in MiB; 0 if the process is gone."""
    try:
        with open("/proc/%d/status" % pid) as status:
            return int(re.search(field + r":\s+(\d+) kB", status.read()).group(1)) >> 10
    except (OSError, AttributeError):
        return 0


def kill(process):
    """Kills a process and its children."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        pass
    process.wait()


class Command:
    """Runs one command per case, such as `reader {store} {node} {out}`: the command writes
    `{out}.npy` or `{out}.json` and exits with 0, or exits with another status and a message, `kind:
    text` if it reports the kind of error.
    """

    def __init__(self, template):
        self.template = template

    def close(self):
        """Does nothing, since no process runs between cases."""

    def read(self, store, node, out, seconds, memory_mb):
        """Runs the command for one array."""
        arguments = [a.format(store=store, node=node, out=out) for a in shlex.split(self.template)]
        start, message = time.monotonic(), tempfile.TemporaryFile()
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=message,
            preexec_fn=limit_process(memory_mb),
        )
        answer = {}
        while process.poll() is None:
            late = time.monotonic() - start > seconds
            if late or resident_mb(process.pid, "VmHWM") > memory_mb:
                kill(process)
                answer["status"] = "timeout" if late else "memory"
                break
            time.sleep(0.002)
        message.seek(0)
        text = message.read().decode("utf-8", "replace").strip()
        answer.update(seconds=time.monotonic() - start, error=text[-600:])
        if "status" in answer:
            return answer
        if process.returncode == 0:
            file = next((out + end for end in (".npy", ".json") if os.path.exists(out + end)), None)
            return dict(answer, status="ok" if file else "crash", file=file)
        if process.returncode < 0 or process.returncode in (101, 134, 139) or PANIC.search(text):
            return dict(answer, status="crash")
        head = text.split(":", 1)[0]
        return dict(answer, status="error", kind=head if head in KINDS else None)


class Server:
    """A process that answers `{"store", "node", "out"}` with `{"ok": true, "file"}` or `{"ok":
    false, "error", "kind"}`, each on one line of JSON. It is restarted when it exits.
    """

    def __init__(self, command, environment=None, slack_mb=0):
        self.command = shlex.split(command) if isinstance(command, str) else command
        self.environment = dict(os.environ, **(environment or {}))
        self.process, self.slack_mb = None, slack_mb

    def start(self, memory_mb):
        """Starts the process."""
        self.message = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.message,
            env=self.environment,
            preexec_fn=limit_process(memory_mb),
        )
        self.pending = b""

    def close(self):
        """Kills the process."""
        if self.process:
            kill(self.process)
            self.process.stdin.close()
            self.process.stdout.close()
            self.process = None

    def read(self, store, node, out, seconds, memory_mb):
        """Requests one array."""
        if self.process is None or self.process.poll() is not None:
            self.close()
            self.start(memory_mb)
        pid = self.process.pid
        try:
            with open("/proc/%d/clear_refs" % pid, "w") as file:
                file.write("5")
        except OSError:
            pass
        before, start = resident_mb(pid, "VmRSS"), time.monotonic()
        bound = max(before, 300) + memory_mb + self.slack_mb
        request = json.dumps({"store": store, "node": node, "out": out}) + "\n"
        try:
            self.process.stdin.write(request.encode())
            self.process.stdin.flush()
        except OSError:
            pass
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], 0.01)
            elapsed = time.monotonic() - start
            if ready:
                part = os.read(self.process.stdout.fileno(), 1 << 16)
                if not part:
                    return self.crashed(elapsed)
                self.pending += part
                if b"\n" in self.pending:
                    return self.answer(bound, elapsed)
            elif elapsed > seconds or resident_mb(pid, "VmRSS") > bound:
                status = "timeout" if elapsed > seconds else "memory"
                self.close()
                return {"status": status, "seconds": elapsed, "error": "ended after %.1f s" % elapsed}

    def crashed(self, elapsed):
        """Returns the answer for a process that has exited."""
        code = self.process.wait()
        self.message.seek(0)
        text = self.message.read().decode("utf-8", "replace")[-400:]
        self.process = None
        return {"status": "crash", "seconds": elapsed, "error": "exit %d: %s" % (code, text)}

    def answer(self, bound, elapsed):
        """Parses an answer line."""
        line, self.pending = self.pending.split(b"\n", 1)
        peak = resident_mb(self.process.pid, "VmHWM")
        found = json.loads(line)
        answer = {"seconds": elapsed, "file": found.get("file"), "error": found.get("error", ""), "kind": found.get("kind")}
        if peak > bound:
            self.close()
            return dict(answer, status="memory", error="%d MiB" % peak)
        if found["ok"]:
            return dict(answer, status="ok")
        crashed = found.get("kind") == "internal" or PANIC.search(str(answer["error"]))
        return dict(answer, status="crash" if crashed else "error")
