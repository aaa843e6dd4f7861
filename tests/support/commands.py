"""What the tests of the commands hold."""

import json
from typing import Any

from click.testing import Result


def told(result: Result) -> dict[str, Any]:
    """Give the one JSON document that a command printed on stdout."""
    assert result.exit_code == 0, result.output
    assert result.stdout.count("\n") == 1
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(result: Result) -> str:
    """Give the sentence with which a command refused."""
    assert result.exit_code != 0
    assert result.stdout == ""
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    return result.stderr
