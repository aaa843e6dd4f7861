"""After a restore from a backup, positions are given twice, and nothing from before passes for what is now."""

from flask.testing import FlaskClient
from sqlalchemy import Engine, text

from events.log.chains import head_at
from events.log.epochs import begin_epoch
from tests.support.company import catch_up
from tests.support.payloads import new_line
from tests.support.web.lines import Reader, json_of

MADE_OF_POSITIONS = ("/revenue-lines", "/revenue-lines.csv", "/revenue-lines.xlsx", "/revenue-by-month")


def test_what_was_made_before_a_restore_matches_and_continues_nothing(client: FlaskClient, engine: Engine) -> None:
    reader = Reader.of_new_company(client, engine)
    reader.add_lines(new_line("il_1"), new_line("il_2"))
    tags = {path: reader.get(path).headers["ETag"] for path in MADE_OF_POSITIONS}
    followed, page = json_of(reader.get("/changes")), json_of(reader.get(limit=1))
    assert followed["epoch"] == ""
    assert {reader.get(path, headers={"If-None-Match": tag}).status_code for path, tag in tags.items()} == {304}
    assert json_of(reader.get("/changes", cursor=followed["next_cursor"]))["data"] == []

    for _ in range(2):
        with engine.begin() as connection:
            epoch = begin_epoch(connection)
        stale = [
            reader.get("/changes", cursor=followed["next_cursor"]),
            reader.get(limit=1, cursor=page["next_cursor"]),
        ]
        assert [(answer.status_code, answer.json["code"]) for answer in stale if answer.json] == [
            (410, "log_restored"),
            (410, "log_restored"),
        ]
        now = {path: reader.get(path, headers={"If-None-Match": tag}) for path, tag in tags.items()}
        assert {answer.status_code for answer in now.values()} == {200}
        tags = {path: answer.headers["ETag"] for path, answer in now.items()}
        anew, page = json_of(reader.get("/changes")), json_of(reader.get(limit=1))
        assert (anew["epoch"], anew["data"]) == (epoch, followed["data"])
        assert json_of(reader.get("/changes", cursor=anew["next_cursor"]))["data"] == []
        assert len(json_of(reader.get(limit=1, cursor=page["next_cursor"]))["data"]) == 1
        followed = anew


def test_files_name_the_head_of_the_log_that_they_were_made_from(client: FlaskClient, engine: Engine) -> None:
    reader = Reader.of_new_company(client, engine)
    reader.add_lines(new_line("il_1"))
    reader.add_lines(new_line("il_2"), invoice_id="in_2")
    catch_up(engine)
    with engine.begin() as connection:
        heads = {position: str(head_at(connection, reader.company_id, position)) for position in (2, 3)}
        for path in ("/revenue-lines.csv", "/revenue-lines.xlsx", "/reports/deferred.csv", "/reports/deferred.xlsx"):
            assert reader.get(path).headers["Revmap-Log-Head"] == heads[3]
            assert reader.get(path, as_of=2).headers["Revmap-Log-Head"] == heads[2]
        connection.execute(text("SET LOCAL revmap.maintenance = 'on'"))
        connection.execute(text("UPDATE event SET chain_sha256 = NULL"))
    assert "Revmap-Log-Head" not in reader.get("/revenue-lines.csv").headers
