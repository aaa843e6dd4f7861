"""Parts of lines and what is recognized by month follow from the log, whatever comes in whichever order."""

from collections import Counter
from random import Random

import pytest
from sqlalchemy import Engine, text

from projections.mapping.decisions.payloads import PolicySet, RulesPublished, StreamArchived, StreamCreated
from projections.recognition.days import month_text
from tests.support.company import catch_up, company_with, record_events
from tests.support.decisions import SPLIT, decide, record_decided_history, rules
from tests.support.histories import busy_history
from tests.support.log import copy_log
from tests.support.payloads import (
    ACCOUNT,
    CREATED,
    credit_note,
    credit_note_line,
    customer,
    event,
    new_invoice,
    new_line,
    price,
    product,
)
from tests.support.rules_of_groups import random_rules

_DAY = 86_400
MAPPED = (
    StreamCreated("str_saas", "SaaS"),
    StreamCreated("str_fees", "Fees"),
    rules(1, ("customer_name", "starts_with", "z"), outcome=SPLIT),
)
QUARTER = {"start": CREATED, "end": CREATED + 90 * _DAY}

Json = dict[str, object]


@pytest.fixture
def company_id(engine: Engine) -> int:
    return company_with(engine, ACCOUNT)


def invoice(status: str = "paid", **dates: int) -> Json:
    line = new_line("il_1", amount=9000, period=QUARTER)
    transitions = {"finalized_at": CREATED} | {f"{name}_at": CREATED + day * _DAY for name, day in dates.items()}
    return new_invoice("in_1", line, status=status, status_transitions=transitions)


def recognized(engine: Engine, company_id: int) -> dict[tuple[str, str], list[tuple[int, int]]]:
    """Return earned and contra of each month that is not zero, by stream and kind, from 2026-01 on."""
    query = text("""
        SELECT stream_id, kind, month, sum(earned), sum(contra) FROM recognition_by_month
        WHERE company_id = :company_id GROUP BY stream_id, kind, month
        HAVING sum(earned) <> 0 OR sum(contra) <> 0 ORDER BY month
    """)
    found: dict[tuple[str, str], list[tuple[int, int]]] = {}
    with engine.connect() as connection:
        for stream_id, kind, month, earned, contra in connection.execute(query, {"company_id": company_id}):
            assert month_text(month) >= "2026-01"
            found.setdefault((stream_id, kind), []).append((int(earned), int(contra)))
    return found


def parts(engine: Engine, company_id: int, *, at: int | None = None) -> set[tuple[object, ...]]:
    """Return the parts of a company's lines as of a position, without the positions themselves."""
    columns = """livemode, invoice_id, invoice_line_item_id, share, step, cause, credit_note_id, layer, rule_id,
        stream_id, plan_id, kind, basis_points, treatment, currency, booked_on, is_booked_estimated, starts_on, ends_on,
        amount, first_month, last_month, months::text, contra, expense"""
    query = text(f"""
        SELECT {columns} FROM revenue_part WHERE company_id = :company_id AND position <= :at
        UNION ALL SELECT {columns} FROM revenue_part_past
        WHERE company_id = :company_id AND position <= :at AND until > :at
    """)  # noqa: S608 - our own columns
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(query, {"company_id": company_id, "at": at or 1 << 60})]
    assert len(rows) == len(set(rows))
    return set(rows)


