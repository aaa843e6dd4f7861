"""The open notices that the signed-in person may see."""

from typing import Any

from sqlalchemy import Connection

from app.auth.access import principal
from notices.causes import open_notices
from notices.vocabulary import ENDPOINT_DISABLED


def notices_for_reader(connection: Connection) -> list[Any]:
    """Return the open notices of the current company, newest first. Webhook endpoints concern admins alone."""
    who = principal()
    rows = open_notices(connection, who.company_id)
    return [row for row in rows if row.type != ENDPOINT_DISABLED or who.reaches("admin")]
