"""Put the web process together."""

from flask import Flask
from flask.json.provider import DefaultJSONProvider

from app import (
    api,
    changes_api,
    connect,
    connection_api,
    defences,
    health,
    line_history_api,
    metrics,
    problems,
    provider_sign_in,
    reference,
    request_log,
    revenue_lines_api,
    revenue_lines_csv,
    revenue_months_api,
    sign_in,
    syncs_api,
    webhooks,
    wiring,
)
from app.pages import connection_forms, integrations, line_drawer, revenue_chart, revenue_mapping, sync_pages, wording
from app.wiring import Tools


class _InOrder(DefaultJSONProvider):
    """Writes fields in the order of their schema: the seven columns first."""

    sort_keys = False


def create_app(tools: Tools) -> Flask:
    """Give the app that serves every door with these tools."""
    app = Flask(__name__)
    app.json = _InOrder(app)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    wiring.install(app, tools)
    request_log.install(app)
    defences.install(app)
    problems.install(app)
    wording.install(app)
    app.register_blueprint(webhooks.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    app.extensions["revmap-api"] = api.install(
        app,
        revenue_lines_api.blueprint,
        revenue_lines_csv.blueprint,
        revenue_months_api.blueprint,
        line_history_api.blueprint,
        changes_api.blueprint,
        syncs_api.blueprint,
        connection_api.blueprint,
    )
    app.register_blueprint(reference.blueprint)
    pages = (integrations, connection_forms, sync_pages, revenue_mapping, revenue_chart, line_drawer)
    for doors in (sign_in, provider_sign_in, connect, *pages):
        app.register_blueprint(doors.blueprint)
    return app
