"""The README stays short, and what it says is so."""

import json
import re
import tomllib
from pathlib import Path

from sandbox.demo_company import EMAIL
from sandbox.demo_settings import SIMULATED_ACCOUNT_SEED, DemoSettings
from sandbox.run import _announcement
from sandbox.stripe.account.moves import _ACTIONS
from sandbox.stripe.account.platform import SimulatedStripe
from sandbox.stripe.demo import FIRST_COMPANY
from tests.docs.click_commands import flask_commands
from tests.docs.markdown import README, named_in, rows, section
from tests.docs.served import served
from tests.support.paths import ROOT

LONGEST_BYTES = 10_000


def test_readme_is_read_in_one_sitting() -> None:
    assert len(README.read_bytes()) < LONGEST_BYTES


def test_layout_names_every_package_and_no_other() -> None:
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]
    told = [name for row in rows(section(README, "Layout")) for name in named_in(row[0])]

    assert sorted(told) == sorted([*(f"{package}/" for package in packages), "migrations/", "tests/"])


def test_two_commands_are_targets_of_make() -> None:
    makefile = (ROOT / "Makefile").read_text()

    for command in re.findall(r"`make (\w+)", README.read_text()):
        assert re.search(rf"^{command}:", makefile, flags=re.MULTILINE), command


def test_walk_uses_commands_and_routes_that_there_are() -> None:
    walk = section(README, "A first walk")
    commands = re.findall(r"\.venv/bin/(flask [a-z-]+(?: [a-z-]+)?)", walk)
    read = re.findall(r"""^get ['"]?([a-z][\w$/-]*)""", walk, flags=re.MULTILINE)
    routes = {one.route for one in served()}

    assert commands
    assert [one for one in commands if one not in flask_commands()] == []
    assert read
    for path in read:
        named = path.replace("$LINE", "{line_id}").replace("$POSITION", "{position}")
        assert f"GET /v1/companies/{{company_id}}/{named}" in routes, path


def test_walk_moves_what_the_simulated_stripe_has() -> None:
    walk = section(README, "A first walk")
    moves = [json.loads(one.replace("'$INVOICE'", "in_1")) for one in re.findall(r"-d '(\{.*\})'", walk)]
    stripe = SimulatedStripe(lambda: 0, seed=SIMULATED_ACCOUNT_SEED)

    assert moves
    assert {move["account"] for move in moves} == {stripe.create_account(FIRST_COMPANY).id}
    assert {move["action"] for move in moves} <= _ACTIONS
    assert EMAIL in walk


def test_announcement_is_quoted_as_it_is_printed() -> None:
    saved = DemoSettings(Path(), "", "", "", until=0, company_id=1, api_key="rmk_FVBt…", password="okzQ…")
    printed = _announcement({"PORT": "8000"}, saved, 12111).strip().splitlines()

    quoted = re.search(r"and then:\n\n```\n(.*?)\n…\n```", README.read_text(), flags=re.DOTALL)

    assert quoted is not None
    assert quoted[1].splitlines() == printed[: quoted[1].count("\n") + 1]
