"""Assemble the web app."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from app.api import (
    changes,
    connection,
    credit_notes,
    line_history,
    revenue_lines,
    revenue_lines_csv,
    revenue_months,
    syncs,
)
from app.api.base import install_api
from app.auth import defences, provider_sign_in, sign_in
from app.connect import oauth
from app.http import request_log
from app.ops import health, metrics
from app.pages import wording
from app.pages.mapping import chart, line_drawer, table
from app.pages.settings import connection_forms, integrations
from app.pages.syncs import pages as sync_pages
from app.problems import handlers, reference
from app.webhooks import endpoint
from app.webhooks.door import keep_webhook
from app.wiring.tools import Tools, install_tools, tools_of


class _InOrder(DefaultJSONProvider):
    """A JSON provider that writes fields in the order of their schema: the seven columns first."""

    sort_keys = False


class _App(Flask):
    """The app, with the door of webhooks in front of it."""

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        kept = keep_webhook(environ, start_response, tools_of(self))
        return super().wsgi_app(environ, start_response) if kept is None else kept


def create_app(tools: Tools) -> Flask:
    """Return the app that serves all routes with these tools."""
    app = _App(__name__)
    app.json = _InOrder(app)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    install_tools(app, tools)
    for installed in (request_log, defences, handlers, wording):
        installed.install(app)
    for part in (endpoint, health, metrics):
        app.register_blueprint(part.blueprint)
    app.extensions["revmap-api"] = install_api(
        app,
        revenue_lines.blueprint,
        revenue_lines_csv.blueprint,
        revenue_months.blueprint,
        line_history.blueprint,
        changes.blueprint,
        credit_notes.blueprint,
        syncs.blueprint,
        connection.blueprint,
    )
    app.register_blueprint(reference.blueprint)
    pages = (integrations, connection_forms, sync_pages, table, chart, line_drawer)
    for views in (sign_in, provider_sign_in, oauth, *pages):
        app.register_blueprint(views.blueprint)
    return app
