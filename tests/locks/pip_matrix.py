"""Install both lock files with old and new pips while every distribution has a newer release.

`python -m tests.locks.pip_matrix` is a CI step and not a test, because it installs from a package index. It exits
with 1 if anything but a locked version is installed.
"""

import json
import os
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

from tests.support.lock_file import locked_in, normalized, publish_newer_releases

# The pips of Debian 12 and Python 3.11.7, and the newest of November 2026. The first does not run on Python 3.12.
_PIPS = ("23.0", "23.2.1", "26.3") if sys.version_info < (3, 12) else ("23.2.1", "26.3")
# With the options that a hosting platform and `make` use.
_INSTALLATIONS = {"requirements.txt": (), "requirements-dev.txt": ("--no-deps", "--require-hashes")}
_BROUGHT_BY_VENV = {"pip", "setuptools"}


def main() -> int:
    """Try each pip with each lock, and return the exit code."""
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        publish_newer_releases(Path("requirements-dev.txt"), Path(scratch, "newer"))
        for pip_version, (lock, options) in product(_PIPS, _INSTALLATIONS.items()):
            wrong = _wrongly_installed(Path(scratch), pip_version, Path(lock), options)
            sys.stdout.write(f"pip {pip_version}, {lock}: {wrong or 'as locked'}\n")
            sys.stdout.flush()
            failures += bool(wrong)
    return int(failures > 0)


def _wrongly_installed(scratch: Path, pip_version: str, lock: Path, options: tuple[str, ...]) -> str:
    environment = scratch / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--clear", environment], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", f"pip=={pip_version}"], check=True)
    links = f"{scratch / 'newer'} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
    ran = subprocess.run(
        [*pip, "install", "--quiet", *options, "-r", lock],
        env={**os.environ, "PIP_FIND_LINKS": links},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        return "\n".join(line for line in ran.stderr.splitlines() if not line.startswith("WARNING"))
    subprocess.run([*pip, "check"], check=True, stdout=subprocess.DEVNULL)
    listed = subprocess.run([*pip, "list", "--format", "json"], check=True, capture_output=True, text=True).stdout
    installed = {(normalized(one["name"]), one["version"]) for one in json.loads(listed)}
    named = {(one.name, one.version) for one in locked_in(lock)}
    needed = {(one.name, one.version) for one in locked_in(lock) if one.marker is None}
    return ", ".join(
        [
            f"{name} {version} is not in the lock"
            for name, version in sorted(installed - named)
            if name not in _BROUGHT_BY_VENV
        ]
        + [f"{name} {version} is missing" for name, version in sorted(needed - installed)]
    )


if __name__ == "__main__":
    sys.exit(main())
