"""Read the entries of a lock file, and write made-up wheels to test them with.

Only the standard library is used, because CI runs this before anything is installed.
"""

import re
import zipfile
from pathlib import Path
from typing import NamedTuple

_ENTRY = re.compile(
    r"^(?P<name>[\w.-]+)(?:\[(?P<extras>[\w,.-]+)\])?==(?P<version>\S+)(?: ; (?P<marker>.*?))? \\\n"
    r"(?P<hashes>(?:    --hash=\S+(?: \\)?\n)*)",
    re.MULTILINE,
)


class Locked(NamedTuple):
    """A distribution in a lock file."""

    name: str
    extras: frozenset[str]
    version: str
    marker: str | None
    hashes: tuple[str, ...]


def locked_in(lock: Path) -> list[Locked]:
    """Return the entries of a lock file."""
    return [
        Locked(
            name=normalized(found["name"]),
            extras=frozenset((found["extras"] or "").split(",")) - {""},
            version=found["version"],
            marker=found["marker"],
            hashes=tuple(re.findall(r"--hash=(\S+)", found["hashes"])),
        )
        for found in _ENTRY.finditer(lock.read_text())
    ]


def normalized(name: str) -> str:
    """Return the name of a distribution as PEP 503 compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def publish_newer_releases(lock: Path, folder: Path) -> None:
    """Write a newer release of every locked distribution into a folder for `pip --find-links`.

    It is a post-release: newer than the locked version, and allowed by every version specifier that allows it.
    """
    for one in locked_in(lock):
        write_wheel(folder, one.name, f"{one.version.partition('.post')[0]}.post9999")


def write_wheel(folder: Path, name: str, version: str, *metadata: str) -> Path:
    """Write a wheel that contains only metadata, including the given extra lines, and return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    path = folder / f"{stem}-py3-none-any.whl"
    headers = [f"Name: {name}", f"Version: {version}", *metadata]
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", "\n".join(["Metadata-Version: 2.1", *headers, ""]))
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path
