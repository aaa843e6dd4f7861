"""Register one view for each report, so that each module of routes says once what it answers."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from app.api.base import ApiBlueprint
from app.auth.access import for_role
from projections.reads.recognition.report_cells import ReportName

Answer = Callable[[ReportName, dict[str, Any], int], ResponseReturnValue]


class Route(NamedTuple):
    """What a report's route is named after in the API's reference, what it does, and what it answers with."""

    view_name: str
    summary: str
    schema: type[Schema]


class Kind(NamedTuple):
    """What the routes of all reports have in common: how their paths end, what they take, and what they send."""

    suffix: str
    takes: type[Schema]
    content_type: str | None = None


def add_reports(blueprint: ApiBlueprint, kind: Kind, routes: Mapping[ReportName, Route], answer: Answer) -> None:
    """Register a route for each report. `answer` gets its name, the query and the company."""
    for name, route in routes.items():
        view = _view_of(name, route, answer)
        view = blueprint.response(200, route.schema, content_type=kind.content_type)(view)
        view = blueprint.arguments(kind.takes, location="query")(view)
        blueprint.get(f"/{name}{kind.suffix}")(for_role("viewer")(view))


def _view_of(name: ReportName, route: Route, answer: Answer) -> Callable[..., ResponseReturnValue]:
    def view(query: dict[str, Any], company_id: int) -> ResponseReturnValue:
        return answer(name, query, company_id)

    # The reference has its words and its operation's name from the view.
    view.__name__, view.__doc__ = route.view_name, route.summary
    return view
