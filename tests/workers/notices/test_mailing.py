"""E-mails are rows until a mail server has accepted them."""

import smtplib
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Engine, text

from notices.mail import queue_mail
from notices.mail_server import MailServer, mail_server_from
from runtime.database import acting_as, open_engine, within_company
from runtime.environ import Environment
from runtime.roles import APP
from tenants.companies import add_company
from tenants.secrets import SecretBox
from tests.support.certificates import certified
from tests.support.clock import NOON, SetClock
from tests.support.mail_server import Inbox, mail_server
from workers.notices.mailing import Postman
from workers.wiring.tools import Tools

BOX = SecretBox([b"k" * 32])
SECRET = "https://revmap.test/join/ONE-TIME"


def queue(engine: Engine, to: str, *, subject: str = "Come in", body: str = SECRET, box: SecretBox = BOX) -> None:
    with engine.begin() as connection:
        queue_mail(connection, box, company_id=None, to=to, subject=subject, text=body, now=NOON)


def mails(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text("SELECT * FROM mail ORDER BY id")))


def states(engine: Engine) -> list[tuple[str, int, str | None]]:
    return [(row.status, row.attempts, row.error) for row in mails(engine)]


def nowhere() -> MailServer:
    return MailServer("127.0.0.1", 9, False, "revmap@zed.test")  # noqa: FBT003 - a field


def test_an_email_is_sealed_until_it_is_sent_and_forgotten_afterwards(tools: Tools, engine: Engine) -> None:
    inbox = Inbox()
    queue(engine, "zoë@zed.test".replace("ë", "e"), subject="Zoë,\r\nBcc: all@zed.test")
    (before,) = mails(engine)

    with mail_server(inbox) as server:
        postman = Postman(engine, BOX, tools.clock, server)
        assert postman.send_due() == 1
        assert postman.send_due() == 0

    (after,) = mails(engine)
    assert b"ONE-TIME" not in before.sealed
    assert (after.status, after.sealed, after.key_id, after.ended_at) == ("sent", None, None, NOON)
    assert inbox.texts() == [("zoe@zed.test", "Zoë, Bcc: all@zed.test", SECRET + "\n")]
    assert inbox.messages[0]["Message-ID"] == f"<revmap-mail-{after.id}@zed.test>"
    assert inbox.messages[0]["Bcc"] is None


def test_an_email_whose_transaction_is_rolled_back_is_never_sent(tools: Tools, engine: Engine) -> None:
    with engine.connect() as connection:
        queue_mail(connection, BOX, company_id=None, to="a@zed.test", subject="x", text="y", now=NOON)
        connection.rollback()

    assert mails(engine) == []


def test_a_server_that_is_away_is_tried_again_for_three_days_and_then_given_up(
    tools: Tools, engine: Engine, clock: SetClock
) -> None:
    postman = Postman(engine, BOX, clock, nowhere())
    queue(engine, "a@zed.test")

    postman.send_due()
    first_rest = mails(engine)[0].due_at - NOON
    postman.send_due()
    while mails(engine)[0].status == "waiting":
        clock.advance(mails(engine)[0].due_at - clock())
        postman.send_due()

    (row,) = mails(engine)
    assert timedelta(seconds=15) <= first_rest <= timedelta(seconds=30)
    assert (row.status, row.sealed) == ("given_up", None)
    assert row.error == "the mail server could not be used: ConnectionRefusedError"
    assert timedelta(days=3) < row.ended_at - NOON < timedelta(days=3, hours=1)
    assert 72 < row.attempts < 200


def test_one_refused_recipient_holds_up_no_other(tools: Tools, engine: Engine, clock: SetClock) -> None:
    inbox = Inbox(answer_to={"gone@zed.test": "550 no such user", "full@zed.test": "452 mailbox full"})
    for to in ("gone@zed.test", "full@zed.test", "fine@zed.test"):
        queue(engine, to)

    with mail_server(inbox) as server:
        postman = Postman(engine, BOX, clock, server)
        assert postman.send_due() == 1
        del inbox.answer_to["full@zed.test"]
        clock.advance(timedelta(minutes=1))
        assert postman.send_due() == 1

    assert states(engine) == [
        ("given_up", 1, "the mail server refused the recipient with 550"),
        ("sent", 2, None),
        ("sent", 1, None),
    ]


def test_an_email_that_was_sent_by_a_process_that_died_is_sent_again_with_the_same_id(
    tools: Tools, engine: Engine, clock: SetClock
) -> None:
    inbox = Inbox()
    queue(engine, "a@zed.test")
    with mail_server(inbox) as server:
        postman = Postman(engine, BOX, clock, server)
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE mail ADD CONSTRAINT dies CHECK (status = 'waiting')"))
        with pytest.raises(Exception, match="dies"):
            postman.send_due()
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE mail DROP CONSTRAINT dies"))
        assert postman.send_due() == 0
        clock.advance(timedelta(minutes=11))
        assert postman.send_due() == 1

    assert len({one["Message-ID"] for one in inbox.messages}) == 1
    assert len(inbox.messages) == 2


