"""The examples of the API reference are what the product answers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from app.api.document.examples import Example, examples
from sandbox.valkey import ValkeyServer

pytestmark = pytest.mark.timeout(150)
COMMAND = "run `.venv/bin/python -m sandbox.examples`, which writes all of them"


def shape(value: object) -> object:
    """Return a value with its kind in the place of each text, number and flag, and one item for a list."""
    if isinstance(value, dict):
        return {name: shape(below) for name, below in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_a_fresh_run_answers_in_the_shape_of_the_examples(
    database_url: str, redis: Redis, valkey: ValkeyServer, tmp_path: Path
) -> None:
    assert redis.dbsize() == 0
    servers = ["--database-url", database_url, "--redis-url", valkey.url]

    run = subprocess.run(
        [sys.executable, "-m", "sandbox.examples", "--into", tmp_path, *servers], capture_output=True, check=False
    )

    assert run.returncode == 0, run.stderr.decode()
    fresh = {file.stem: Example(**json.loads(file.read_text())) for file in tmp_path.glob("*.json")}
    assert set(fresh) == set(examples()), f"Other operations: {COMMAND}."
    for name, example in fresh.items():
        kept = examples()[name]
        assert shape(example._asdict()) == shape(kept._asdict()), f"{name} answers otherwise: {COMMAND}."
        assert (example.query, example.headers, example.body) == (kept.query, kept.headers, kept.body)
