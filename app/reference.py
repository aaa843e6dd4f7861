"""The API's own description as a page for people, made from the same document that programs read."""

from flask import Blueprint, current_app, redirect, render_template
from werkzeug.wrappers import Response

from app.problem_codes import CODES

blueprint = Blueprint("reference", __name__)


@blueprint.get("/")
def front() -> Response:
    """Lead to the reference."""
    return redirect("/docs", 303)


@blueprint.get("/docs")
def docs() -> str:
    """Show every route, parameter and field, and every problem with what to do about it."""
    spec = current_app.extensions["revmap-api"].spec.to_dict()
    return render_template("docs.html", spec=spec, problems=CODES)
