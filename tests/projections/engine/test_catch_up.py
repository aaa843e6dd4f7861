"""Catching up: every event counts once, a poison event stops one company only, and later changes update rows."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from projections.engine import catch_up as catching_up
from projections.engine.behind import begin_lacking_builds
from projections.engine.catch_up import MOST_BUILDS, _claimed, advance
from projections.engine.failures import ATTEMPTS_BEFORE_HALT
from projections.engine.status import projection_lag, projection_status, resume_company
from projections.reads.gaps import GAPS
from projections.reads.snapshots import snapshot_of
from projections.reads.table.filters import LineFilter
from projections.reads.table.lines import LineRow, list_lines, list_quarantined
from projections.revenue.store import moved_invoices as stored_invoices
from runtime.database import driver_of
from tests.support.company import catch_up, company_with, record_events
from tests.support.decisions import decide, rules
from tests.support.payloads import ACCOUNT, CREATED, customer, event, new_invoice, new_line, old_invoice, price, product

ROWS_OF_ANOTHER = (
    """INSERT INTO revenue_facet (company_id, build, livemode, facet, id)
       SELECT :company_id, 1, true, 'customer', 'cus_' || n FROM generate_series(1, 2000) n""",
    """INSERT INTO webhook_endpoint (company_id, url, types, created_at)
       SELECT :company_id, 'https://example.com', ARRAY['revenue_lines.changed'], now()
       FROM generate_series(1, 2000)""",
    """INSERT INTO projection_skip (company_id, projection, position)
       SELECT :company_id, 'revenue_lines', n FROM generate_series(1, 2000) n""",
)
ROWS_READ = """
    SELECT t.relname, coalesce(t.seq_tup_read, 0) + coalesce(sum(i.idx_tup_read), 0) AS rows_read
    FROM pg_stat_user_tables t LEFT JOIN pg_stat_user_indexes i USING (relid)
    WHERE t.relname IN ('revenue_facet', 'webhook_endpoint', 'projection_skip')
    GROUP BY t.relid, t.relname, t.seq_tup_read
