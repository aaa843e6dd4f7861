"""The connection breaks between a commit and its reply: the outcome is unknown, yet each event is stored once."""

import select
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, make_url

from app.wiring.tools import Tools
from events.intake.group_append import GroupAppender
from runtime.database import open_engine
from tests.support.company import company_with
from tests.support.payloads import ACCOUNT
from tests.support.web.tools import app_with
from tests.support.web.webhooks import bodies_of, invoice_event, post

_SOCKET = ".s.PGSQL.5432"
_STATEMENT = b"receive_stripe_events"


class LossyProxy:
    """A proxy between the app and PostgreSQL that loses replies.

    It drops the replies to the next `replies_to_drop` appends, and closes their connections.
    """

    def __init__(self, directory: Path, server: str) -> None:
        self.replies_to_drop = 0
        self.dropped = 0
        self._server = server
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / _SOCKET))
        self._listener.listen()
        Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                Thread(target=self._pass_on, args=[self._listener.accept()[0]], daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(ConnectionError):
            server.connect(self._server)
            while True:
                for source in select.select([client, server], [], [])[0]:
                    sent = source.recv(65_536)
                    if not sent:
                        return
                    (server if source is client else client).sendall(sent)
                    if source is client and _STATEMENT in sent and self.replies_to_drop:
                        server.recv(65_536)  # the reply: the append is committed
                        self.replies_to_drop -= 1
                        self.dropped += 1
                        return


@pytest.fixture
def proxy(database_url: str) -> Iterator[LossyProxy]:
    server = Path(str(make_url(database_url).query["host"])) / _SOCKET
    with (
        tempfile.TemporaryDirectory(prefix="t-") as directory,
        closing(LossyProxy(Path(directory), str(server))) as proxy,
    ):
        yield proxy


@pytest.fixture
def client(proxy: LossyProxy, web_tools: Tools, database_url: str) -> Iterator[FlaskClient]:
    directory = Path(proxy._listener.getsockname()).parent
    url = make_url(database_url).update_query_dict({"host": str(directory)})
    intake = open_engine(
        url.render_as_string(hide_password=False),
        name="intake",
        pool_size=1,
        statement_timeout_ms=1500,
        autocommit=True,
    )
    yield app_with(replace(web_tools, appender=GroupAppender(intake, after_commit=lambda: None))).test_client()
    intake.dispose()


@pytest.mark.promise("A commit whose reply is lost: kept once, acknowledged only when it is known")
@pytest.mark.parametrize(("replies_to_drop", "status"), [(0, 200), (1, 200), (2, 200), (3, 503)])
def test_event_whose_commit_was_not_confirmed_is_kept_once_and_acknowledged_when_it_is_known(
    client: FlaskClient, proxy: LossyProxy, engine: Engine, replies_to_drop: int, status: int
) -> None:
    company, body = company_with(engine, ACCOUNT), invoice_event()

    proxy.replies_to_drop = replies_to_drop
    answer = post(client, body)
    held_before = bodies_of(engine, company)
    again = post(client, body)

    assert (answer.status_code, proxy.dropped) == (status, replies_to_drop)
    assert held_before == [body]
    assert again.status_code == 200
    assert bodies_of(engine, company) == [body]
