"""The schema that all migrations together must produce, collected from the packages that own the tables."""

from collections.abc import Sequence
from typing import Any

import backlog.exports.tables
import backlog.tables
import events.log.tables
import mapping.tables
import notices.tables
import projections.facts.state_tables
import projections.revenue.store.credit_note_tables
import projections.revenue.store.facet_table
import projections.revenue.store.past_tables
import projections.revenue.store.tables
import tenants.people.factor_tables
import tenants.people.link_tables
import tenants.tables
import tenants.views.tables

metadata: Sequence[Any] = (
    events.log.tables.metadata,
    tenants.tables.metadata,
    projections.facts.state_tables.metadata,
    backlog.tables.metadata,
    backlog.exports.tables.metadata,
    mapping.tables.metadata,
    notices.tables.metadata,
)
