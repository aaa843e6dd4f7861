"""What all forms of the pages have in common: how long they may be, and where they lead."""

from flask import make_response, redirect
from flask.wrappers import Response

LONGEST_FORM_BYTES = 10_000


def to_settings(company_id: int) -> Response:
    """Lead to the settings of a company."""
    return make_response(redirect(f"/settings/integrations?company={company_id}", 303))
