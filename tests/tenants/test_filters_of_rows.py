"""What is kept for a company as rows is read, changed and deleted by that company alone, also without walls."""

import pytest
from sqlalchemy import Engine, insert

from backlog.exports.recurrence import Recurrence
from backlog.exports.schedules import (
    MOST_OF_A_COMPANY,
    Plan,
    add_schedule,
    change_schedule,
    delete_schedule,
    list_schedules,
    runs_of,
)
from backlog.exports.tables import export_run
from mapping.drafts import Draft, DraftChangedError, draft_of, save_draft
from mapping.previews import (
    MOST_KEPT,
    UnknownPreviewError,
    cancel_preview,
    find_preview,
    newest_previews,
    preview_draft,
)
from mapping.recorded import Desk
from notices.preferences import choose_types, mailed_types, recipients_of
from tenants.companies import add_company
from tests.support.clock import NOON


@pytest.fixture
def companies(engine: Engine) -> tuple[int, int]:
    with engine.begin() as connection:
        return add_company(connection, "Zed Inc").id, add_company(connection, "Zeta Ltd").id


def test_schedules_of_one_company_are_not_another_ones(engine: Engine, companies: tuple[int, int]) -> None:
    ours, theirs = companies
    daily = Plan("csv", {}, Recurrence("daily", None, 6, "UTC"), [])
    with engine.begin() as connection:
        kept = add_schedule(connection, theirs, daily, actor="user:2", key="same", now=NOON)
        of_them = list_schedules(connection, theirs)
        run = {"company_id": theirs, "schedule_id": kept, "due_at": NOON, "position": 1, "told_at": NOON}
        connection.execute(insert(export_run).values(run))

        own = add_schedule(connection, ours, daily, actor="user:1", key="same", now=NOON)
        change_schedule(connection, ours, kept, daily._replace(format="xlsx"), is_paused=True, now=NOON)
        delete_schedule(connection, ours, kept)
        for _ in range(MOST_OF_A_COMPANY - 1):
            add_schedule(connection, ours, daily, actor="user:1", key=None, now=NOON)
        add_schedule(connection, theirs, daily, actor="user:2", key=None, now=NOON)

        assert own != kept
        assert len(list_schedules(connection, ours)) == MOST_OF_A_COMPANY
        assert list_schedules(connection, ours, kept) == []
        assert list_schedules(connection, theirs, kept) == of_them
        assert runs_of(connection, ours, [kept]) == {}
        assert list(runs_of(connection, theirs, [kept])) == [kept]


def test_previews_of_one_company_are_not_another_ones(engine: Engine, companies: tuple[int, int]) -> None:
    ours, theirs = companies
    with engine.begin() as connection:
        of_them = preview_draft(Desk(connection, theirs, "user:2", NOON, key="same"), livemode=True)
        desks = [Desk(connection, ours, "user:1", NOON, key=key) for key in ("same", *map(str, range(MOST_KEPT + 1)))]
        own = [preview_draft(desk, livemode=True) for desk in desks]

        assert of_them not in own
        assert find_preview(connection, theirs, of_them).status == "queued"
        with pytest.raises(UnknownPreviewError):
            cancel_preview(Desk(connection, ours, "user:1", NOON), of_them)
        newest = [newest_previews(connection, company_id)[0] for company_id in companies]
        assert [one and one.id for one in newest] == [own[-1], of_them]


def test_a_draft_is_saved_over_its_own_companys_alone(engine: Engine, companies: tuple[int, int]) -> None:
    ours, theirs = companies
    with engine.begin() as connection:
        desks = [Desk(connection, company_id, "user:1", NOON) for company_id in companies]
        seen = save_draft(desks[1], [], seen=draft_of(connection, theirs), pointer="/rules")

        with pytest.raises(DraftChangedError):
            save_draft(desks[0], [], seen=Draft(0, [], seen.tag, NOON, "user:1"), pointer="/rules")
        assert draft_of(connection, theirs) == seen
        assert draft_of(connection, ours).updated_at is None


def test_a_member_of_two_companies_chooses_for_each(engine: Engine, companies: tuple[int, int]) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO user_account (id, email) OVERRIDING SYSTEM VALUE VALUES (7, 'zoe@zed.test')"
        )
        for company_id in companies:
            connection.exec_driver_sql(
                "INSERT INTO membership (company_id, user_id, role) VALUES (%(company_id)s, 7, 'admin')",
                {"company_id": company_id},
            )
        choose_types(connection, companies[0], 7, ["sync.failed"])
        choose_types(connection, companies[1], 7, ["quarantine.opened"])

        chosen = [mailed_types(connection, company_id, 7, "admin") for company_id in companies]
        told = [recipients_of(connection, company_id, "quarantine.opened") for company_id in companies]

    assert [len(ones) for ones in told] == [0, 1]
    assert chosen == [["sync.failed"], ["quarantine.opened"]]
