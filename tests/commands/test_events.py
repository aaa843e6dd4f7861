"""The log can be verified, and exported exactly as it was received."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256

import pytest
from sqlalchemy import Connection, Engine, text

from events.log.payloads import compressed
from tests.commands.conftest import Run
from tests.support.commands import error_of, json_of
from tests.support.company import company_with, record_events
from tests.support.payloads import ACCOUNT, event, new_invoice
from tests.support.signing import json_bytes

# Order, spaces, escapes, nested keys and a number beyond 64 bits: all must be exported as received.
BODY = (
    b'{ "id":"evt_exact", "object":"event","account":"acct_tests","livemode":true,\n\t"created":1767225600,'
    b'"type":"charge.other","data":{"object":{"id":"ch_1","note":"\xf0\x9f\x92\xb8 \\ud83d\\ude00 \\/ \\u0000",'
    b'"big":12345678901234567890123,"zero":-0.0,"exact":1.10} } }'
)


@pytest.fixture
def company_id(engine: Engine) -> int:
    company_id = company_with(engine, ACCOUNT)
    record_events(engine, BODY, event(new_invoice("in_1")), event(new_invoice("in_2")))
    return company_id


@contextmanager
def maintenance(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in maintenance mode, the only way to alter the log."""
    with engine.begin() as connection:
        connection.exec_driver_sql("SET LOCAL revmap.maintenance = 'on'")
        yield connection


def test_the_log_is_counted_company_by_company(run: Run, engine: Engine, company_id: int) -> None:
    record_events(engine, event(new_invoice("in_3"), account="acct_of_nobody"))

    status = json_of(run("events", "status", "--json"))

    assert status["parked"] == 1
    assert [list(company) for company in status["companies"]] == [
        ["company_id", "events", "last_recorded_at", "head", "unchained"]
    ]
    assert (status["companies"][0]["company_id"], status["companies"][0]["events"]) == (company_id, 4)
    assert (
        "1 event is parked until an account is connected; 0 bodies contradict an event."
        in run("events", "status").stdout
    )


def test_an_empty_log_has_a_status(run: Run) -> None:
    assert json_of(run("events", "status", "--json")) == {"companies": [], "parked": 0, "conflicts": 0}
    assert "No company has any events yet" in run("events", "status").stdout


def test_a_whole_log_is_found_whole(run: Run, company_id: int) -> None:
    verdict = json_of(run("events", "verify", "--json"))

    assert verdict["whole"] is True
    assert [(one["company_id"], one["events"], one["faults"]) for one in verdict["companies"]] == [(company_id, 4, [])]
    assert "4 events, whole" in run("events", "verify").stdout


def test_a_flipped_bit_is_found(run: Run, engine: Engine, company_id: int) -> None:
    with maintenance(engine) as connection:
        connection.exec_driver_sql(
            "UPDATE event SET payload_zstd = set_bit(payload_zstd, 8 * (length(payload_zstd) - 4), 1 - "
            "get_bit(payload_zstd, 8 * (length(payload_zstd) - 4))) WHERE position = 3"
        )

    result = run("events", "verify", "--json")

    assert result.exit_code == 1
    verdict = json.loads(result.stdout)
    assert verdict["whole"] is False
    assert verdict["companies"][0]["faults"] == ["the body at position 3 does not match its hash"]
    assert run("events", "verify").exit_code == 1


