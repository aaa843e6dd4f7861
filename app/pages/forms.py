"""What all forms of the pages share: their size limit and the redirect to the settings."""

from flask import make_response, redirect
from flask.wrappers import Response

LONGEST_FORM_BYTES = 10_000


def to_settings(company_id: int, *, notice: str | None = None) -> Response:
    """Redirect to the settings of a company, where the notice of this name is shown."""
    address = f"/settings/integrations?company={company_id}"
    return make_response(redirect(f"{address}&notice={notice}" if notice else address, 303))
