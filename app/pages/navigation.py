"""The places that pages are found at: those of the navigation, and the tabs of the settings."""

from typing import NamedTuple

from app.auth.access import principal
from tenants.roles import Role


class Place(NamedTuple):
    """A page in a list of pages: its name as `here`, its title, the icon beside it, and who may open it.

    `address` has the company's id in the place of `{}`.
    """

    name: str
    title: str
    icon: str
    address: str
    role: Role = "viewer"


REVENUE = (
    Place("revenue-mapping", "Revenue Mapping", "table", "/companies/{}/revenue-mapping"),
    Place("unmapped", "Unmapped", "help-circle", "/companies/{}/unmapped"),
    Place("rules", "Rules", "route", "/companies/{}/rules"),
    Place("streams", "Streams", "stack-2", "/companies/{}/streams"),
    Place("recognition", "Recognition", "chart-bar", "/companies/{}/recognition"),
    Place("credit-notes", "Credit notes", "receipt", "/companies/{}/credit-notes"),
)
DATA = (
    Place("syncs", "Sync history", "history", "/companies/{}/syncs"),
    Place("notices", "Notices", "bell", "/companies/{}/notices"),
)
SETTINGS = (
    Place("integrations", "Integrations", "plug-connected", "/settings/integrations?company={}"),
    Place("people", "People", "users", "/companies/{}/people"),
    Place("api-keys", "API keys", "key", "/companies/{}/api-keys"),
    Place("webhooks", "Webhooks", "webhook", "/companies/{}/settings/webhooks", "admin"),
    Place("notifications", "Notifications", "bell", "/companies/{}/settings/notifications"),
    Place("exports", "Scheduled exports", "calendar-time", "/companies/{}/settings/exports", "editor"),
    Place("company", "Company", "building", "/companies/{}/company"),
    Place("policy", "Accounting policy", "book", "/companies/{}/settings/accounting-policy", "admin"),
    Place("audit", "Audit log", "list-details", "/companies/{}/audit", "editor"),
)


def places_for(places: tuple[Place, ...]) -> list[Place]:
    """Return the places that the current principal may open, with the addresses of their company."""
    who = principal()
    return [place._replace(address=place.address.format(who.company_id)) for place in places if who.reaches(place.role)]
