"""The open notices that the signed-in person may see."""

from typing import Any

from app.auth.access import principal
from app.wiring.tools import current_tools
from notices.causes import open_notices
from notices.vocabulary import ENDPOINT_DISABLED
from runtime.database import within_company


def notices_for_reader() -> list[Any]:
    """Return the open notices of the current company, newest first. Webhook endpoints concern admins alone."""
    who = principal()
    with within_company(current_tools().engine, who.company_id) as connection:
        rows = open_notices(connection, who.company_id)
    return [row for row in rows if row.type != ENDPOINT_DISABLED or who.reaches("admin")]
