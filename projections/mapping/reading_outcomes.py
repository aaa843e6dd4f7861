"""Read outcomes: the shares of a line, with their streams, kinds and treatments. Pure."""

from typing import cast

from projections.mapping.problems import InvalidRulesError, Place, Problem
from projections.mapping.reading_values import choice_at, items_at, object_at, text_at, whole_number_at
from projections.recognition.outcome import (
    ANCHORS,
    KINDS,
    REVENUE,
    TREATMENT_KINDS,
    Anchor,
    Kind,
    Share,
    Shares,
    Treatment,
    TreatmentKind,
)
from projections.recognition.rounding import WHOLE

MAX_SHARES = 20
MAX_MONTHS = 120
MAX_ID = 64


def read_outcome(document: object, *, pointer: str = "/outcome") -> Shares:
    """Return the shares of an outcome on its own, as an override has it.

    :raises InvalidRulesError: it cannot be used
    """
    noted: list[Problem] = []
    shares = outcome_at(Place(noted, pointer), document)
    if noted:
        raise InvalidRulesError(noted)
    return shares


def read_treatment(document: object, *, pointer: str = "/default_treatment") -> Treatment | None:
    """Return a treatment on its own, as a stream has it; None if there is none.

    :raises InvalidRulesError: it cannot be used
    """
    noted: list[Problem] = []
    treatment = None if document is None else treatment_at(Place(noted, pointer), document)
    if noted:
        raise InvalidRulesError(noted)
    return treatment


def outcome_at(place: Place, value: object) -> Shares:
    """Return the shares of an outcome, which come to the whole line."""
    found, noted_before = object_at(place, value, ("shares",), required=("shares",)), place.count
    if found.get("shares") is None:
        return ()
    here = place / "shares"
    shares = tuple(_share_at(at, item) for at, item in items_at(here, found["shares"], least=1, most=MAX_SHARES))
    total = sum(share.basis_points for share in shares)
    if place.count == noted_before and total != WHOLE:
        here.note(f"The shares come to {total / 100:g} % of the line. They have to come to 100 %: 10000 basis points.")
    return shares


def treatment_at(place: Place, value: object) -> Treatment | None:
    """Return when revenue is earned."""
    found = object_at(place, value, ("kind", "n", "from"), required=("kind",))
    if found.get("kind") is None:
        return None
    kind = cast("TreatmentKind | None", choice_at(place / "kind", found["kind"], TREATMENT_KINDS))
    if kind != "months":
        for key in ("n", "from"):
            if kind is not None and found.get(key) is not None:
                (place / key).note("Only a treatment by months has this.")
        return kind and Treatment(kind)
    months = whole_number_at(place / "n", found.get("n"), 1, MAX_MONTHS)
    anchor = cast("Anchor | None", choice_at(place / "from", found.get("from", "booked"), ANCHORS))
    return Treatment(kind, months or 0, anchor or "booked")


def _share_at(place: Place, value: object) -> Share:
    found = object_at(place, value, ("bp", "stream_id", "plan_id", "kind", "treatment"), required=("bp",))
    if not found:
        return Share(0)
    basis_points = whole_number_at(place / "bp", found["bp"], 1, WHOLE) if found.get("bp") is not None else None
    kind = cast("Kind | None", choice_at(place / "kind", found.get("kind", REVENUE), KINDS))
    stream_id, plan_id = _id_at(place / "stream_id", found), _id_at(place / "plan_id", found)
    if kind == REVENUE and found.get("stream_id") is None:
        (place / "stream_id").note("Revenue needs a stream to be reported in.")
    if plan_id is not None and stream_id is None:
        (place / "plan_id").note("A plan belongs to a stream. Name the stream, too.")
    treatment = treatment_at(place / "treatment", found["treatment"]) if found.get("treatment") is not None else None
    if treatment is not None and kind != REVENUE:
        (place / "treatment").note("Only revenue is earned over time. Leave this out: it counts when it is booked.")
    return Share(basis_points or 0, stream_id, plan_id, kind or REVENUE, treatment)


def _id_at(place: Place, found: dict[str, object]) -> str | None:
    value = found.get(place.key)
    return None if value is None else text_at(place, value, most=MAX_ID)
