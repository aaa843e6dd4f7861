"""The page of a batch of lines that were mapped by hand together, and its undoing."""

from typing import Any, NamedTuple

from flask import Blueprint, abort
from flask.wrappers import Response

from app.api.mapping import override_steps as steps
from app.api.mapping.deciding import log_at
from app.pages.by_hand.chosen_lines import money_in
from app.pages.forms import back_to
from app.pages.frame import for_member, framed
from app.pages.mapped.actors import names_of
from app.pages.mapped.share_words import Streams, target_words
from app.pages.mapping.table import HERE
from mapping.overrides import facts_about_lines
from mapping.recorded import Said
from mapping.streams import streams_at
from mapping.undo import LaterFactsError
from projections.mapping.decisions.payloads import LineKey, LinesOverridden

blueprint = Blueprint("mapping batches", __name__, url_prefix="/companies/<int:company_id>/revenue-mapping/batches")
_CONFLICT = 409


class _Batch(NamedTuple):
    """A batch: the first of its facts, its lines, and whether a later one undid it."""

    said: Said
    fact: LinesOverridden
    lines: list[LineKey]
    is_undone: bool


@blueprint.get("/<batch_id>")
@for_member("viewer")
def show_batch(company_id: int, batch_id: str) -> Response:
    """Show which lines were mapped together, by whom, and to what."""
    return _page(company_id, batch_id)


@blueprint.post("/<batch_id>/undo")
@for_member("editor")
def undo_batch(company_id: int, batch_id: str) -> Response:
    """Put back what was in force before a batch. Refused if something was chosen for its lines since."""
    try:
        steps.undo(company_id, batch_id)
    except LaterFactsError as error:
        return _page(company_id, batch_id, later=len(error.positions))
    return back_to(f"/companies/{company_id}/revenue-mapping/batches/{batch_id}")


def _page(company_id: int, batch_id: str, *, later: int = 0) -> Response:
    with log_at(company_id) as (connection, _):
        batch = _batch([(said, fact) for said, fact in facts_about_lines(connection, company_id)], batch_id)
        streams = streams_at(connection, company_id)
    lines = steps.these_lines(
        company_id, [(key.invoice_id, key.invoice_line_item_id) for key in batch.lines], batch.lines[0].livemode
    )
    return framed(
        "mapping/batch.html",
        here=HERE,
        status=_CONFLICT if later else 200,
        batch_id=batch_id,
        batch=batch,
        by=names_of([batch.said.actor])[batch.said.actor],
        target=_target(batch.fact, streams),
        money=money_in(lines),
        later=later,
    )


def _target(fact: LinesOverridden, streams: Streams) -> str:
    shares: Any = fact.outcome["shares"]
    return ", ".join(target_words(share, streams) for share in shares)


def _batch(facts: list[tuple[Said, object]], batch_id: str) -> _Batch:
    own = [(said, fact) for said, fact in facts if isinstance(fact, LinesOverridden) and fact.batch_id == batch_id]
    if not own:
        abort(404)
    positions = {said.position for said, _ in own}
    is_undone = any(getattr(fact, "undoes", None) in positions for _, fact in facts)
    return _Batch(*own[0], [line for _, fact in own for line in fact.lines], is_undone)
