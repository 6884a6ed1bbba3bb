"""The console script `zarrctl`: the command line of the Rust crate `zarrctl`."""

import signal
import sys

from zarr_py import _native

__all__ = ["main"]


def main() -> None:
    """Runs the command line with the arguments of this process, and exits with its code."""
    # Python's handler waits for the next instruction of Python, which is after the command.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_native.zarrctl(sys.argv))
