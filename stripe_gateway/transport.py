"""The transport for what the web process asks of Stripe: few requests, which carry secrets, and go nowhere else."""

from requests import Session
from stripe import RequestsClient

_TIMEOUT_SECONDS = 15


def to_stripe_alone() -> RequestsClient:
    """Give a client to which a redirect is no answer: what it carries is told to nobody but whom it was meant for."""
    session = Session()
    session.max_redirects = 0
    return RequestsClient(timeout=_TIMEOUT_SECONDS, session=session)
