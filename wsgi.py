"""The WSGI application that gunicorn serves and that the `flask …` commands run in."""

import click
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from commands import register
from runtime.environ import Environment
from runtime.logs import log_as_json


def _app() -> Flask:
    environment = Environment.of_process()
    if environment.optional("FLASK_RUN_FROM_CLI") == "true" and not _serves_or_lists_routes():
        # An operator's command needs the database, not the secrets of the web process.
        return Flask("revmap")
    # Half of what a command would take to start.
    from app.factory import create_app  # noqa: PLC0415
    from app.wiring.settings import WebSettings  # noqa: PLC0415
    from app.wiring.tools import tools_from  # noqa: PLC0415

    log_as_json()
    settings = WebSettings.from_environ(environment)
    application = create_app(tools_from(settings))
    if settings.trusted_proxy_hops:
        # Only the address: host and scheme are those of PUBLIC_URL, whatever a proxy sends.
        application.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # as its documentation does
            application.wsgi_app, x_for=settings.trusted_proxy_hops, x_proto=0, x_host=0
        )
    return application


def _serves_or_lists_routes() -> bool:
    """Return whether Flask's own command `run` or `routes` is running, which needs the whole web application."""
    context = click.get_current_context(silent=True)
    return context is not None and context.info_name in ("run", "routes")


app = _app()
register(app)