def test_tls_is_started_where_it_is_offered_and_a_password_is_sent_over_it(
    tools: Tools, engine: Engine, clock: SetClock
) -> None:
    inbox = Inbox()
    queue(engine, "a@zed.test")
    with mail_server(inbox, certificate=certified().server, needs_password=True) as server:
        assert Postman(engine, BOX, clock, server, certified().client).send_due() == 1
        queue(engine, "b@zed.test")
        assert Postman(engine, BOX, clock, server).send_due() == 0  # nobody has signed its certificate

    assert inbox.were_encrypted == [True]
    assert states(engine)[1][2] == "the mail server could not be used: SSLCertVerificationError"


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
def test_a_password_is_not_sent_in_the_clear_to_another_machine(
    engine: Engine, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue(engine, "a@zed.test")
    with mail_server(Inbox(), needs_password=True) as server:
        # The name is resolved to this machine, which the sender does not know.
        monkeypatch.setattr(smtplib.SMTP, "_get_socket", lambda self, _h, port, t: _connect(port, t))
        Postman(engine, BOX, clock, replace(server, host="mail.zed.test")).send_due()

    assert states(engine) == [("waiting", 1, "the mail server could not be used: NotSecureError")]


def _connect(port: int, seconds: float) -> Any:
    import socket  # noqa: PLC0415 - only this fake needs it

    return socket.create_connection(("127.0.0.1", port), seconds)


def test_an_email_that_cannot_be_opened_waits_for_its_key_or_is_given_up_if_it_was_changed(
    engine: Engine, clock: SetClock
) -> None:
    queue(engine, "a@zed.test", box=SecretBox([b"z" * 32]))
    queue(engine, "b@zed.test")
    with engine.begin() as connection:
        connection.execute(text("UPDATE mail SET recipient = 'mine@zed.test' WHERE recipient = 'b@zed.test'"))

    inbox = Inbox()
    with mail_server(inbox) as server:
        assert Postman(engine, BOX, clock, server).send_due() == 0

    assert [row[0] for row in states(engine)] == ["waiting", "given_up"]
    assert "ENCRYPTION_KEYS lacks the key" in (states(engine)[0][2] or "")
    assert inbox.messages == []


def test_a_company_queues_emails_of_its_own_and_reads_none(engine: Engine, database_url: str) -> None:
    web = acting_as(open_engine(database_url, name="web", pool_size=1), APP)
    with engine.begin() as connection:
        mine, theirs = add_company(connection, "Zed").id, add_company(connection, "Other").id
    queue_one = partial(queue_mail, box=BOX, to="a@zed.test", subject="x", text="y", now=NOON)
    with within_company(web, mine) as connection:
        queue_one(connection, company_id=mine)
    for other in (theirs, None):
        with pytest.raises(Exception, match="row-level security"), within_company(web, mine) as connection:
            queue_one(connection, company_id=other)
    with pytest.raises(Exception, match="permission denied"), within_company(web, mine) as connection:
        connection.execute(text("SELECT sealed FROM mail"))
    web.dispose()

    assert [row.company_id for row in mails(engine)] == [mine]


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("smtp://", "a@zed.test"),
        ("smtp://host:none", "a@zed.test"),
        ("http://host", "a@zed.test"),
        ("host", "a@zed.test"),
        ("smtp://host", None),
        ("smtp://host", "Zed"),
    ],
)
def test_a_mail_server_that_cannot_be_used_is_a_problem_by_name(url: str, sender: str | None) -> None:
    environment = Environment({})

    assert mail_server_from(environment, url, sender) is None
    with pytest.raises(SystemExit):
        environment.refuse_if_incomplete()


def test_a_mail_server_is_read_from_its_address_and_hides_its_password() -> None:
    environment = Environment({})
    server = mail_server_from(environment, "smtps://a%40b:p%2Fw@mail.zed.test", "Zed <a@zed.test>")

    assert server == MailServer("mail.zed.test", 465, True, "Zed <a@zed.test>", "a@b", "p/w")  # noqa: FBT003
    assert server.sender_address == "a@zed.test"
    assert "p/w" not in repr(server)
    assert mail_server_from(environment, "smtp://mail.zed.test:25", "a@zed.test") == MailServer(
        "mail.zed.test", 25, is_tls=False, sender="a@zed.test"
    )
    assert mail_server_from(environment, None, None) is None
