"""Add rules to the draft as somebody maps groups of lines on the page."""

from collections.abc import Callable
from typing import NamedTuple

from flask import request

from app.api.mapping.deciding import at_desk
from app.pages.forms import MistakeError, name_in, typed
from mapping.drafts import Draft, DraftChangedError, draft_of, save_draft
from mapping.recorded import Desk
from mapping.streams import NameTakenError, Streams, TooManyStreamsError, create_stream, streams_at
from projections.mapping.group_rules import By, WordlessError, with_mapped
from projections.mapping.likely_streams import Sold
from projections.mapping.problems import InvalidRulesError

_LONGEST_NAME_OF_RULE = 100


class Wanted(NamedTuple):
    """What a form asks for: which lines, known by what, and the stream they belong to, or the name of a new one."""

    sold: Sold
    by: By
    stream_id: str
    new_stream: str | None


def wanted_in_form() -> Wanted:
    """Return what the form asks for.

    :raises MistakeError: the name of a new stream cannot be used
    """
    product_id, price_id, phrase = (typed(name).replace("\x00", "") for name in ("product_id", "price_id", "phrase"))
    sold = Sold(product_id or None, price_id or None, phrase)
    new_stream = name_in("new_stream", "a name for the stream") if "new_stream" in request.form else None
    return Wanted(sold, _by(sold, typed("by")), typed("stream_id"), new_stream)


def add_to_draft(company_id: int, wanted: Wanted) -> str:
    """Add a rule for these lines to the draft, with a new stream if one is wanted, and return its id. Commits.

    :raises MistakeError: that cannot be done
    """
    return _told(lambda: at_desk(company_id, lambda desk: _added(desk, wanted)))


def _added(desk: Desk, wanted: Wanted) -> str:
    stream_id = wanted.stream_id
    if wanted.new_stream is not None:
        stream_id = create_stream(desk, wanted.new_stream, None, None)
    streams = streams_at(desk.connection, desk.company_id)
    if stream_id not in streams or streams[stream_id].archived_at is not None:
        raise MistakeError("stream_id", "Choose a stream.")
    seen = draft_of(desk.connection, desk.company_id)
    name = _name_of_rule(wanted, stream_id, streams)
    added = with_mapped(seen.rules, wanted.sold, wanted.by, stream_id, name=name, streams=streams)
    saved = save_draft(desk, added.rules, seen=seen, pointer="/rules")
    return added.rule_id or _new_in(saved, seen)


def _new_in(saved: Draft, seen: Draft) -> str:
    known = {rule["id"] for rule in seen.rules}
    return next(str(rule["id"]) for rule in saved.rules if rule["id"] not in known)


def _name_of_rule(wanted: Wanted, stream_id: str, streams: Streams) -> str:
    if wanted.by == "description":
        return (wanted.sold.phrase or "No description")[:_LONGEST_NAME_OF_RULE]
    return f"{streams[stream_id].name} by {wanted.by}"


def _by(sold: Sold, chosen: str) -> By:
    if sold.price_id and (chosen == "price" or not sold.product_id):
        return "price"
    return "product" if sold.product_id else "description"


def _told(add: Callable[[], str]) -> str:
    try:
        return add()
    except NameTakenError as error:
        raise MistakeError("new_stream", "There is a stream of that name. Choose it from the list.") from error
    except TooManyStreamsError as error:
        raise MistakeError("new_stream", "There are as many streams as there may be.") from error
    except WordlessError as error:
        says = "These lines have no product and no words in common. Write a rule of your own for them."
        raise MistakeError("by", says) from error
    except DraftChangedError as error:
        raise MistakeError("by", "Somebody else changed the draft at the same moment. Try again.") from error
    except InvalidRulesError as error:
        raise MistakeError("by", f"The rule can't be added: {error.problems[0].detail}") from error
