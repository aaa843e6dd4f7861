"""Page through lists whose items have a number each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from marshmallow import Schema, fields, validate

from app.api.schemas import DEFAULT_LIMIT, MAX_LIMIT
from app.http.fields import WholeNumber
from app.wiring.tools import current_tools

Item = TypeVar("Item")


class PageQuery(Schema):
    """Which page of a list to return."""

    limit = WholeNumber(load_default=DEFAULT_LIMIT, validate=validate.Range(1, MAX_LIMIT))
    cursor = fields.String(validate=validate.Length(1, 2000))


def list_of(item: type[Schema], described: str) -> type[Schema]:
    """Return the schema of a page of such items."""
    return type(
        f"{item.__name__}List",
        (Schema,),
        {
            "__doc__": described,
            "object": fields.Constant("list"),
            "data": fields.List(fields.Nested(item)),
            "has_more": fields.Boolean(),
            "next_cursor": fields.String(allow_none=True),
        },
    )


def page_of(
    list_name: str,
    company_id: int,
    query: Mapping[str, Any],
    read: Callable[[int, int | None], Sequence[Item]],
    place_of: Callable[[Item], int],
) -> dict[str, Any]:
    """Return a page of what `read` gives, which takes a limit and the place of the last item of the page before.

    :raises InvalidCursorError: the cursor belongs to another list
    """
    cursors, limit = current_tools().cursors, query["limit"]
    place = cursors.read_item(list_name, company_id, query["cursor"]) if "cursor" in query else None
    items = read(limit + 1, place)
    page, has_more = items[:limit], len(items) > limit
    next_cursor = cursors.write_item(list_name, company_id, place_of(page[-1])) if has_more else None
    return {"data": page, "has_more": has_more, "next_cursor": next_cursor}
