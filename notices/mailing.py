"""Write to people about notices: one e-mail to each when it begins, one when it is over. Each in one transaction."""

from datetime import datetime

from sqlalchemy import Connection, Engine, Row, text

from notices.letters import Told, letter_of_beginning, letter_of_end
from notices.mail import queue_mail
from notices.preferences import recipients_of
from tenants.secrets import SecretBox

_UNMAILED = """
    (n.closed_at IS NULL AND n.mailed_at IS NULL
     OR n.closed_at IS NOT NULL AND n.mailed_at IS NOT NULL AND n.end_mailed_at IS NULL)
"""
_ANY_UNMAILED = text(f"SELECT EXISTS (SELECT FROM notice n WHERE {_UNMAILED})")  # noqa: S608 - our own words
_NEXT = text(f"""
    SELECT n.id, n.company_id, c.name AS company_name, n.type, n.details, n.closed_at IS NOT NULL AS is_over
    FROM notice n JOIN company c ON c.id = n.company_id
    WHERE {_UNMAILED} ORDER BY n.id LIMIT 1 FOR UPDATE OF n SKIP LOCKED
""")  # noqa: S608 - our own words
_MAILED = text("UPDATE notice SET mailed_at = :now WHERE id = :id")
_END_MAILED = text("UPDATE notice SET end_mailed_at = :now WHERE id = :id")


def is_any_notice_unmailed(connection: Connection) -> bool:
    """Return whether there is a notice, or the end of one, that nobody was written about."""
    return bool(connection.execute(_ANY_UNMAILED).scalar())


def mail_notices(engine: Engine, box: SecretBox, *, public_url: str, now: datetime) -> int:
    """Queue e-mails about all notices that began or ended; return how many notices that were. Commits one by one."""
    mailed = 0
    while True:
        with engine.begin() as connection:
            notice = connection.execute(_NEXT).one_or_none()
            if notice is None:
                return mailed
            _mail(connection, box, notice, public_url, now)
            connection.execute(_END_MAILED if notice.is_over else _MAILED, {"id": notice.id, "now": now})
        mailed += 1


def _mail(
    connection: Connection, box: SecretBox, notice: Row[tuple[object, ...]], public_url: str, now: datetime
) -> None:
    told = Told(notice.company_id, notice.company_name, notice.type, notice.details)
    letter = (letter_of_end if notice.is_over else letter_of_beginning)(told, public_url)
    for recipient in recipients_of(connection, told.company_id, told.type):
        queue_mail(
            connection,
            box,
            company_id=told.company_id,
            to=recipient.email,
            subject=letter.subject,
            text=letter.text,
            now=now,
        )
