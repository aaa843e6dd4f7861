"""`python -m sandbox.examples`: ask every operation of the API once, and write its request and answer to a file."""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from app.api.document.examples import FOLDER
from migrations.run import upgrade
from runtime.database import open_engine
from sandbox.examples.asking import Told, told_by
from sandbox.examples.demo import running_demo
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer


def main() -> int:
    """Replace the files, and return the exit code: 1 if an operation did not answer as hoped; its file then stays."""
    with (
        TemporaryDirectory(prefix="revmap-examples-", ignore_cleanup_errors=True) as directory,
        PostgresServer.start(Path(directory, "postgres"), durable=False) as postgres,
        ValkeyServer.start(Path(directory, "valkey"), durable=False) as valkey,
    ):
        told = fresh_examples(postgres.url, valkey.url)
    FOLDER.mkdir(exist_ok=True)
    for file in FOLDER.glob("*.json"):
        if file.stem not in told.examples and file.stem not in told.refusals:
            file.unlink()
    for name, example in told.examples.items():
        text = json.dumps(example._asdict(), indent=2, ensure_ascii=False)
        (FOLDER / f"{name}.json").write_text(f"{text}\n")
    print(f"Wrote {len(told.examples)} examples to {FOLDER}.")
    for name, refusal in told.refusals.items():
        print(f"{name}: {refusal}\n  Say in sandbox/examples/asked.py what to ask it.", file=sys.stderr)
    return 1 if told.refusals else 0


def fresh_examples(database_url: str, redis_url: str) -> Told:
    """Run the demo on an empty database and an empty Redis, and return what its operations answered."""
    engine = open_engine(database_url, name="examples", pool_size=1)
    try:
        upgrade(engine)
        with running_demo(engine, database_url, redis_url) as demo:
            return told_by(demo)
    finally:
        engine.dispose()


if __name__ == "__main__":
    sys.exit(main())
