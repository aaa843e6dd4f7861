"""Send the commands of a text one by one: Citus refuses several in one message, if they change a distributed schema."""

import re
from collections.abc import Iterator

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.event import listen

# A semicolon ends a command unless it is in a comment, in quotes, or in the body of a function.
_PART = re.compile(r"""--[^\n]*|/\*.*?\*/|'[^']*'|"[^"]*"|\$(\w*)\$.*?\$\1\$|;|[^-/'"$;]+|.""", re.DOTALL)
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def commands_of(script: str) -> Iterator[str]:
    """Yield the commands of a text of SQL, without what ends them."""
    command = ""
    for part in _PART.finditer(f"{script};"):
        if part[0] != ";":
            command += part[0]
            continue
        if _COMMENT.sub("", command).strip():
            yield command
        command = ""


def one_by_one(connection: Connection) -> None:
    """Have each text with several commands that is executed on this connection be sent command by command."""
    listen(connection, "before_execute", _all_but_the_last, retval=True)


def _all_but_the_last(
    connection: Connection, clause: object, several: object, parameters: object, _options: object
) -> tuple[object, object, object]:
    if isinstance(clause, TextClause):
        *before, last = commands_of(clause.text)
        for command in before:
            connection.execute(text(command))
        if before:
            clause = text(last)
    return clause, several, parameters
