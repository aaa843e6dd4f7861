"""One company's part of a build, while facts are folded into it. Pure."""

from typing import NamedTuple

from projections.revenue.fold import RevenueState


class BuildState(NamedTuple):
    """What one company's build holds of invoices, prices and names. Before it is begun, its tables hold nothing."""

    company_id: int
    build: int
    is_begun: bool
    revenue: RevenueState
