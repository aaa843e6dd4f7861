"""Prove the product's promises: `python -m tests.prove [--seed N] [--minutes M] [pytest's arguments]`.

Runs the tests that are marked as promises with all their trials, and prints a line for each. With minutes, it goes on
with other seeds until the time is over or something is violated. Exits with 1 then, and with 0 if all is proved.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support.promise_table import Proved, printed

_NEXT_ROUND = 1_000_000  # further than any test's trials go


def main() -> int:
    """Run rounds until the time is over or one fails; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.prove")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--minutes", type=float, default=0)
    asked, others = parser.parse_known_args()
    ends_at, seed = time.monotonic() + 60 * asked.minutes, asked.seed
    with tempfile.TemporaryDirectory() as directory:
        proved = Path(directory, "proved")
        options = [*others, *(["--long"] if asked.minutes else [])]
        while not (failed := _round(seed, proved, options)) and time.monotonic() < ends_at:
            seed += _NEXT_ROUND
        if seed > asked.seed:
            lines = [Proved(**json.loads(line)) for line in proved.read_text().splitlines()]
            sys.stdout.write("\n".join(["", "all rounds", *printed(lines), ""]))
    return failed


def _round(seed: int, proved: Path, others: list[str]) -> int:
    options = ["-q", "-n", "2", "--dist", "worksteal", "--prove", "--seed", str(seed), "--hypothesis-seed", str(seed)]
    options += ["--ignore", "tests/locks"]  # no promises there, and slow to collect
    argv = [sys.executable, "-m", "pytest", *options, "--proved", str(proved), *others]
    return min(subprocess.run(argv, check=False).returncode, 1)


if __name__ == "__main__":
    sys.exit(main())
