"""Published rule sets: read from the log, where each is one fact."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from mapping.recorded import RULES, Said, last_said_about, said_about
from projections.mapping.decisions.payloads import RulesPublished
from projections.mapping.rules import Rules
from projections.mapping.writing_rules import Json, document_of


class RuleSetVersion(NamedTuple):
    """A published rule set: the version, what it was made from, and who published it."""

    version: int
    based_on: int
    rules: Rules
    note: str | None
    published_at: datetime
    published_by: str | None
    position: int

    def document(self) -> list[Json]:
        """Return the rules as a list to be encoded as JSON."""
        return document_of(self.rules)


def versions_of(connection: Connection, company_id: int, upto: int | None = None) -> list[RuleSetVersion]:
    """Return the published rule sets, oldest first, as of a position or now."""
    return [_version(said) for said in said_about(connection, company_id, RULES, upto=upto)]


def newest_at(connection: Connection, company_id: int, upto: int | None = None) -> RuleSetVersion | None:
    """Return the rule set that was published last, as of a position or now; None before the first."""
    if upto is not None:
        return next(reversed(versions_of(connection, company_id, upto)), None)
    newest = last_said_about(connection, company_id, RULES)
    return newest and _version(newest)


def newest_version(connection: Connection, company_id: int) -> int:
    """Return the number of the newest published version, 0 if there is none."""
    newest = last_said_about(connection, company_id, RULES)
    return newest.fact.version if newest and isinstance(newest.fact, RulesPublished) else 0


def _version(said: Said) -> RuleSetVersion:
    published = said.fact
    if not isinstance(published, RulesPublished):
        raise TypeError(type(published))
    return RuleSetVersion(
        published.version,
        published.based_on,
        published.read_rules(),
        published.note,
        said.recorded_at,
        said.actor,
        said.position,
    )
