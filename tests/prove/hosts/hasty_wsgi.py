"""The application, but for a bug made on purpose: it acknowledges webhooks before they are committed."""

from tests.prove.hosts.planted import BUGS, HASTY
from wsgi import app

__all__ = ["app"]

BUGS[HASTY]()
