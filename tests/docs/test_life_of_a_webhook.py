"""docs/life-of-a-webhook.md leads through files and functions that there are."""

import ast
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.markdown import DOCS, section
from tests.support.paths import ROOT

PAGE = DOCS / "life-of-a-webhook.md"
PARTS = ("Into the log", "Into the table", "Out to the reader")
MOST_HOPS = 35

_NUMBERED = re.compile(r"^\d+\. .*$", re.MULTILINE)
_HOP = re.compile(r"(\d+)\. \[([\w./]+)\]\(\.\./([\w./]+)\) `([\w.]+)`: ([A-Z].*)")


class Hop(NamedTuple):
    number: int
    label: str
    path: str
    function: str
    sentence: str

    @property
    def file(self) -> Path:
        return ROOT / self.path

    def names(self, other: "Hop") -> bool:
        """Tell whether this file names the module or the function of another."""
        module = other.path.removesuffix(".py").replace("/", ".")
        words = rf"\b(?:{re.escape(module)}|{other.function.rpartition('.')[2]})\b"
        return re.search(words, self.file.read_text()) is not None


def hops_of(part: str) -> list[Hop]:
    lines = _NUMBERED.findall(section(PAGE, part))
    found = [_HOP.fullmatch(line) for line in lines]
    assert all(found), lines
    return [Hop(int(one[1]), *one.groups()[1:]) for one in found if one]


HOPS = [hop for part in PARTS for hop in hops_of(part)]


def defined_in(file: Path) -> set[str]:
    """Return the functions and classes that a file defines, methods after the name of their class."""
    text = file.read_text()
    if file.suffix == ".sql":
        return set(re.findall(r"^CREATE (?:OR REPLACE )?FUNCTION (\w+)\(", text, flags=re.MULTILINE))
    kinds = (ast.FunctionDef, ast.ClassDef)
    top = [node for node in ast.parse(text).body if isinstance(node, kinds)]
    methods = {f"{node.name}.{one.name}" for node in top for one in ast.walk(node) if isinstance(one, ast.FunctionDef)}
    return {node.name for node in top} | methods


def test_hops_are_numbered_and_few_enough_to_follow() -> None:
    assert [hop.number for hop in HOPS] == list(range(1, len(HOPS) + 1))
    assert 20 <= len(HOPS) <= MOST_HOPS
    assert len(_NUMBERED.findall(PAGE.read_text())) == len(HOPS)


def test_way_begins_at_the_webhook_and_ends_at_the_row() -> None:
    assert HOPS[0].function == "keep_webhook"
    assert HOPS[-1].function == "RevenueLine"


def test_no_file_is_entered_twice() -> None:
    assert len({hop.path for hop in HOPS}) == len(HOPS)


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: hop.path)
def test_hop_names_a_function_that_its_file_defines(hop: Hop) -> None:
    assert hop.label == hop.path
    assert hop.file.exists()
    assert hop.function in defined_in(hop.file)


@pytest.mark.parametrize("hop", HOPS, ids=lambda hop: hop.path)
def test_hop_is_told_in_one_sentence(hop: Hop) -> None:
    assert hop.sentence.endswith(".")
    assert ". " not in hop.sentence


@pytest.mark.parametrize("part", PARTS)
def test_each_hop_follows_from_an_earlier_one(part: str) -> None:
    hops = hops_of(part)

    for place, hop in enumerate(hops[1:], start=1):
        assert any(earlier.names(hop) or hop.names(earlier) for earlier in hops[:place]), hop.path


def test_other_paths_name_hops_that_there_are() -> None:
    named = re.findall(r"hop (\d+)", section(PAGE, "Other paths"))

    assert named
    assert {int(number) for number in named} <= {hop.number for hop in HOPS}
