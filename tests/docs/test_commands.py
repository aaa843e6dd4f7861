"""docs/commands.md names every command with its options, and what make runs."""

import re

import click

from bench.__main__ import main as bench
from commands.sync_words import in_words
from tests.docs.click_commands import commands_below, flask_commands
from tests.docs.markdown import DOCS, named_in, rows, section
from tests.support.paths import ROOT
from workers.__main__ import main as workers

PAGE = DOCS / "commands.md"
MAKEFILE = (ROOT / "Makefile").read_text()


def recipe_of(target: str) -> str:
    """Return the commands that make runs for a target."""
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, flags=re.MULTILINE)
    assert found is not None
    return found[1]


def usages() -> dict[str, str]:
    """Return what the table says after the name of each command."""
    told = [named_in(row[0])[0] for row in rows(section(PAGE, "flask")) if row[0].startswith("`flask ")]
    names = flask_commands()
    parts = [re.match("|".join(map(re.escape, sorted(names, key=len, reverse=True))), usage) for usage in told]
    assert all(parts), told
    return {part[0]: part.string[part.end() :] for part in parts if part}


def test_table_names_every_flask_command_and_no_other() -> None:
    names = set(flask_commands())

    assert {"flask db upgrade", "flask sync"} <= names
    assert set(usages()) == names


def test_table_gives_every_option_and_marks_those_that_may_be_left_out() -> None:
    for name, usage in usages().items():
        options = [one for one in flask_commands()[name].params if isinstance(one, click.Option)]
        told = {option.opts[0]: option.required for option in options if option.name != "is_json"}

        assert {option: f"[{option}" not in usage for option in re.findall(r"--[a-z-]+", usage)} == told, name


def test_every_command_can_answer_in_json() -> None:
    without = [name for name, one in flask_commands().items() if "is_json" not in {param.name for param in one.params}]

    assert without == []


def test_table_of_processes_names_all_of_them() -> None:
    told = [named_in(row[0])[0] for row in rows(section(PAGE, "Processes and tools"))]
    below = [*commands_below("python -m workers", workers), *commands_below("python -m bench", bench)]

    sandbox = ["python -m sandbox", "python -m sandbox.examples"]
    assert sorted(told) == sorted([*(name for name, _ in below), *sandbox])


def test_table_of_make_names_every_target() -> None:
    targets = re.findall(r"^([a-z]+):.*## ", MAKEFILE, flags=re.MULTILINE)

    assert [named_in(row[0])[0] for row in rows(section(PAGE, "make"))] == [f"make {target}" for target in targets]


def test_ci_runs_the_test_command_that_is_documented() -> None:
    named = re.search(r"\| `make test` \|[^\n]*?`\.venv/bin/(python -m pytest[^`]*)`", PAGE.read_text())
    assert named is not None

    assert named[1].replace("python", "$(python)", 1) in recipe_of("test")
    assert re.search(r"\$\(MAKE\)[^\n]* test\n", recipe_of("check"))
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("make check")


def test_outcome_of_a_sync_is_quoted_as_it_is_printed() -> None:
    quoted = re.search(r"^Sync 7 .*$", section(PAGE, "flask sync"), flags=re.MULTILINE)
    proven = {"matched": 2431, "repaired": 2, "differences": []}
    run = {"number": 7, "company_id": 1, "status": "succeeded", "reconciliation": proven, "error": None}

    assert quoted is not None
    assert quoted[0] == in_words(run)
