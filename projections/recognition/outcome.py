"""What a line is mapped to: shares, each with its stream, kind and treatment. Pure values."""

from typing import Literal, NamedTuple, get_args

from projections.recognition.rounding import WHOLE

# Only `revenue` is earned over time. The others are shown in columns of their own, at booking: taxes collected for an
# authority (ASC 606-10-32-2A), what an agent passes on to its principal (ASC 606-10-55-38), and what is no revenue.
Kind = Literal["revenue", "pass_through", "tax", "excluded"]
TreatmentKind = Literal["period", "booked", "months"]
Anchor = Literal["booked", "period_start"]

REVENUE: Kind = "revenue"
KINDS: tuple[Kind, ...] = get_args(Kind)
TREATMENT_KINDS: tuple[TreatmentKind, ...] = get_args(TreatmentKind)
ANCHORS: tuple[Anchor, ...] = get_args(Anchor)


class Treatment(NamedTuple):
    """When revenue is earned: over the line's service period, when booked, or over `months` from `anchor`.

    A number of months serves fees that are nothing distinct, such as a setup fee that is earned over the time for which
    customers stay (ASC 606-10-55-50 to 55-53).
    """

    kind: TreatmentKind
    months: int = 0
    anchor: Anchor = "booked"


class Share(NamedTuple):
    """A share of a line. Without a treatment it has its line's own: over the service period if there is one."""

    basis_points: int
    stream_id: str | None = None
    plan_id: str | None = None
    kind: Kind = REVENUE
    treatment: Treatment | None = None


Shares = tuple[Share, ...]
UNMAPPED: Shares = (Share(WHOLE),)
