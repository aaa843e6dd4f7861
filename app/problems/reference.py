"""The API reference as a page for people, made from the same document that programs read."""

import re

from flask import Blueprint, current_app, render_template
from markupsafe import Markup, escape

from app.problems.codes import PROBLEMS

_CODE = re.compile("`([^`]+)`")

blueprint = Blueprint("reference", __name__)


@blueprint.app_template_filter()
def with_code(text: str) -> Markup:
    """Return a description as HTML, with what stands between backticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped


@blueprint.get("/docs")
def docs() -> str:
    """Show every route, parameter and field, and every problem with its remedy."""
    spec = current_app.extensions["revmap-api"].spec.to_dict()
    return render_template("docs.html", spec=spec, problems=PROBLEMS.values())
