"""A fixture that runs the operator's commands as `flask …` does."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from commands import register

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Run:
    """Return a function that runs a command on the test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = Flask("revmap")
    register(app)
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=[str(word) for word in words])
