"""HTTP transport for the web process: few requests to Stripe, which carry secrets and must go nowhere else."""

from requests import Session
from stripe import RequestsClient

_TIMEOUT_SECONDS = 15


def to_stripe_alone() -> RequestsClient:
    """Create a client that follows no redirects, so that the secrets it sends reach nobody but Stripe."""
    session = Session()
    session.max_redirects = 0
    return RequestsClient(timeout=_TIMEOUT_SECONDS, session=session)