@pytest.mark.parametrize(
    ("damage", "fault"),
    [
        ("DELETE FROM event WHERE position = 2", "position 2 is missing: 3 follows"),
        ("DELETE FROM event WHERE position = 4", "the head says 4 events, the last position is 3"),
        ("DELETE FROM event WHERE position = 1", "position 1 is missing: 2 follows"),
        ("DELETE FROM event", "the head says 4 events, the last position is 0"),
        ("UPDATE company_head SET position = 3", "the head says 3 events, the last position is 4"),
        (
            "DELETE FROM event WHERE position = 4; UPDATE company_head SET position = 3",
            "the head was chained up to position 4, the last is 3",
        ),
        (
            "DELETE FROM event WHERE position = 4; UPDATE company_head SET position = 3, chain_position = 3",
            "the hash of the head is not that of position 3",
        ),
        ("UPDATE event SET livemode = NOT livemode WHERE position = 2", "the chain breaks at position 2"),
        ("UPDATE event SET chain_sha256 = NULL WHERE position = 4", "the chain breaks at position 4"),
        ("DELETE FROM company_head", "the head is missing, the last position is 4"),
        ("UPDATE event SET payload_zstd = '' WHERE position = 2", "the body at position 2 does not match its hash"),
        ("UPDATE event SET payload_sha256 = '' WHERE position = 1", "the body at position 1 does not match its hash"),
    ],
)
def test_every_other_damage_is_named(run: Run, engine: Engine, company_id: int, damage: str, fault: str) -> None:
    with maintenance(engine) as connection:
        connection.exec_driver_sql(damage)

    result = run("events", "verify", "--json")

    assert result.exit_code == 1
    assert [company["faults"] for company in json.loads(result.stdout)["companies"]] == [[fault]]


def test_an_amount_rewritten_with_its_hash_is_found_and_a_rewritten_chain_by_what_was_noted(
    run: Run, engine: Engine, company_id: int
) -> None:
    noted = json_of(run("events", "status", "--json"))["companies"][0]["head"]
    record_events(engine, event(new_invoice("in_3")))
    forged = json_bytes(event(new_invoice("in_1", amount_due=1)))
    assert run("events", "verify", "--continues", noted).exit_code == 0

    with maintenance(engine) as connection:
        connection.execute(
            text("UPDATE event SET payload_zstd = :zstd, payload_sha256 = :sha256 WHERE position = 3"),
            {"zstd": compressed(forged), "sha256": sha256(forged).digest()},
        )
    broken = run("events", "verify", "--json")
    with maintenance(engine) as connection:
        connection.exec_driver_sql("UPDATE company_head SET chain_position = 0, chain_sha256 = ''")
    set_back, refused = run("events", "verify", "--json"), run("events", "chain")
    with maintenance(engine) as connection:
        connection.exec_driver_sql("UPDATE event SET chain_sha256 = NULL")
    rewritten = json_of(run("events", "chain", "--json"))
    unsuspecting, knowing = run("events", "verify"), run("events", "verify", "--continues", noted)

    assert json.loads(broken.stdout)["companies"][0]["faults"] == ["the chain breaks at position 3"]
    assert json.loads(set_back.stdout)["companies"][0]["faults"] == [
        "position 1 is chained, but the head's chain ends before"
    ]
    assert "is chained beyond what its head says" in refused.stderr
    assert rewritten == {"chained": 5}
    assert (unsuspecting.exit_code, knowing.exit_code) == (0, 1)
    assert "the log does not continue what was noted of position 4" in knowing.stdout


def test_a_tail_cut_off_with_its_head_is_found_by_what_was_noted(run: Run, engine: Engine, company_id: int) -> None:
    noted = json_of(run("events", "verify", "--json"))["companies"][0]["head"]
    assert noted in run("events", "export", "--company", company_id).stderr
    with maintenance(engine) as connection:
        connection.exec_driver_sql("DELETE FROM event WHERE position = 4")
        connection.exec_driver_sql(
            "UPDATE company_head SET position = 3, chain_position = 3,"
            " chain_sha256 = (SELECT chain_sha256 FROM event WHERE position = 3)"
        )

    assert run("events", "verify").exit_code == 0
    assert "the log ends before position 4" in run("events", "verify", "--continues", noted).stdout
    assert "is not COMPANY:POSITION:HASH" in run("events", "verify", "--continues", "4").stderr


