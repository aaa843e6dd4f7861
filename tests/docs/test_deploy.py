"""The files in deploy/ run the product's processes, with its own packages and settings."""

import re
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.docs.markdown import DOCS, named_in, rows, section
from tests.support.paths import ROOT

DEPLOY = ROOT / "deploy"
UNITS = {path.stem.removeprefix("revmap-"): path for path in (DEPLOY / "systemd").glob("*.service")}
PROCESSES = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), flags=re.MULTILINE))
# What no process of production may import.
NOT_DEPLOYED = {"sandbox", "bench", "tests"}
_HELD_BY = (
    "Capability",
    "Lock",
    "NoNew",
    "Private",
    "Protect",
    "RestrictAddress",
    "RestrictN",
    "RestrictR",
    "RestrictS",
    "SystemCall",
    "UMask",
)


def containers() -> dict[str, dict[str, Any]]:
    services: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    return services


def unit(path: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd tells capitals apart
    parser.read(path)
    return parser


def test_units_and_containers_run_the_processes_of_the_procfile() -> None:
    image = re.search(r"^CMD (\[.+\])$", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    assert image is not None
    of_image = yaml.safe_load(image[1])

    run = {name: unit(path)["Service"]["ExecStart"] for name, path in UNITS.items()}

    assert {name: line.removeprefix("/opt/revmap/venv/bin/") for name, line in run.items()} == PROCESSES
    ours = {name: one for name, one in containers().items() if one["image"] == "revmap"}
    assert {name: " ".join(one.get("command", of_image)) for name, one in ours.items()} == PROCESSES


def test_the_image_has_every_package_that_processes_import_and_no_other() -> None:
    copied = re.findall(r"^COPY (\w+) (\w+)$", (DEPLOY / "Containerfile").read_text(), flags=re.MULTILINE)
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}

    assert {source for source, _ in copied} == {target for _, target in copied} == packages - NOT_DEPLOYED


def test_settings_of_containers_are_documented_and_all_that_are_required_are_named() -> None:
    table = rows(section(DOCS / "settings.md", "Variables"))
    known = {name for row in table for name in named_in(row[0])}
    required = {
        name for row in table if row[3].startswith("required") and "with `" not in row[3] for name in named_in(row[0])
    }
    page = (DEPLOY / "compose.yaml").read_text()

    named = set(re.findall(r"\b[A-Z]{2,}_[A-Z_]+\b", page))

    assert named - known == {"POSTGRES_PASSWORD", "POSTGRES_USER", "POSTGRES_DB"}
    assert required <= named


def test_all_units_are_held_to_the_same() -> None:
    held = [
        {name: value for name, value in unit(path)["Service"].items() if name.startswith(_HELD_BY)}
        for path in UNITS.values()
    ]

    assert held[1:] == held[:-1]
    assert held[0]["ProtectSystem"] == "strict"
