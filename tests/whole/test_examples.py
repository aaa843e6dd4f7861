"""The examples of the API reference are what the product answers."""

from redis import Redis

from app.api.document.examples import examples
from sandbox.examples.__main__ import fresh_examples
from sandbox.valkey import ValkeyServer


def shape(value: object) -> object:
    """Return a value with its kind in the place of each text, number and flag, and one item for a list."""
    if isinstance(value, dict):
        return {name: shape(below) for name, below in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def test_a_fresh_run_answers_in_the_shape_of_the_examples(
    database_url: str, redis: Redis, valkey: ValkeyServer
) -> None:
    assert redis.dbsize() == 0

    told = fresh_examples(database_url, valkey.url)

    assert told.refusals == {}
    for name, example in told.examples.items():
        kept = examples().get(name)
        assert kept is not None, f"{name} has no example: run `.venv/bin/python -m sandbox.examples`."
        told_shape, kept_shape = shape(example._asdict()), shape(kept._asdict())
        assert told_shape == kept_shape, f"{name} answers otherwise: run `.venv/bin/python -m sandbox.examples`."
        assert (example.query, example.headers, example.body) == (kept.query, kept.headers, kept.body)
