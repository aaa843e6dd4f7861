"""The statements that the packages keep in their modules, as they are sent."""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Sequence

from sqlalchemy import TextClause

_CHANGES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE\s+\w+\s+\w+|DELETE\s+FROM)\b")
# What is filled in when they run, where only part of a statement is kept.
_FILLED = {"{table}": "revenue_line", "{others}": "true"}


def changes_in(packages: Sequence[str]) -> dict[str, str]:
    """Return each statement that changes rows, with its name; those that are made when they run are not among them."""
    found: dict[str, str] = {}
    for package in packages:
        paths = importlib.import_module(package).__path__
        for module in pkgutil.walk_packages(paths, f"{package}."):
            if not module.name.endswith("__main__"):
                for name, value in vars(importlib.import_module(module.name)).items():
                    for statement in _statements(value) if not name.startswith("__") else ():
                        found.setdefault(statement, f"{module.name}.{name}")
    return found


def _statements(value: object) -> Iterator[str]:
    if isinstance(value, tuple | list):
        for one in value:
            yield from _statements(one)
    statement = value.text if isinstance(value, TextClause) else value
    if isinstance(statement, bytes):
        statement = statement.decode(errors="replace")
    if isinstance(statement, str) and _CHANGES.search(statement):
        for hole, filling in _FILLED.items():
            statement = statement.replace(hole, filling)
        if "{" not in statement.replace("'{}'", ""):
            yield statement
