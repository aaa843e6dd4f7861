"""docs/settings.md names the environment variables that are read, and by which processes."""

import ast
import re

from tests.docs.markdown import DOCS, named_in, rows, section
from tests.support.paths import ROOT

PAGE = DOCS / "settings.md"

_MODULES = {
    "web": ("app/wiring/settings.py", "runtime/roles.py", "runtime/pooler_setting.py", "gunicorn.conf.py"),
    "worker": ("workers/wiring/settings.py", "runtime/roles.py", "runtime/pooler_setting.py"),
    "clock": ("workers/wiring/settings.py", "runtime/roles.py", "runtime/pooler_setting.py"),
    "flask": (
        "commands/terminal.py",
        "runtime/roles.py",
        "runtime/pooler_setting.py",
        "commands/waking.py",
        "commands/sealing.py",
    ),
    "make run": ("sandbox/run.py",),
}
_READERS = {
    "required",
    "required_list",
    "required_url",
    "optional",
    "optional_url",
    "whole_number",
    "_whole_number",
    "get",
}


def name_of(called: ast.expr) -> str:
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")


def variables_read_by(path: str) -> set[str]:
    """Return the names of the environment variables that a module asks for."""
    calls = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.Call)]
    asked = [call.args[0] for call in calls if call.args and name_of(call.func) in _READERS]
    names = {one.value for one in asked if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return {name for name in names if re.fullmatch(r"[A-Z][A-Z0-9_]+", name)}


def readers() -> dict[str, set[str]]:
    """Return which processes read each variable."""
    found: dict[str, set[str]] = {}
    for process, modules in _MODULES.items():
        for name in set().union(*map(variables_read_by, modules)):
            found.setdefault(name, set()).add(process)
    return found


def test_table_names_the_variables_that_are_read_and_no_other() -> None:
    read = set(readers())
    named = [name for row in rows(section(PAGE, "Variables")) for name in named_in(row[0])]

    assert read >= {"DATABASE_URL", "STRIPE_API_BASE", "STRIPE_WEBHOOK_SECRETS", "PORT"}
    assert sorted(named) == sorted(read)


def test_table_says_which_processes_read_a_variable() -> None:
    told = {row[0].strip("`"): set(row[1].split(", ")) for row in rows(section(PAGE, "Variables"))}

    assert told == readers()


def test_table_of_the_tests_names_their_variables() -> None:
    sources = [path.read_text() for path in (ROOT / "tests").rglob("*.py") if "docs" not in path.parts]
    read = set(re.findall(r'"(REVMAP_[A-Z_]+)"', "\n".join(sources)))

    assert {row[0].strip("`") for row in rows(section(PAGE, "Settings of the tests"))} == read
