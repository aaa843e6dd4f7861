"""Somebody who maps a company's lines over the API."""

from typing import Any, Self

from events.log.read import head_of
from mapping.recorded import RULES, Desk
from projections.mapping.decisions.payloads import Previewed, RulesPublished
from tenants.roles import Role
from tests.support.clock import NOON
from tests.support.company import catch_up, new_key_headers, record_events
from tests.support.payloads import ACCOUNT, event, new_invoice
from tests.support.web.admins import Admin
from tests.support.web.lines import json_of

Json = dict[str, Any]


class Mapper(Admin):
    """An editor, unless they have another role."""

    @classmethod
    def beside(cls, admin: Admin, role: Role = "editor") -> Self:
        """Return somebody of the same company."""
        key = new_key_headers(admin.engine, admin.company_id, role)
        return cls(admin.client, admin.engine, admin.company_id, key)

    def add_stream(self, name: str = "SaaS", **more: Any) -> str:
        """Add a stream and return its id."""
        answer = self.send("POST", "/streams", {"name": name, **more})
        assert answer.status_code == 201, answer.text
        return str(json_of(answer)["id"])

    def add_lines(self, *lines: dict[str, object], invoice_id: str = "in_1", **more: Any) -> None:
        """Receive and fold a paid invoice with these lines."""
        record_events(self.engine, event(new_invoice(invoice_id, *lines, **more), account=ACCOUNT))
        catch_up(self.engine)

    def publish(self, rules: list[Json], version: int = 1, note: str | None = None) -> None:
        """Publish rules without a preview."""
        with self.engine.begin() as connection:
            seen = Previewed(head_of(connection, self.company_id), "checksum")
            desk = Desk(connection, self.company_id, "user:1", NOON)
            desk.record(RULES, [RulesPublished(version, list(rules), version - 1, seen, note)])
