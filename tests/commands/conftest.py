"""The operator's commands, run as `flask …` runs them."""

from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from commands import register

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, database_url: str) -> Run:
    """Give what runs a command on the test's database."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    app = Flask("revmap")
    register(app)
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=[str(word) for word in words])
