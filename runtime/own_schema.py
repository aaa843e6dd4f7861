"""Read from the database's address which schema a deployment is in, where that is not `public`.

The address says it as for any program of PostgreSQL: `postgresql://host/name?options=-csearch_path%3Drevmap_1`.
"""

import re
from collections.abc import Mapping

from sqlalchemy import URL

# https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNECT-OPTIONS: a backslash keeps a space.
_OPTION = re.compile(r"(?:-c\s*|--)([\w.]+)=((?:\\.|[^\s\\])*)")
_TO_KEEP = re.compile(r"[\\\s]")
# Citus: what SET LOCAL says holds on whichever node a statement runs, too. Unknown to other servers, which take it.
_TOLD_TO_NODES = {"citus.propagate_set_commands": "local"}


def settings_of(url: URL) -> dict[str, str]:
    """Return the settings of PostgreSQL that an address gives its connections, and with a schema what comes with it."""
    given = url.query.get("options", "")
    settings = {
        name: re.sub(r"\\(.)", r"\1", value) for name, value in _OPTION.findall(given if isinstance(given, str) else "")
    }
    return settings | (_TOLD_TO_NODES if "search_path" in settings else {})


def as_options(settings: Mapping[str, str]) -> str:
    """Return settings as a connection's `options`."""
    return " ".join(f"-c {name}=" + _TO_KEEP.sub(r"\\\g<0>", value) for name, value in settings.items())


def is_in_own_schema(url: URL) -> bool:
    """Return whether the address names a schema, and other nodes have to be told of what a transaction sets."""
    return "search_path" in settings_of(url)
