"""Read the results of commands."""

import json
from typing import Any

from click.testing import Result


def json_of(result: Result) -> dict[str, Any]:
    """Return the one JSON document that a successful command printed on stdout."""
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1
    document: dict[str, Any] = json.loads(result.stdout)
    return document


def error_of(result: Result) -> str:
    """Return what a command that failed printed on stderr."""
    assert result.exit_code != 0
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    return result.stderr