"""


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


def lines(engine: Engine, company_id: int, *, livemode: bool = True) -> list[LineRow]:
    with snapshot_of(engine, company_id) as snapshot:
        return list(list_lines(snapshot, LineFilter(livemode=livemode), sort="date", limit=500, after=None))


def gaps_of_all(engine: Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        rows = connection.execute(text(GAPS), {"projection": "revenue_lines"})
        return [(row.kind, row.object_id) for row in rows]


def rows_read(engine: Engine) -> dict[str, int]:
    """Return how many rows of each of the tables have been read since the server started."""
    with engine.connect() as connection:
        return {row.relname: row.rows_read for row in connection.execute(text(ROWS_READ))}


def only_line(engine: Engine, company_id: int) -> LineRow:
    (line,) = lines(engine, company_id)
    return line


def test_an_old_shape_becomes_a_row_with_its_inline_price(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice()))

    catch_up(engine)

    line = only_line(engine, company_id)
    assert (line.invoice_line_item_id, line.subscription_id, line.customer_name, line.customer_id) == (
        "il_1",
        "sub_1",
        "Zed Inc",
        "cus_1",
    )
    assert (line.description, line.date.isoformat(), line.amount) == ("3 × Team plan", "2026-01-01", 30_000)
    assert (line.type, line.cadence, line.cadence_source) == ("recurring", "quarterly", "price")


def test_a_new_shape_is_unknown_until_its_price_is_and_never_one_time(engine: Engine, company_id: int) -> None:
    record_events(engine, event(new_invoice()))
    catch_up(engine)
    before = only_line(engine, company_id)
    gaps = gaps_of_all(engine)

    record_events(engine, event(price(), "price.created"))
    catch_up(engine)

    after = only_line(engine, company_id)
    assert (before.type, before.cadence, before.cadence_source) == ("unknown", "unknown", "unknown")
    assert sorted(gaps) == [("price", "price_q"), ("product", "prod_1")]
    assert (after.type, after.cadence, after.interval_unit, after.interval_count) == (
        "recurring",
        "quarterly",
        "month",
        3,
    )
    assert after.position > before.position


def test_a_line_without_any_price_is_one_time(engine: Engine, company_id: int) -> None:
    record_events(engine, event(new_invoice("in_1", new_line(pricing=None))))

    catch_up(engine)

    assert (only_line(engine, company_id).type, only_line(engine, company_id).cadence_source) == (
        "one_time",
        "no_price",
    )


def test_a_rename_moves_all_rows_of_the_customer_and_not_what_was_billed(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice("in_1")), event(old_invoice("in_2")))
    catch_up(engine)

    record_events(engine, event(customer("Zeta Ltd"), "customer.updated", created=CREATED + 60))
    catch_up(engine)

    renamed = lines(engine, company_id)
    assert [line.customer_name for line in renamed] == ["Zeta Ltd", "Zeta Ltd"]
    assert [line.customer_name_on_invoice for line in renamed] == ["Zed Inc", "Zed Inc"]
    assert {line.position for line in renamed} == {4}


@pytest.mark.parametrize("invoices", [1, 12])
def test_rows_of_a_renamed_customer_that_do_not_fit_into_memory_are_renamed_portion_by_portion(
    engine: Engine, company_id: int, invoices: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_invoices, "_INVOICES_AT_ONCE", 1)
    record_events(engine, event(old_invoice("in_a")), event(old_invoice("in_b")))
    catch_up(engine)

    # A few events are folded in a pipeline, more of them are not.
    others = [event(old_invoice(f"in_{number}"), created=CREATED + 60) for number in range(invoices)]
    record_events(engine, event(customer("Zeta Ltd"), "customer.updated", created=CREATED + 60), *others)
    catch_up(engine)

    assert {line.customer_name for line in lines(engine, company_id)} == {"Zeta Ltd"}
    assert len(lines(engine, company_id)) == 2 + invoices


def test_a_late_event_of_an_old_invoice_does_not_bring_the_old_name_back(engine: Engine, company_id: int) -> None:
    record_events(engine, event(customer("Zeta Ltd"), "customer.updated", created=CREATED + 60))
    record_events(engine, event(old_invoice(), created=CREATED + 9_999))

    catch_up(engine)

    assert only_line(engine, company_id).customer_name == "Zeta Ltd"


@pytest.mark.parametrize("last", ["paid", "void"])
def test_a_status_only_climbs(engine: Engine, company_id: int, last: str) -> None:
    record_events(engine, event(old_invoice(status=last), created=CREATED))
    record_events(engine, event(old_invoice(status="uncollectible"), created=CREATED + 10))
    record_events(engine, event(old_invoice(status="open"), created=CREATED + 20))

    catch_up(engine)

    assert only_line(engine, company_id).invoice_status == last


def test_a_whole_line_set_beats_a_later_part_of_it(engine: Engine, company_id: int) -> None:
    part = new_invoice("in_1", new_line("il_1"))
    part["lines"] = {"data": [new_line("il_1")], "has_more": True}
    record_events(engine, event(new_invoice("in_1", new_line("il_1"), new_line("il_2"))))
    record_events(engine, event(part, created=CREATED + 10))

    catch_up(engine)

    assert [(line.invoice_line_item_id, line.invoice_complete) for line in lines(engine, company_id)] == [
        ("il_1", True),
        ("il_2", True),
    ]


def test_a_line_shows_the_newest_names_of_its_product_and_price_and_its_product_is_a_gap_until_named(
    engine: Engine, company_id: int
) -> None:
    record_events(engine, event(new_invoice()), event(product("Plan A"), "product.updated", created=CREATED + 9))
    catch_up(engine)
    named = only_line(engine, company_id)
    record_events(
        engine,
        event(product("Plan"), "product.created"),
        event(product(None), "product.deleted", created=CREATED + 10),
        event(price() | {"lookup_key": "quarterly"}, "price.created"),
        event(price() | {"lookup_key": "quarterly", "nickname": "Q"}, "price.updated", created=CREATED + 3),
    )
    gaps = gaps_of_all(engine)
    catch_up(engine)
    late = only_line(engine, company_id)
    record_events(engine, event(price(), "price.updated", created=CREATED + 4))
    record_events(engine, event(product("Plan B"), "product.updated", created=CREATED + 9))
    catch_up(engine)

    assert (named.product_name, named.price_name, named.position) == ("Plan A", None, 3)
    assert gaps == [("price", "price_q")]
    assert (late.product_name, late.price_name, late.position) == ("Plan A", "Q", 7)
    assert gaps_of_all(engine) == [("product", "prod_1")]  # two names of one second: Stripe is asked
    assert only_line(engine, company_id).price_name is None


def test_a_part_of_the_lines_is_shown_and_marked_incomplete(engine: Engine, company_id: int) -> None:
    part = old_invoice()
    part["lines"] = {**part["lines"], "has_more": True}  # type: ignore[dict-item]
    record_events(engine, event(part))

    catch_up(engine)

    assert sorted(gaps_of_all(engine)) == [("invoice_lines", "in_1"), ("product", "prod_1")]
    assert not only_line(engine, company_id).invoice_complete


def test_drafts_never_enter_and_a_deleted_invoice_never_comes_back(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice("in_draft", status="draft"), "invoice.created"))
    record_events(engine, event({"id": "in_1", "object": "invoice", "status": "draft"}, "invoice.deleted"))
    record_events(engine, event(old_invoice("in_1"), "invoice.updated", created=CREATED + 60))

    catch_up(engine)

    assert lines(engine, company_id) == []


@pytest.mark.parametrize(
    ("unreadable", "reason"),
    [
        (old_invoice(status="frozen"), "status"),
        (old_invoice(currency="xyz"), "xyz"),
        (old_invoice("in_1", new_line(amount=1.5)), "amount"),
        (old_invoice("in_1", new_line(amount=2**63)), "amount"),
        (old_invoice("in_1", new_line(), new_line()), "share one id"),
        (old_invoice("in_1", new_line(quantity="many")), "quantity"),
        (old_invoice("in_1", new_line(period=None)), "period"),
    ],
)
def test_what_cannot_be_read_is_quarantined_with_its_reason(
    engine: Engine, company_id: int, unreadable: dict, reason: str
) -> None:
    record_events(engine, event(unreadable), event(old_invoice("in_whole")))

    catch_up(engine)

    with snapshot_of(engine, company_id) as snapshot:
        (fact,) = list_quarantined(snapshot, limit=10, before=None)
    assert (fact.entity, fact.is_resolved) == ("invoice:in_1", False)
    assert reason in fact.reason
    assert [line.invoice_id for line in lines(engine, company_id)] == ["in_whole"]


def test_a_quarantined_invoice_is_resolved_by_a_later_fact_that_can_be_read(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice(status="frozen")))
    record_events(engine, event(old_invoice(status="paid"), created=CREATED + 5))

    catch_up(engine)

    with snapshot_of(engine, company_id) as snapshot:
        (fact,) = list_quarantined(snapshot, limit=10, before=None)
    assert fact.is_resolved


def test_text_that_postgresql_cannot_hold_is_shown_with_a_replacement(engine: Engine, company_id: int) -> None:
    body = event(old_invoice("in_1", new_line(description="a\x00b\ud800c")))
    record_events(engine, body)

    catch_up(engine)

    assert only_line(engine, company_id).description == "a\ufffdb\ufffdc"


def test_live_and_test_facts_of_one_id_never_mix(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice()), event(old_invoice("in_1", new_line(amount=5)), livemode=False))

    catch_up(engine)

    assert [line.amount for line in lines(engine, company_id)] == [30_000]
    assert [line.amount for line in lines(engine, company_id, livemode=False)] == [5]


def test_two_workers_at_once_count_every_event_once(engine: Engine) -> None:
    companies = [company_with(engine, f"acct_{number}") for number in range(8)]
    for number in range(8):
        record_events(engine, *(event(old_invoice(f"in_{one}"), account=f"acct_{number}") for one in range(40)))

    with ThreadPoolExecutor(4) as pool:
        begin_lacking_builds(engine)
        list(pool.map(lambda _: catch_up(engine, batch_size=64), range(4)))

    with engine.connect() as connection:
        assert {row.position for row in projection_status(connection)} == {41}
        assert projection_lag(connection, "revenue_lines").events_behind == 0
    assert [len(lines(engine, company_id)) for company_id in companies] == [40] * 8


def test_what_one_worker_holds_the_others_pass_over(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice()))
    begin_lacking_builds(engine)

    with engine.begin() as connection:
        claimed = _claimed(driver_of(connection), MOST_BUILDS)
        meanwhile = advance(engine)
    afterwards = advance(engine)

    assert {(claim.projection, claim.company_id) for claim in claimed} == {("revenue_lines", company_id)}
    assert meanwhile is None
    assert afterwards is not None
    assert afterwards.company_ids == [company_id]


def poison(engine: Engine, invoice_id: str) -> None:
    """Make PostgreSQL refuse the rows of one invoice, as a bug of ours would."""
    with engine.begin() as connection:
        connection.execute(text(f"ALTER TABLE revenue_line ADD CONSTRAINT poison CHECK (invoice_id <> '{invoice_id}')"))


def remove_poison(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE revenue_line DROP CONSTRAINT poison"))


def test_a_poison_event_stops_its_company_and_no_other(engine: Engine, company_id: int) -> None:
    other_id = company_with(engine, "acct_other")
    record_events(engine, *(event(old_invoice(f"in_{number}")) for number in range(9)))
    record_events(engine, *(event(old_invoice(f"in_{number}"), account="acct_other") for number in range(3)))
    poison(engine, "in_5")

    catch_up(engine)

    with engine.connect() as connection:
        status_of = {row.company_id: row for row in projection_status(connection)}
        lag = projection_lag(connection, "revenue_lines")
    stopped = status_of[company_id]
    assert (stopped.position, stopped.error_position, stopped.status) == (6, 7, "live")
    assert stopped.error is not None
    assert "poison" in stopped.error
    assert "Zed" not in stopped.error, "an error must not quote a customer"
    assert [line.invoice_id for line in lines(engine, company_id)] == ["in_0", "in_1", "in_2", "in_3", "in_4"]
    assert status_of[other_id].position == status_of[other_id].head == 4
    assert (lag.companies_behind, lag.events_behind) == (1, 4)


def test_a_company_halts_after_repeated_failure_and_drains_once_it_is_mended(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice("in_1")), event(old_invoice("in_2")))
    poison(engine, "in_1")
    begin_lacking_builds(engine)

    for _ in range(2 * ATTEMPTS_BEFORE_HALT):  # the first turns fold the events before it and everything else
        advance(engine)
        with engine.begin() as connection:
            connection.execute(text("UPDATE projection_state SET retry_at = NULL"))
    with snapshot_of(engine, company_id) as snapshot:
        status = snapshot.status
    remove_poison(engine)
    with engine.begin() as connection:
        resumed = resume_company(connection, company_id)
    catch_up(engine)

    assert status == "halted"
    assert resumed == ["revenue_lines"]
    assert [line.invoice_id for line in lines(engine, company_id)] == ["in_1", "in_2"]


def test_a_connection_lost_while_writing_is_blamed_on_no_event(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice()))
    begin_lacking_builds(engine)
    with engine.begin() as connection:
        connection.execute(
            text("""
                CREATE FUNCTION hang_up() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$
            """)
        )
        connection.execute(
            text("CREATE TRIGGER hang_up BEFORE INSERT ON revenue_line FOR EACH ROW EXECUTE FUNCTION hang_up()")
        )

    with pytest.raises((psycopg.OperationalError, OperationalError)):
        advance(engine)

    with engine.begin() as connection:
        attempts, position = connection.execute(text("SELECT attempts, error_position FROM projection_state")).one()
        connection.execute(text("DROP TRIGGER hang_up ON revenue_line; UPDATE projection_state SET retry_at = NULL"))
    catch_up(engine)
    assert (attempts, position) == (0, None)
    assert len(lines(engine, company_id)) == 1


def test_the_table_and_its_checkpoint_move_together_or_not_at_all(engine: Engine, company_id: int) -> None:
    record_events(engine, event(old_invoice()))
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE projection_state ADD CONSTRAINT stuck CHECK (position = 0)"))

    catch_up(engine)

    assert lines(engine, company_id) == []
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE projection_state DROP CONSTRAINT stuck"))
        resume_company(connection, company_id)
    catch_up(engine)
    assert len(lines(engine, company_id)) == 1


def test_however_many_companies_wait_the_log_of_each_is_read_once_for_all_its_builds(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catching_up, "MOST_BUILDS", 4)
    for number in range(7):
        company_with(engine, f"acct_{number}")
        record_events(engine, *(event(old_invoice(f"in_{one}"), account=f"acct_{number}") for one in range(2)))
    begin_lacking_builds(engine)

    batches = []
    while advanced := advance(engine, batch_size=6):
        batches.append(advanced.event_count)

    with engine.connect() as connection:
        assert sum(batches) == connection.execute(text("SELECT count(*) FROM event")).scalar()


def test_a_decision_is_folded_without_the_facts_of_others(engine: Engine, company_id: int) -> None:
    other = company_with(engine, "acct_other")
    record_events(engine, event(old_invoice("in_1")), event(old_invoice("in_2"), account="acct_other"))
    catch_up(engine)
    decide(engine, company_id, rules(1, ("currency", "is", "usd")))
    record_events(engine, event(old_invoice("in_3"), account="acct_other"), event(old_invoice("in_4")))

    first, second = advance(engine), advance(engine)

    assert first
    assert (first.company_ids, first.event_count) == ([company_id], 1)
    assert second
    assert (set(second.company_ids), second.event_count) == ({company_id, other}, 2)


def test_folding_reads_no_rows_that_others_have(engine: Engine, company_id: int) -> None:
    other_id = company_with(engine, "acct_other")
    catch_up(engine)
    with engine.begin() as connection:
        for rows in ROWS_OF_ANOTHER:
            connection.execute(text(rows), {"company_id": other_id})
    record_events(engine, event(new_invoice()), event(price(), "price.created"))

    before = rows_read(engine)
    folding = create_engine(engine.url, poolclass=NullPool)  # a connection that ends has told what it read
    catch_up(folding)
    after = rows_read(engine)

    assert len(lines(engine, company_id)) == 1
    assert {table for table, read in after.items() if read - before[table] > 50} == set()
