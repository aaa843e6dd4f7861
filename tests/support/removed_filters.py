"""Remove one company filter at a time, and name those that nobody misses: `python -m tests.support.removed_filters`.

Each removal is made in a copy of the tree, in which the tests run that stand without row-level security beside a
company with the same ids. It takes about half a minute for each filter, so that the suite does not run it; PATTERN
arguments choose files. Exits with 1 if nobody notices that a filter is gone and `EXPLAINED` does not say why.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tests.support.paths import ROOT

_PRODUCT = (
    *("app", "backlog", "commands", "events", "mapping", "notices"),
    *("projections", "stripe_gateway", "tenants", "workers"),
)
_TESTS = (
    "tests/app/auth/test_company_filters.py",
    "tests/tenants/test_filters_of_rows.py",
    "tests/workers/test_two_companies.py",
)
_SQL = re.compile(r"((?:\w+\.)?company_id) = (:company_id|%\(company_id\)s(?:::\w+)?)")
_EXPRESSION = re.compile(r"(\b[a-z_]+(?:\.c)?\.company_id) == (?:desk\.)?company_id\b")
_LONGEST_SECONDS = 300
# A file, part of the line that is changed, and why nobody notices that the filter is gone.
_OF_ENDPOINT = "an endpoint's id is no other company's, and who asks has read the endpoint"
EXPLAINED: tuple[tuple[str, str, str], ...] = (
    ("notices/endpoint_secrets.py", "endpoint_id = :endpoint_id", _OF_ENDPOINT),
)


class Removal(NamedTuple):
    """A filter of a file: what stands there, and what stands there once it is removed."""

    path: Path
    start: int
    end: int
    replacement: str

    def line(self) -> str:
        """Return where it is and the line it is in."""
        text = (ROOT / self.path).read_text()
        number = text.count("\n", 0, self.start)
        return f"{self.path}:{number + 1}: {text.splitlines()[number].strip()}"

    def is_explained(self) -> bool:
        """Return whether a reason is known for nobody noticing that it is gone."""
        return any(str(self.path) == path and part in self.line() for path, part, _ in EXPLAINED)

    def apply(self, tree: Path) -> None:
        """Write the file without the filter into a copy of the tree."""
        text = (ROOT / self.path).read_text()
        (tree / self.path).write_text(text[: self.start] + self.replacement + text[self.end :])

    def undo(self, tree: Path) -> None:
        """Write the file as it is into the copy."""
        shutil.copy2(ROOT / self.path, tree / self.path)


def removals(patterns: Sequence[str]) -> Iterator[Removal]:
    """Yield every filter of the product, or of the files that match a pattern."""
    for path in sorted(one.relative_to(ROOT) for room in _PRODUCT for one in (ROOT / room).rglob("*.py")):
        if patterns and not any(path.match(pattern) for pattern in patterns):
            continue
        text = (ROOT / path).read_text()
        for found in _SQL.finditer(text):
            # The value stays in the statement, so that it takes the same parameters.
            yield Removal(path, *found.span(), f"({found[0]} OR {found[1]} IS NOT NULL)")
        for found in _EXPRESSION.finditer(text):
            yield Removal(path, *found.span(), f"{found[1]}.is_not(None)")


def survives(removal: Removal, trees: "SimpleQueue[Path]") -> bool:
    """Return whether all tests pass without the filter."""
    tree = trees.get()
    removal.apply(tree)
    argv = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *_TESTS]
    try:
        ended = subprocess.run(argv, cwd=tree, check=False, capture_output=True, timeout=_LONGEST_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    else:
        return ended.returncode == 0
    finally:
        removal.undo(tree)
        trees.put(tree)


def main() -> int:
    """Remove the filters, print a line for each, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.removed_filters", description=__doc__)
    parser.add_argument("patterns", nargs="*", metavar="PATTERN", help="which files, such as backlog/exports/*.py")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default: 2)")
    given = parser.parse_args()
    chosen = list(removals(given.patterns))
    with tempfile.TemporaryDirectory(prefix="revmap-filters-") as directory, ThreadPoolExecutor(given.jobs) as threads:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(given.jobs):
            ignored = shutil.ignore_patterns(".*", "var", "__pycache__")
            trees.put(Path(shutil.copytree(ROOT, Path(directory, str(number)), ignore=ignored)))
        survivors = 0
        for removal, has_survived in zip(chosen, threads.map(lambda one: survives(one, trees), chosen), strict=True):
            verdict = (
                "explained" if has_survived and removal.is_explained() else "SURVIVES" if has_survived else "noticed"
            )
            survivors += verdict == "SURVIVES"
            sys.stdout.write(f"{verdict:9} {removal.line()}\n")
            sys.stdout.flush()
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
