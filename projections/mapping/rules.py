"""Rules as values: conditions, or a table to look up, and the outcome for lines that match. Pure."""

from datetime import date
from typing import Literal

from msgspec import Struct

from projections.recognition.outcome import Shares

Match = Literal["all", "any"]
AppliesBy = Literal["service_start", "finalized"]
Operand = str | int | bool | tuple[str | int, ...] | None


class Condition(Struct, frozen=True):
    """A test of one field. The operand is as it was written: dates and decimals are texts."""

    field: str
    op: str
    value: Operand = None


class Applies(Struct, frozen=True):
    """The days of lines that a rule is for: from `since`, and before `until`."""

    by: AppliesBy
    since: date | None = None
    until: date | None = None


class Rule(Struct, frozen=True):
    """A rule with conditions and an outcome."""

    rule_id: str
    name: str
    outcome: Shares
    conditions: tuple[Condition, ...] = ()
    match: Match = "all"
    applies: Applies | None = None
    is_enabled: bool = True


class LookupRule(Struct, frozen=True):
    """A rule that looks up a line's stream by the value of one field."""

    rule_id: str
    name: str
    field: str
    table: dict[str, str]
    applies: Applies | None = None
    is_enabled: bool = True


AnyRule = Rule | LookupRule
Rules = tuple[AnyRule, ...]
