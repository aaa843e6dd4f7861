"""`make run`: run the whole product on one machine, with a simulated Stripe unless a real one is configured."""

import argparse
import os
import socket
import sys
import urllib.error
import urllib.request
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Event, Thread

from migrations.run import upgrade
from runtime.database import open_engine
from runtime.environ import Environment
from runtime.processes import Command, keep_running
from sandbox import ServerDidNotStartError
from sandbox.demo_company import EMAIL, demo_company
from sandbox.demo_settings import SIMULATED_ACCOUNT_SEED, DemoSettings, simulated_stripe_environment
from sandbox.postgres import PostgresServer
from sandbox.revival import kept_running
from sandbox.valkey import ValkeyServer

_START_SECONDS = 60.0


def main() -> int:
    """Run until Ctrl-C, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.run", description="Run the whole product on this machine.")
    parser.add_argument("--var", type=Path, default=Path("var"), help="where servers keep their data (default: ./var)")
    var: Path = parser.parse_args().var
    environment = Environment.of_process()
    port = environment.whole_number("PORT", 8000, least=1, most=65_535)
    environment.refuse_if_incomplete()
    if _is_taken(port):
        print(f"Port {port} is in use. Choose another: PORT=8001 make run", file=sys.stderr)
        return 1
    try:
        with ExitStack() as stack:
            return _run(stack, var, port)
    except ServerDidNotStartError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(stack: ExitStack, var: Path, port: int) -> int:
    var.mkdir(parents=True, exist_ok=True)
    saved = DemoSettings.load(var / "demo.json")
    environment = {**os.environ, "HOST": "127.0.0.1", "PORT": str(port)}
    if not environment.get("DATABASE_URL"):
        environment["DATABASE_URL"] = stack.enter_context(kept_running(partial(PostgresServer.start, var / "postgres")))
    if not environment.get("REDIS_URL"):
        environment["REDIS_URL"] = stack.enter_context(kept_running(partial(ValkeyServer.start, var / "valkey")))
    is_simulated = not environment.get("STRIPE_SECRET_KEY")
    stripe_port = _free_port(12111) if is_simulated else 0
    environment = saved.environment() | environment
    if is_simulated:
        environment |= simulated_stripe_environment(saved, stripe_port, port)
    engine = open_engine(environment["DATABASE_URL"], name="sandbox", pool_size=1, statement_timeout_ms=0)
    upgrade(engine)
    if is_simulated:
        demo_company(engine, saved)
    engine.dispose()
    announcement = _announcement(environment, saved, stripe_port if is_simulated else None)
    Thread(target=_announce, args=(port, announcement), daemon=True).start()
    keep_running(_commands(environment, saved, port, stripe_port))
    return 0


def _commands(environment: dict[str, str], saved: DemoSettings, port: int, stripe_port: int) -> list[Command]:
    python = sys.executable
    # In the order in which they stop, so that nothing wakes a stopped worker or sends a webhook to a stopped server.
    commands = [
        Command("clock", [python, "-m", "workers", "clock"], environment),
        Command("web", [python, "-m", "gunicorn", "wsgi:app"], environment),
        Command("worker", [python, "-m", "workers", "work"], environment),
    ]
    if stripe_port:
        argv = [
            *(python, "-m", "sandbox", "--port", str(stripe_port), "--seed", str(SIMULATED_ACCOUNT_SEED)),
            *("--until", str(saved.until), "--webhook-url", f"http://127.0.0.1:{port}/webhooks/stripe"),
            *("--webhook-secret", saved.webhook_secret),
        ]
        commands.insert(0, Command("simulated Stripe", argv, environment))
    return commands


def _announcement(environment: dict[str, str], saved: DemoSettings, stripe_port: int | None) -> str:
    url = f"http://127.0.0.1:{environment['PORT']}"
    lines = ["", f"revmap is running at {url} (the API's reference: {url}/docs).", ""]
    if stripe_port is None:
        lines += [
            "Create a company and a user, sign in, and connect the company's account on Stripe's page:",
            f"  export DATABASE_URL='{environment['DATABASE_URL']}'",
            "  .venv/bin/flask companies create NAME",
            "  .venv/bin/flask users create EMAIL --company ID --role admin",
            f"  {url}/sign-in?next=/settings/integrations",
            "Without STRIPE_CLIENT_ID, register an account that is already connected:",
            "  .venv/bin/flask connections authorize --company ID --account acct_…",
            f"Send the Connect webhooks to {url}/webhooks/stripe.",
            "",
        ]
    else:
        lines += [
            f"Behind it is a simulated Stripe at http://127.0.0.1:{stripe_port}: nothing in it is real.",
            f"Sign in at {url}/sign-in with",
            f"  e-mail    {EMAIL}",
            f"  password  {saved.password}",
            f"or use the API as company {saved.company_id} with this key:",
            f"  {saved.api_key}",
            "Its revenue mapping table:",
            f"  curl -s -H 'Authorization: Bearer {saved.api_key}' \\",
            f"    '{url}/v1/companies/{saved.company_id}/revenue-lines?include=totals'",
            "",
        ]
    return "\n".join([*lines, "Ctrl-C stops all of it; the data stays in ./var.", ""])


def _announce(port: int, announcement: str) -> None:
    pause = Event()
    for _ in range(int(_START_SECONDS / 0.1)):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2):
                print(announcement, flush=True)
                return
        except (OSError, urllib.error.URLError):
            pause.wait(0.1)
    print("The web process did not start. Its messages are above.", file=sys.stderr, flush=True)


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
        return False


def _free_port(wanted: int) -> int:
    if not _is_taken(wanted):
        return wanted
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
