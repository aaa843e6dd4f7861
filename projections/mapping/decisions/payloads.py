"""The payloads of facts of mapping and accounting policy, as they are written and read. Pure.

Streams and plans are in their facts as they are afterwards, so that the newest fact says it all.
"""

from typing import Annotated

from msgspec import Meta, Struct

from projections.mapping.reading_outcomes import MAX_ID, read_outcome, read_treatment
from projections.mapping.reading_rules import read_rules
from projections.mapping.rules import Rules
from projections.recognition.billing import CatchUp, Uncollectible
from projections.recognition.outcome import Shares, Treatment

MAX_LINES = 5_000
MAX_NAME = 100
MAX_REASON = 500

Json = dict[str, object]
Id = Annotated[str, Meta(min_length=1, max_length=MAX_ID)]
StripeId = Annotated[str, Meta(min_length=1, max_length=255)]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME)]
Version = Annotated[int, Meta(ge=1)]
Position = Annotated[int, Meta(ge=0)]


class UnnamedRuleError(ValueError):
    """A rule that was published has no id."""


class LineKey(Struct, frozen=True):
    """A line of an invoice."""

    livemode: bool
    invoice_id: StripeId
    invoice_line_item_id: StripeId


class StreamFact(Struct, frozen=True):
    """A stream as it is afterwards. `undoes`, here and below: the position of the fact that this one takes back."""

    id: Id
    name: Name
    code: Name | None = None
    default_treatment: Json | None = None
    undoes: Position | None = None

    def treatment(self) -> Treatment | None:
        """Return how revenue of the stream is earned, unless a share says otherwise.

        :raises InvalidRulesError: it cannot be used
        """
        return read_treatment(self.default_treatment)


class StreamCreated(StreamFact, frozen=True):
    """A stream was added."""


class StreamChanged(StreamFact, frozen=True):
    """A stream has another name, code or default treatment."""


class StreamArchived(StreamFact, frozen=True):
    """A stream is closed to lines that are booked from now on."""


class StreamRestored(StreamFact, frozen=True):
    """A stream is as if it had never been archived."""


class PlanFact(Struct, frozen=True):
    """A plan of a stream as it is afterwards."""

    id: Id
    stream_id: Id
    name: Name
    undoes: Position | None = None


class PlanCreated(PlanFact, frozen=True):
    """A plan was added to a stream."""


class PlanChanged(PlanFact, frozen=True):
    """A plan has another name."""


class PlanArchived(PlanFact, frozen=True):
    """A plan is closed to lines that are booked from now on."""


class PlanRestored(PlanFact, frozen=True):
    """A plan is as if it had never been archived."""


class Previewed(Struct, frozen=True):
    """The preview that was published: the position that it was of, and the checksum of what it showed."""

    position: Position
    checksum: str


class RulesPublished(Struct, frozen=True):
    """A whole rule set took the place of the one before it. `based_on` is the version that it was made from."""

    version: Version
    rules: list[object]
    based_on: Position = 0
    preview: Previewed | None = None
    note: str | None = None
    undoes: Position | None = None

    def read_rules(self) -> Rules:
        """Return the rules, in order.

        :raises InvalidRulesError: they cannot be used
        :raises UnnamedRuleError: one has no id
        """
        return read_rules(self.rules, _no_new_id)


class LinesOverridden(Struct, frozen=True):
    """A person chose the outcome for lines. Several facts of one `batch_id` belong together."""

    batch_id: Id
    lines: Annotated[tuple[LineKey, ...], Meta(min_length=1, max_length=MAX_LINES)]
    outcome: Json
    reason: str | None = None
    undoes: Position | None = None

    def shares(self) -> Shares:
        """Return the shares of the outcome.

        :raises InvalidRulesError: it cannot be used
        """
        return read_outcome(self.outcome)


class LinesReleased(Struct, frozen=True):
    """Lines are mapped again by what stands below overrides of lines."""

    batch_id: Id
    lines: Annotated[tuple[LineKey, ...], Meta(min_length=1, max_length=MAX_LINES)]
    reason: str | None = None
    undoes: Position | None = None


class SubscriptionOverridden(Struct, frozen=True):
    """A person chose the outcome for all lines of a subscription."""

    livemode: bool
    subscription_id: StripeId
    outcome: Json
    reason: str | None = None
    undoes: Position | None = None

    def shares(self) -> Shares:
        """Return the shares of the outcome.

        :raises InvalidRulesError: it cannot be used
        """
        return read_outcome(self.outcome)


class SubscriptionReleased(Struct, frozen=True):
    """Lines of a subscription are mapped by rules again."""

    livemode: bool
    subscription_id: StripeId
    reason: str | None = None
    undoes: Position | None = None


class PolicySet(Struct, frozen=True):
    """The accounting policy is another one. `tzdata` is the edition of the time zone database by which days count."""

    version: Version
    time_zone: str
    tzdata: str
    catch_up: CatchUp
    uncollectible: Uncollectible
    undoes: Position | None = None


class TimeZoneSet(Struct, frozen=True):
    """The time zone of the accounting policy is another one, and nothing else of it."""

    time_zone: str


def _no_new_id() -> str:
    raise UnnamedRuleError("a published rule has no id")
