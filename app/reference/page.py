"""Show the API reference. It is drawn once per process: nothing in it changes between requests."""

from gzip import compress
from typing import NamedTuple

from flask import Blueprint, Response, current_app, render_template, request

from app.problems.codes import PROBLEMS
from app.reference.marking import coloured, marked
from app.reference.objects import objects_in
from app.reference.operations import groups_in
from app.wiring.tools import current_tools

blueprint = Blueprint("reference", __name__)

_KEY = "revmap-reference"


class _Drawn(NamedTuple):
    plain: bytes
    gzipped: bytes


@blueprint.get("/docs")
def docs() -> Response:
    """Show every operation with an example, every object, and every problem with its remedy."""
    drawn = current_app.extensions.get(_KEY)
    if drawn is None:
        drawn = current_app.extensions[_KEY] = _draw()
    response = Response(drawn.plain, mimetype="text/html")
    if request.accept_encodings.best_match(["gzip"]):
        response.set_data(drawn.gzipped)
        response.content_encoding = "gzip"
    response.vary.add("Accept-Encoding")
    return response


def _draw() -> _Drawn:
    document, origin = current_app.extensions["revmap-api"].document, current_tools().address.origin
    groups = groups_in(document, origin)
    page = render_template(
        "reference/page.html",
        description=document["info"]["description"],
        groups=groups,
        subjects={group.title: group for group in groups},
        objects=objects_in(document),
        problems=PROBLEMS.values(),
        origin=origin,
        marked=marked,
        coloured=coloured,
    ).encode()
    return _Drawn(page, compress(page, mtime=0))
