"""The API reference as a page for people, made from the same document that programs read."""

from flask import Blueprint, current_app, render_template

from app.problems.codes import PROBLEMS

blueprint = Blueprint("reference", __name__)


@blueprint.get("/docs")
def docs() -> str:
    """Show every route, parameter and field, and every problem with its remedy."""
    spec = current_app.extensions["revmap-api"].spec.to_dict()
    return render_template("docs.html", spec=spec, problems=PROBLEMS.values())
