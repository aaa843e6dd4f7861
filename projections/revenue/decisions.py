"""Cut pages of facts at decisions of people about the mapping and the policy: each is folded by itself. Pure."""

from collections.abc import Iterator, Sequence

from projections.facts.facts import Fact, FactPage

# Pages without decisions, and the decisions that follow them.
Cut = tuple[list[FactPage], list[tuple[FactPage, Fact]]]


def cut_at_decisions(pages: Sequence[FactPage]) -> Iterator[Cut]:
    """Yield the pages up to each one's next decision, with these decisions, until all facts were yielded."""
    rest = list(pages)
    while rest:
        stretch: list[FactPage] = []
        decisions: list[tuple[FactPage, Fact]] = []
        following: list[FactPage] = []
        for page in rest:
            place = next((place for place, fact in enumerate(page.facts) if fact.said is not None), len(page.facts))
            if place:
                stretch.append(page._replace(facts=page.facts[:place]))
            if place < len(page.facts):
                decisions.append((page, page.facts[place]))
            if place + 1 < len(page.facts):
                following.append(page._replace(facts=page.facts[place + 1 :], is_begun=True))
        yield stretch, decisions
        rest = following
