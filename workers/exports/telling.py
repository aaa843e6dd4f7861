"""Tell that an export is ready: people by e-mail with links that ask them to sign in, programs by webhook."""

from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy import Connection

from backlog.exports.schedules import ScheduleRow, export_path
from notices.announcements import announce
from notices.mail import queue_mail
from notices.vocabulary import EXPORT_READY
from tenants.companies import find_company
from tenants.people.users import list_members
from tenants.secrets import SecretBox

_TEXT = """\
{company}: the revenue lines as of {moment} UTC are ready.

Download ({format}): {export}
Look at them first: {page}

Both ask you to sign in. They always show what was known at that moment, whatever has been learned since.

You get this because your address is on a schedule of exports of {company}. An editor can change that.
"""


class ReadyExport(NamedTuple):
    """A schedule that was due at a moment, and the position of the log at that moment."""

    schedule: ScheduleRow
    due_at: datetime
    position: int

    def links(self, public_url: str) -> tuple[str, str]:
        """Return the links to the export, and to the page that shows the same lines."""
        view = {name: value for name, value in self.schedule.view.items() if name != "columns"}
        query = urlencode(view | {"as_of": self.position}, doseq=True)
        page = f"/companies/{self.schedule.company_id}/revenue-mapping?{query}"
        return public_url + export_path(self.schedule, self.position), public_url + page

    def told(self, url: str) -> dict[str, object]:
        """Return what a webhook says of it."""
        return {
            "company_id": self.schedule.company_id,
            "schedule_id": self.schedule.id,
            "format": self.schedule.format,
            "due_at": f"{self.due_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "position": self.position,
            "url": url,
        }


class Messenger(NamedTuple):
    """What telling needs: the box that seals e-mails, our public address, and whether e-mails are sent at all."""

    box: SecretBox
    public_url: str
    sends_mail: bool

    def tell(self, connection: Connection, ready: ReadyExport, *, now: datetime) -> None:
        """Queue a webhook, and an e-mail to each address of the schedule that is still a member's. Commits nothing."""
        schedule = ready.schedule
        export, page = ready.links(self.public_url)
        announce(connection, schedule.company_id, EXPORT_READY, ready.told(export), now=now)
        company = find_company(connection, schedule.company_id)
        if company is None or not self.sends_mail:
            return
        moment = f"{ready.due_at:%Y-%m-%d %H:%M}"
        written = _TEXT.format(
            company=company.name, moment=moment, format=schedule.format.upper(), export=export, page=page
        )
        subject = f"Revenue lines as of {moment} UTC ({company.name})"
        members = {member.email for member in list_members(connection, schedule.company_id)}
        for address in schedule.emails:
            if address in members:
                queue_mail(
                    connection, self.box, company_id=company.id, to=address, subject=subject, text=written, now=now
                )
