"""`python -m sandbox.examples`: ask every operation of the API once, and write its request and answer to a file."""

import argparse
import json
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from app.api.document.examples import FOLDER
from migrations.run import upgrade
from runtime.database import open_engine
from sandbox.examples.asking import Told, told_by
from sandbox.examples.running import running_demo
from sandbox.postgres import PostgresServer
from sandbox.valkey import ValkeyServer


def main() -> int:
    """Write the files, and return the exit code: 1 if an operation did not answer as hoped; its file then stays."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.examples", description="Write the API's examples.")
    parser.add_argument("--into", type=Path, default=FOLDER, help="where to write them (default: where they are shown)")
    parser.add_argument("--database-url", help="an empty database (default: one of its own)")
    parser.add_argument("--redis-url", help="an empty Redis (default: one of its own)")
    given = parser.parse_args()
    with TemporaryDirectory(prefix="revmap-examples-", ignore_cleanup_errors=True) as directory, ExitStack() as stack:
        database_url = given.database_url or stack.enter_context(_postgres(Path(directory, "postgres"))).url
        redis_url = given.redis_url or stack.enter_context(_valkey(Path(directory, "valkey"))).url
        told = _fresh_examples(database_url, redis_url)
    _write(told, given.into)
    print(f"Wrote {len(told.examples)} examples to {given.into}.")
    for name, refusal in told.refusals.items():
        print(f"{name}: {refusal}\n  Say in sandbox/examples/asked.py what to ask it.", file=sys.stderr)
    return 1 if told.refusals else 0


def _postgres(directory: Path) -> PostgresServer:
    return PostgresServer.start(directory, durable=False)


def _valkey(directory: Path) -> ValkeyServer:
    return ValkeyServer.start(directory, durable=False)


def _fresh_examples(database_url: str, redis_url: str) -> Told:
    engine = open_engine(database_url, name="examples", pool_size=1)
    upgrade(engine)
    with running_demo(engine, database_url, redis_url) as demo:
        told = told_by(demo)
    engine.dispose()
    return told


def _write(told: Told, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.json"):
        if file.stem not in told.examples and file.stem not in told.refusals:
            file.unlink()
    for name, example in told.examples.items():
        text = json.dumps(example._asdict(), indent=2, ensure_ascii=False)
        (folder / f"{name}.json").write_text(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
