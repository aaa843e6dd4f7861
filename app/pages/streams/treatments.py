"""When the revenue of a stream is earned, as forms ask for it and pages say it."""

from app.pages.forms import MistakeError, typed
from projections.mapping.reading_outcomes import MAX_MONTHS
from projections.mapping.writing_rules import Json
from projections.recognition.outcome import Treatment

# What a form offers, by its value. Treatments by months have a number beside it.
CHOICES = {
    "": "Over its period, if any",
    "period": "Always over its period",
    "booked": "When booked",
    "months_booked": "Over months from booking",
    "months_period_start": "Over months from its start",
}


def treatment_in_form() -> Json | None:
    """Return the treatment that a form chose, None for the line's own.

    :raises MistakeError: it is none of the choices, or the number of months cannot be used
    """
    chosen = typed("treatment")
    if chosen not in CHOICES:
        raise MistakeError("treatment", "Choose when the revenue is earned.")
    if not chosen.startswith("months_"):
        return {"kind": chosen} if chosen else None
    months = typed("months").strip()
    if not (months.isascii() and months.isdigit() and 1 <= int(months[:4]) <= MAX_MONTHS):
        raise MistakeError("months", f"Enter a number of months from 1 to {MAX_MONTHS}.")
    return {"kind": "months", "n": int(months), "from": chosen.removeprefix("months_")}


def chosen_of(treatment: Treatment | None) -> tuple[str, int]:
    """Return the choice that a treatment is, and its months, 12 if it has none."""
    if treatment is None:
        return "", 12
    if treatment.kind != "months":
        return treatment.kind, 12
    return f"months_{treatment.anchor}", treatment.months or 12


def said_of(treatment: Treatment | None) -> str:
    """Return a treatment in words."""
    chosen, months = chosen_of(treatment)
    return CHOICES[chosen].replace("Over months", f"Over {months} months" if months != 1 else "Over a month")
