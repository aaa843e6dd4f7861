"""What gunicorn serves, and what the `flask …` commands run in."""

from flask import Flask

from app.factory import create_app
from app.settings import WebSettings
from app.wiring import tools_from
from commands import register
from events.environ import Environment
from events.logs import log_as_json


def _app() -> Flask:
    environment = Environment.of_process()
    if environment.optional("FLASK_RUN_FROM_CLI") == "true":
        # An operator's command needs the database, not the secrets of the web process.
        return Flask("revmap")
    log_as_json()
    return create_app(tools_from(WebSettings.from_environ(environment)))


app = _app()
register(app)