def test_events_from_before_there_were_chains_are_counted_and_chained(
    run: Run, engine: Engine, company_id: int
) -> None:
    head = json_of(run("events", "status", "--json"))["companies"][0]["head"]
    with maintenance(engine) as connection:
        connection.exec_driver_sql("UPDATE event SET chain_sha256 = NULL")
        connection.exec_driver_sql("UPDATE company_head SET chain_position = 0, chain_sha256 = ''")
    record_events(engine, event(new_invoice("in_3")))

    before = json_of(run("events", "verify", "--json", "--continues", head))["companies"][0]
    assert (before["events"], before["unchained"], before["faults"]) == (5, 5, [])
    assert "5 not chained yet" in run("events", "verify").stdout
    assert "5 events were chained" in run("events", "chain").stdout
    assert json_of(run("events", "chain", "--json")) == {"chained": 0}
    record_events(engine, event(new_invoice("in_4")))
    after = json_of(run("events", "verify", "--json", "--continues", head))["companies"][0]
    assert (after["events"], after["unchained"], after["faults"]) == (6, 0, [])
    with maintenance(engine) as connection:
        connection.exec_driver_sql("UPDATE company_head SET chain_position = 0, chain_sha256 = ''")
        connection.exec_driver_sql("DELETE FROM event WHERE position = 2; UPDATE event SET chain_sha256 = NULL")
    assert "has a gap" in run("events", "chain").stderr


def test_a_restored_database_begins_a_new_epoch_each_time(run: Run, engine: Engine) -> None:
    drawn = {json_of(run("events", "restored", "--json"))["epoch"] for _ in range(2)}
    spoken = run("events", "restored").stdout

    with engine.connect() as connection:
        current = connection.exec_driver_sql("SELECT epoch FROM log_epoch").scalar_one()
    assert len(drawn) == 2
    assert current not in drawn
    assert current in spoken


def test_a_log_that_grows_while_it_is_verified_is_whole(run: Run, engine: Engine, company_id: int) -> None:
    with engine.connect() as writing, writing.begin() as growth, ThreadPoolExecutor(1) as threads:
        writing.exec_driver_sql("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        verifying = threads.submit(run, "events", "verify", "--json")
        await_blocked_command(engine)
        writing.exec_driver_sql(
            "INSERT INTO event SELECT company_id, 5, type, version, entity, source, 'evt_late', account_id, livemode,"
            " api_version, occurred_at, recorded_at, correlation_id, actor, payload_zstd, payload_sha256"
            " FROM event WHERE position = 4"
        )
        writing.exec_driver_sql("UPDATE company_head SET position = 5")
        growth.commit()

        assert json_of(verifying.result())["whole"] is True


def await_blocked_command(engine: Engine) -> None:
    """Wait until the command waits for the locked table."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
        while not watching.exec_driver_sql(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            " AND application_name = 'revmap-command'"
        ).all():
            pass


def test_an_export_gives_every_body_as_the_text_that_came(run: Run, engine: Engine, company_id: int) -> None:
    result = run("events", "export", "--company", company_id)

    assert result.exit_code == 0
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [document["position"] for document in documents] == [1, 2, 3, 4]
    assert {document["company_id"] for document in documents} == {company_id}
    exact = documents[1]
    assert exact["payload"].encode() == BODY
    assert exact["payload_sha256"] == sha256(BODY).hexdigest()
    assert {"type", "source", "external_id", "account_id", "livemode", "occurred_at", "recorded_at"} <= set(exact)


def test_an_export_is_one_companys_alone(run: Run, engine: Engine, company_id: int) -> None:
    other = company_with(engine, "acct_other")
    record_events(engine, json_bytes(event(new_invoice("in_theirs"), account="acct_other")))

    assert "in_theirs" not in run("events", "export", "--company", company_id).stdout
    assert run("events", "export", "--company", other, "--json").stdout.count("\n") == 2
    assert run("events", "export", "--company", 999).stdout == ""


def test_an_export_needs_a_company(run: Run) -> None:
    assert "--company" in error_of(run("events", "export"))
