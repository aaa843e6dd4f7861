"""Install exactly what a lock file names into a virtual environment, report progress, and explain failures.

`make` runs this before anything is installed, so only the standard library is used.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

_LOCKED = re.compile(r"^\w\S*==", re.MULTILINE)
_IGNORED = re.compile(r"Ignoring \S+: markers ")  # for another platform or Python
_FOUND = re.compile(r"(?:Collecting|Processing) (?:\S*/)?(\S+)")
_UNPACKING = "Installing collected packages"
_RETRYING = re.compile(r"Retrying \(.*connection broken by (?P<error>.*): \S+$")
_NOT_FOUND = re.compile(r"No matching distribution found for (\S+)")
_WENT_ON = re.compile(r"\s*(?:Collecting|Processing|Downloading|Installing collected packages)")
_STEP = 5
_LINES_KEPT = 15


class NotInstalledError(Exception):
    """pip failed; the message says why and what to do."""


def main() -> int:
    """Install, and return the exit code."""
    parser = argparse.ArgumentParser(description="Install a lock file into a new virtual environment.")
    parser.add_argument("environment", type=Path)
    parser.add_argument("lock", type=Path)
    options = parser.parse_args()
    try:
        install(options.environment, options.lock)
    except NotInstalledError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def install(environment: Path, lock: Path) -> None:
    """Recreate the environment, and install the packages that the lock file names for this machine.

    :raises NotInstalledError: pip failed, or what it installed does not fit together
    """
    print(f"Installing the packages of {lock} into {environment}. This takes about a minute.", flush=True)
    _run([sys.executable, "-m", "venv", "--clear", str(environment)], Progress(0))
    fill(environment, lock)


def fill(environment: Path, lock: Path) -> None:
    """Install the packages that the lock file names for this machine into an environment that is there.

    :raises NotInstalledError: pip failed, or what it installed does not fit together
    """
    locked = len(_LOCKED.findall(lock.read_text()))
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    # Without --no-deps, pip up to 23.2 picks the newest release for a requirement with extras, which has no hash here.
    argv = [*pip, "install", "--no-deps", "--require-hashes", "--progress-bar", "off", "-r", str(lock)]
    _run(argv, Progress(locked))
    _run([*pip, "check"], Progress(0))


def cause_of_failure(lines: list[str]) -> str:
    """Return a message for people about a pip run that failed after printing these lines."""
    return "\n".join([_cause(lines), "What pip said:", *(f"  {line}" for line in lines[-_LINES_KEPT:])])


def _cause(lines: list[str]) -> str:
    went_on = max((at for at, line in enumerate(lines) if _WENT_ON.match(line)), default=-1)
    broken = [found for line in lines[went_on + 1 :] if (found := _RETRYING.search(line))]
    if broken:
        return (
            f"The package index cannot be reached: {_reason(broken[-1])}\n"
            "Check the network and try again. Behind a proxy set HTTPS_PROXY; for another index set PIP_INDEX_URL."
        )
    missing = next((found[1] for line in lines if (found := _NOT_FOUND.search(line))), None)
    if missing:
        return (
            f"The package index has no wheel of {missing} for Python {sys.version.split()[0]} on {sys.platform}.\n"
            "Try another Python (make PYTHON=/path/to/python3.12 ...) or another index (PIP_INDEX_URL)."
        )
    return "The packages could not be installed."


class Progress:
    """The progress of a pip run, in lines to print."""

    def __init__(self, locked: int) -> None:
        """Start with the number of packages in the lock file, including those for other platforms."""
        self._total = locked
        self._found = 0
        self._is_retrying = False

    def after(self, line: str) -> str | None:
        """Return what to print after another line of pip's output, or None."""
        if _IGNORED.match(line):
            self._total -= 1
        elif found := _FOUND.match(line):
            self._found += 1
            if self._found % _STEP == 1:
                return f"  {self._found} of {self._total}: {found[1]}"
        elif line.startswith(_UNPACKING):
            return f"  {self._found} of {self._total}: all downloaded, unpacking them"
        elif not self._is_retrying and (broken := _RETRYING.search(line)):
            self._is_retrying = True
            return f"  The package index does not answer, trying again: {_reason(broken)}"
        return None


def _reason(broken: re.Match[str]) -> str:
    """Return the message inside the nested exceptions that pip prints."""
    innermost = re.split(r"(?:>|port=\d+\)): ", broken["error"])[-1]
    return re.sub(r"""['"]\)+['"]$""", "", innermost)


def _run(argv: list[str], progress: Progress) -> None:
    lines: list[str] = []
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        for line in process.stdout or ():
            lines.append(line.rstrip())
            if message := progress.after(lines[-1]):
                print(message, flush=True)
    if process.returncode:
        raise NotInstalledError(cause_of_failure(lines))


if __name__ == "__main__":
    sys.exit(main())
