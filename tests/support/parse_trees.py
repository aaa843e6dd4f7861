"""Statements as PostgreSQL has parsed them, to hold them to what a distributed PostgreSQL plans.

A statement becomes the body of a function, whose parse tree the catalogue shows. Nothing is executed.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, text

# Braces make nodes, parentheses lists; a backslash keeps the character after it.
_TOKEN = re.compile(r"[{}()]|(?:\\.|[^\s{}()\\])+")
_PARAMETER = re.compile(r"(?<![:\w]):(\w+)\b|%\((\w+)\)[sb]|%([sb])")
# What the driver tells the server of a value, where the statement does not say it.
_TYPES_OF = {"disabled_after": "interval", "first": "double precision", "longest": "double precision"} | dict.fromkeys(
    ("period", "quick", "new", "slow", "most_of_company", "failures_that_count"), "double precision"
)
_VOLATILITY = text("SELECT CAST(oid AS text) AS oid, provolatile FROM pg_proc")
_TYPES = text("SELECT CAST(parameter_types AS text[]) FROM pg_prepared_statements WHERE name = 'seen'")
_TREE = text("SELECT CAST(prosqlbody AS text) FROM pg_proc WHERE proname = 'seen'")
_INSERT = "3"
_CHANGES = {"2", _INSERT, "4"}  # CmdType: UPDATE, INSERT, DELETE
_FUNCTIONS = (":funcid", ":opfuncid")

Node = Any  # a dict of a node's fields, its name under "", a list, or a word


def volatilities(connection: Connection) -> Mapping[str, str]:
    """Return i, s or v of each function: immutable, stable or volatile."""
    return {row.oid: row.provolatile for row in connection.execute(_VOLATILITY)}


def tree_of(connection: Connection, statement: str) -> Node:
    """Return the parse tree of a statement with :parameters or %(parameters)s. Leaves nothing behind.

    :raises sqlalchemy.exc.DBAPIError: PostgreSQL does not know what a parameter is, or refuses the statement
    """
    plain = _numbered(statement).replace("%%", "%")
    with connection.begin_nested() as inner:
        driver: Any = connection.connection.driver_connection
        driver.execute(f"PREPARE seen AS {plain}".encode())
        types = connection.scalars(_TYPES).one()
        driver.execute(b"DEALLOCATE seen")
        driver.execute(
            f"CREATE FUNCTION seen({', '.join(types)}) RETURNS void LANGUAGE sql BEGIN ATOMIC {plain}; END".encode()
        )
        tree = connection.scalars(_TREE).one()
        inner.rollback()
    return _read(iter(_TOKEN.findall(tree)))


def _numbered(statement: str) -> str:
    places: list[str] = []

    def place(found: re.Match[str]) -> str:
        name = found[1] or found[2] or f"{found.start()}"
        if name not in places:
            places.append(name)
        number = f"${places.index(name) + 1}"
        return f"CAST({number} AS {_TYPES_OF[name]})" if name in _TYPES_OF else number

    return _PARAMETER.sub(place, statement.strip().rstrip(";"))


def refusals(tree: Node, volatility: Mapping[str, str]) -> Iterator[str]:
    """Yield why Citus would refuse what a tree changes: see ModifyPartialQuerySupported in its router planner."""
    for query in _nodes(tree, "QUERY"):
        if query[":commandType"] in _CHANGES:
            yield from _refused_of(query, volatility)


def _refused_of(query: Node, volatility: Mapping[str, str]) -> Iterator[str]:
    conflict, join = query[":onConflict"], query[":jointree"]
    # What is inserted is worked out before it is sent to a node.
    changed = [query[":targetList"] if query[":commandType"] != _INSERT else [], join[":quals"] if join != "<>" else []]
    found = {
        "a volatile function": any(volatility_of(one, volatility) == "v" for one in _nodes(changed)),
        "a stable function of a column": any(_is_stable_of_column(one, volatility) for one in _own_nodes(changed)),
        "a function that is not immutable in CASE or COALESCE": any(
            one[""] in ("CASEEXPR", "COALESCEEXPR") and _is_mutable(one, volatility) for one in _own_nodes(changed)
        ),
        "a function that is not immutable in RETURNING": _is_mutable(query[":returningList"], volatility),
        "a function that is not immutable in DO UPDATE": _is_mutable(conflict, volatility),
        "a simple CASE": any(one[":arg"] != "<>" for one in _nodes([changed, conflict], "CASEEXPR")),
    }
    yield from (reason for reason, is_so in found.items() if is_so)


def chooses_again(tree: Node) -> bool:
    """Return whether a change may choose more rows than a LIMIT in it says.

    A subquery in FROM may run once for each row that is joined to it. One that skips rows that are locked or changed
    meanwhile, by the change itself too, chooses others then.
    """
    return any(
        entry[":subquery"] != "<>"
        and entry[":subquery"][":rowMarks"] != "<>"
        and entry[":subquery"][":limitCount"] != "<>"
        for query in _nodes(tree, "QUERY")
        if query[":commandType"] in _CHANGES
        for entry in _nodes(query[":rtable"], "RANGETBLENTRY")
        if ":subquery" in entry
    )


def volatility_of(node: Node, volatility: Mapping[str, str]) -> str:
    """Return the volatility of what a node itself calls, i if nothing."""
    if node[""] == "NEXTVALUEEXPR":
        return "v"
    if node[""] == "SQLVALUEFUNCTION":
        return "s"
    return max((volatility.get(node.get(name, ""), "i") for name in _FUNCTIONS), key="isv".index)


def _is_stable_of_column(node: Node, volatility: Mapping[str, str]) -> bool:
    return volatility_of(node, volatility) == "s" and any(one[""] == "VAR" for one in _own_nodes(node))


def _is_mutable(node: Node, volatility: Mapping[str, str]) -> bool:
    return any(volatility_of(one, volatility) != "i" for one in _nodes(node))


def _nodes(tree: Node, name: str | None = None) -> Iterator[dict[str, Node]]:
    """Yield all nodes of a tree."""
    yield from _walked(tree, name, into_queries=True)


def _own_nodes(tree: Node) -> Iterator[dict[str, Node]]:
    """Yield the nodes of an expression without those of queries in it, which run before or are planned apart."""
    yield from _walked(tree, None, into_queries=False)


def _walked(tree: Node, name: str | None, *, into_queries: bool) -> Iterator[dict[str, Node]]:
    if isinstance(tree, list):
        for one in tree:
            yield from _walked(one, name, into_queries=into_queries)
    elif isinstance(tree, dict) and (into_queries or tree[""] != "QUERY"):
        if name in (None, tree[""]):
            yield tree
        for one in tree.values():
            yield from _walked(one, name, into_queries=into_queries)


def _read(tokens: Iterator[str], first: str | None = None) -> Node:
    token = first or next(tokens)
    if token == "(":
        return list(_until(tokens, ")"))
    if token != "{":
        return token
    node: dict[str, Node] = {"": next(tokens)}
    field = ""
    for value in _until(tokens, "}"):
        if isinstance(value, str) and value.startswith(":"):
            field = value
        elif field:
            node.setdefault(field, value)
    return node


def _until(tokens: Iterator[str], end: str) -> Iterator[Node]:
    while (token := next(tokens)) != end:
        yield _read(tokens, token)
