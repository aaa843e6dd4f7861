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


def is_alike(fresh: object, kept: object) -> bool:
    """Return whether two values have the same names and kinds. What is not there yet may be there in another run."""
    if fresh in (None, []) or kept in (None, []):
        return True
    if isinstance(fresh, dict) and isinstance(kept, dict):
        return fresh.keys() == kept.keys() and all(is_alike(fresh[name], kept[name]) for name in fresh)
    if isinstance(fresh, list) and isinstance(kept, list):
        return is_alike(fresh[0], kept[0])
    return type(fresh) is type(kept)


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
        assert is_alike(example._asdict(), kept._asdict()), f"{name} answers otherwise: {COMMAND}."
        assert (example.query, example.headers, example.body) == (kept.query, kept.headers, kept.body)