FIRST = invoice("open")
NOTE = credit_note("cn_1", credit_note_line("cnli_1", 4500, "il_1"), invoice="in_1")
CASES: dict[str, tuple[list[Json], list[tuple[int, int]]]] = {
    "billed": ([event(FIRST)], [(3100, 0), (2800, 0), (3100, 0)]),
    "paid": ([event(FIRST), event(invoice(paid=3), created=CREATED + 9)], [(3100, 0), (2800, 0), (3100, 0)]),
    "void": (
        [event(FIRST), event(invoice("void", voided=31), created=CREATED + 9)],
        [(3100, 0), (-0, -3100)],
    ),
    "uncollectible, then paid": (
        [event(invoice(marked_uncollectible=31, paid=99))],
        [(3100, 0), (0, -3100), (0, 9000)],
    ),
    "credited": (
        [
            event(FIRST),
            event(
                credit_note("cn_1", credit_note_line("cnli_1", 4500, "il_1"), invoice="in_1")
                | {"effective_at": CREATED + 31 * _DAY},
                "credit_note.created",
            ),
        ],
        [(3100, 0), (1400, -1550), (1550, 0)],
    ),
    "credited, and the credit note void since a day that only events tell": (
        [
            event(FIRST),
            event(NOTE, "credit_note.created"),
            event(NOTE | {"status": "void"}, "credit_note.voided", created=CREATED + 40 * _DAY),
            event(NOTE | {"status": "void"}, "credit_note.updated", created=CREATED + 70 * _DAY),
        ],
        [(1550, 0), (2350, 2000), (3100, 0)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("history", "expected"), CASES.values(), ids=CASES)
def test_months_are_recognized_as_the_facts_say_in_any_order(
    engine: Engine, company_id: int, history: list[Json], expected: list[tuple[int, int]]
) -> None:
    backwards = company_with(engine, "acct_backwards")
    record_events(engine, *history, *({**one, "account": "acct_backwards"} for one in [*reversed(history), history[0]]))
    catch_up(engine, batch_size=1)

    for company in (company_id, backwards):
        months = recognized(engine, company)["", "revenue"]
        assert [(earned, contra) for earned, contra in months if earned or contra] == expected


def test_streams_shares_and_policy_count_from_when_they_are_decided(engine: Engine, company_id: int) -> None:
    record_events(engine, event(FIRST), event(customer("Zed Inc"), "customer.created"))
    decide(engine, company_id, StreamCreated("str_saas", "SaaS"), StreamCreated("str_fees", "Fees"))
    decide(engine, company_id, rules(1, ("customer_name", "is", "zed inc"), outcome=SPLIT))
    catch_up(engine)

    assert recognized(engine, company_id) == {
        ("str_saas", "revenue"): [(3000, 0)],
        ("str_fees", "pass_through"): [(6000, 0)],
    }

    record_events(engine, event(customer("Zeta Ltd"), "customer.updated", created=CREATED + 60))
    catch_up(engine)

    assert recognized(engine, company_id) == {("", "revenue"): [(3100, 0), (2800, 0), (3100, 0)]}

    decide(
        engine, company_id, rules(2, ("currency", "is", "usd")), PolicySet(1, "Asia/Tokyo", "2026a", "booked", "contra")
    )
    catch_up(engine)

    assert recognized(engine, company_id) == {("str_saas", "revenue"): [(3100, 0), (2800, 0), (3100, 0)]}

    decide(engine, company_id, StreamArchived("str_saas", "SaaS"))
    late = invoice()
    late["id"], late["status_transitions"] = "in_late", {"finalized_at": CREATED + 400 * _DAY}
    record_events(engine, event(late))
    catch_up(engine)

    assert {part[1]: part[9] for part in parts(engine, company_id)} == {"in_1": "str_saas", "in_late": ""}


@pytest.mark.parametrize(("owner", "told"), [("customer", customer()), ("price", price()), ("product", product())])
def test_a_stored_line_is_mapped_anew_by_what_only_rules_test(
    engine: Engine, company_id: int, owner: str, told: Json
) -> None:
    decide(engine, company_id, *MAPPED[:2], rules(1, (f"{owner}.metadata.region", "is", "emea")))
    record_events(engine, event(FIRST), event(told, f"{owner}.created"))
    catch_up(engine)
    before = parts(engine, company_id)
    changed = told | {"metadata": {"region": "emea"}}
    record_events(engine, event(changed, f"{owner}.updated", created=CREATED + 9))
    catch_up(engine)

    assert [{part[9] for part in found} for found in (before, parts(engine, company_id))] == [{""}, {"str_saas"}]


@pytest.mark.parametrize("seed", range(2))
def test_sums_and_past_of_parts_are_those_of_the_log_cut_there(engine: Engine, company_id: int, seed: int) -> None:
    record_decided_history(engine, company_id, Random(seed), 90)
    catch_up(engine, batch_size=7)
    at = Random(seed).randrange(20, 90)
    cut = company_with(engine, "acct_cut")
    copy_log(engine, company_id, cut, after=1, through=at)
    catch_up(engine)

    assert parts(engine, company_id, at=at) == parts(engine, cut)
    assert parts(engine, company_id)
    assert stored_sums(engine, company_id) == sums_of_parts(engine, company_id)


@pytest.mark.promise("Facts in any order, any of them again, fold to the same bytes")
@pytest.mark.parametrize("seed", range(2))
def test_permuted_and_repeated_facts_make_the_same_parts(engine: Engine, company_id: int, seed: int) -> None:
    random, shuffled = Random(seed), company_with(engine, "acct_shuffled")
    history = busy_history(random, 60)
    repeated = [{**one, "account": "acct_shuffled"} for one in [*history, *random.sample(history, 20)]]
    random.shuffle(repeated)
    for company in (company_id, shuffled):
        decide(engine, company, *MAPPED)
    record_events(engine, *history, *repeated)
    catch_up(engine, batch_size=9)

    assert parts(engine, company_id) == parts(engine, shuffled)
    assert stored_sums(engine, company_id) == stored_sums(engine, shuffled)


def test_what_was_never_paid_moves_with_its_line(engine: Engine, company_id: int) -> None:
    decide(engine, company_id, *MAPPED[:2], PolicySet(1, "UTC", "2026a", catch_up="booked", uncollectible="expense"))
    record_events(engine, event(invoice("uncollectible", marked_uncollectible=31)))
    catch_up(engine)
    unmapped = recognized(engine, company_id)
    decide(engine, company_id, rules(1, ("currency", "is", "usd")))
    catch_up(engine)

    assert recognized(engine, company_id) == {("str_saas", kind): amounts for (_, kind), amounts in unmapped.items()}
    assert {kind for _, kind in unmapped} == {"revenue", "expense"}


@pytest.mark.parametrize("seed", range(4))
def test_rules_published_one_after_another_leave_what_the_last_would_have_made_alone(
    engine: Engine, company_id: int, seed: int
) -> None:
    random, other = Random(seed), company_with(engine, "acct_other")
    history = busy_history(random, 120)
    policy = PolicySet(1, "UTC", "2026a", catch_up="booked", uncollectible=random.choice(("contra", "expense")))
    decide(engine, company_id, *MAPPED[:2], policy)
    record_events(engine, *history)
    catch_up(engine)
    stood: list[set[tuple[object, ...]]] = []
    published: list[RulesPublished] = []
    for version in range(1, 7):
        published.append(RulesPublished(version, [*random_rules(random)], version - 1))
        decide(engine, company_id, published[-1])
        catch_up(engine)
        stood.append(parts(engine, company_id))
        assert stored_sums(engine, company_id) == sums_of_parts(engine, company_id)
    decide(engine, other, *MAPPED[:2], policy, published[-1])
    record_events(engine, *({**one, "account": "acct_other"} for one in history))
    catch_up(engine)

    assert parts(engine, company_id) == parts(engine, other)
    with engine.connect() as connection:
        head = connection.execute(text("SELECT position FROM company_head WHERE company_id = :id"), {"id": company_id})
        last = int(head.scalar_one())
    assert [parts(engine, company_id, at=last - 5 + place) for place in range(6)] == stood


def stored_sums(engine: Engine, company_id: int) -> Counter[tuple[object, ...]]:
    query = text("""
        SELECT livemode, currency, stream_id, plan_id, kind, cause, booked_month, month, earned, contra
        FROM recognition_by_month WHERE company_id = :company_id AND (earned <> 0 OR contra <> 0)
    """)
    with engine.connect() as connection:
        return Counter(tuple(row) for row in connection.execute(query, {"company_id": company_id}))


def sums_of_parts(engine: Engine, company_id: int) -> Counter[tuple[object, ...]]:
    query = text("""
        WITH recognized AS (
            SELECT p.*, extract(year FROM booked_on)::int * 12 + extract(month FROM booked_on)::int - 1 AS booked_month,
                   p.first_month + m.place::int - 1 AS month, m.amount AS of_month
            FROM revenue_part p CROSS JOIN LATERAL unnest(p.months) WITH ORDINALITY AS m (amount, place)
            WHERE company_id = :company_id
        ), by_kind AS (
            SELECT *, kind AS of_kind, of_month - CASE WHEN month = booked_month THEN contra ELSE 0 END AS earned,
                   CASE WHEN month = booked_month THEN contra - expense ELSE 0 END AS taken FROM recognized
            UNION ALL
            SELECT *, 'expense', 0, CASE WHEN month = booked_month THEN expense ELSE 0 END FROM recognized
        )
        SELECT livemode, currency, stream_id, plan_id, of_kind, cause, booked_month, month, sum(earned), sum(taken)
        FROM by_kind GROUP BY livemode, currency, stream_id, plan_id, of_kind, cause, booked_month, month
        HAVING sum(earned) <> 0 OR sum(taken) <> 0
    """)
    with engine.connect() as connection:
        return Counter(tuple(row) for row in connection.execute(query, {"company_id": company_id}))
