"""Keep decisions about the mapping out of batches with other facts.

A decision may map all lines of a company anew. It is folded by itself, and nobody else waits if that takes long: then
its company is set aside for a worker that does nothing else for others in the meantime.
"""

from collections.abc import Mapping

from projections.facts.facts import Fact


class DecisionAheadError(Exception):
    """The company whose turn it is has a decision next, which has to be folded without others."""


class LongDecisionError(Exception):
    """The company whose turn it is has a decision next that would keep others waiting."""


def without_decisions(facts: Mapping[int, list[Fact]]) -> dict[int, list[Fact]]:
    """Return each company's facts up to its next decision; companies that have one next are left out.

    :raises DecisionAheadError: the first company is one of them
    """
    kept: dict[int, list[Fact]] = {}
    for company_id, of_company in facts.items():
        ahead = next((place for place, fact in enumerate(of_company) if fact.said is not None), len(of_company))
        if ahead:
            kept[company_id] = of_company[:ahead]
        elif not kept:
            raise DecisionAheadError
    return kept
