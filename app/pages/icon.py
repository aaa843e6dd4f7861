"""The icon that browsers request on their own, whichever page they show."""

from flask import Blueprint, current_app
from flask.wrappers import Response

blueprint = Blueprint("icon", __name__)


@blueprint.get("/favicon.ico")
def show_icon() -> Response:
    """Return the icon of the pages, which is an SVG under this name, too."""
    return current_app.send_static_file("icon.svg")
