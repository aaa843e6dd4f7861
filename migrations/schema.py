"""Everything the migrations must add up to, gathered from the packages that own the tables."""

from collections.abc import Sequence
from typing import Any

import events.tables
import projections.tables
import tenants.tables
import workers.tables

metadata: Sequence[Any] = (
    events.tables.metadata,
    tenants.tables.metadata,
    projections.tables.metadata,
    workers.tables.metadata,
)


def is_ours(_object: object, name: str | None, kind: str, _reflected: object, _compared_to: object) -> bool:
    """Tell whether Alembic should compare this: the log's partitions follow their parent and are left out."""
    return not (kind == "table" and name is not None and name.startswith("event_p"))
