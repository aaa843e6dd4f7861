"""The application, but for a bug made on purpose: it acknowledges webhooks before they are committed."""

from tests.prove.hosts.planted import ACKNOWLEDGES_EARLY, BUGS
from wsgi import app

__all__ = ["app"]

BUGS[ACKNOWLEDGES_EARLY]()
