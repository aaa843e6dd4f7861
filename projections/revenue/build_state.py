"""One company's build while facts are folded into it. Pure."""

from typing import NamedTuple

from projections.revenue.fold import RevenueState


class BuildState(NamedTuple):
    """A company's build and its state. Until the build is begun, its tables are empty."""

    company_id: int
    build: int
    is_begun: bool
    revenue: RevenueState
