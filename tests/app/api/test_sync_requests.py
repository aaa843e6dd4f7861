"""Requests for syncs from many sides at once: each is answered with a run, and runs are numbered without gaps."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from tests.support.clock import NOON
from tests.support.paths import ROOT
from tests.support.syncs.run_states import finish_run, start_run
from tests.support.web.lines import json_of
from tests.support.web.syncs import Editor, new_editor
from workers.syncs.leases import claim_run

THREADS, REQUESTS = 8, 96
MIGRATION = Path(ROOT, "migrations/versions/0024_syncs_and_last_companies.sql")


@pytest.fixture
def editor(client: FlaskClient, engine: Engine) -> Editor:
    return new_editor(client, engine)


def numbers_of(engine: Engine, company_id: int) -> list[int]:
    """Return the numbers of a company's runs, in the order in which they were requested."""
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT number FROM sync_run WHERE company_id = :company_id ORDER BY id"), {"company_id": company_id}
        )
        return list(found.scalars())


def test_every_request_names_a_run_and_no_number_is_left_out_while_syncs_begin_and_end(editor: Editor) -> None:
    is_over = Event()

    def end_runs() -> None:
        while not is_over.is_set():
            lease = claim_run(editor.engine, now=NOON)
            if lease is not None:
                finish_run(editor.engine, lease)

    def request(which: int) -> tuple[int, object, object]:
        # Every third request repeats the key of an earlier one.
        answer = editor.post(headers={"Idempotency-Key": f"key-{which % 32}"} if which % 3 == 0 else {})
        run = json_of(answer)
        return answer.status_code, run.get("id"), run.get("number")

    with ThreadPoolExecutor(THREADS + 1) as threads:
        ending = threads.submit(end_runs)
        answers = list(threads.map(request, range(REQUESTS)))
        is_over.set()
        ending.result()

    numbers = numbers_of(editor.engine, editor.company_id)
    assert {status for status, _, _ in answers} == {202}
    assert numbers == list(range(1, len(numbers) + 1))
    assert {number for _, _, number in answers} == set(numbers)
    assert len({run_id for _, run_id, _ in answers}) == len(numbers)


def test_each_company_counts_its_own_syncs_and_a_request_that_joins_one_burns_no_number(editor: Editor) -> None:
    other = new_editor(editor.client, editor.engine, "acct_other")
    joined = []
    for _ in range(3):
        lease = start_run(editor.engine, editor.company_id)
        joined += [json_of(editor.post())["number"] for _ in range(4)]
        finish_run(editor.engine, lease)

    assert joined == [1] * 4 + [2] * 4 + [3] * 4
    assert [run["number"] for run in json_of(editor.get("/syncs"))["data"]] == [3, 2, 1]
    assert json_of(other.post())["number"] == 1


def test_runs_from_before_there_were_numbers_are_numbered_in_the_order_of_their_ids(editor: Editor) -> None:
    other = new_editor(editor.client, editor.engine, "acct_other")
    for of in (editor, other, editor, editor):
        finish_run(of.engine, start_run(of.engine, of.company_id))
    with editor.engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER sync_run_number ON sync_run")
        connection.exec_driver_sql("DROP FUNCTION number_sync_run")
        connection.exec_driver_sql("ALTER TABLE sync_run DROP COLUMN number")
        connection.exec_driver_sql("ALTER TABLE user_account DROP COLUMN last_company_id")

    with editor.engine.begin() as connection:
        connection.exec_driver_sql(MIGRATION.read_text())

    assert numbers_of(editor.engine, editor.company_id) == [1, 2, 3]
    assert numbers_of(editor.engine, other.company_id) == [1]
    assert json_of(editor.post())["number"] == 4
