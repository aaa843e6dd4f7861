"""Read plain values of a document and note what has the wrong form. Pure.

Who gets None has nothing to add: the problem is noted.
"""

from collections.abc import Collection, Iterator
from datetime import date

from projections.mapping.problems import Place, quoted

MAX_TEXT = 500


def object_at(
    place: Place, value: object, keys: Collection[str], *, required: Collection[str] = ()
) -> dict[str, object]:
    """Return an object without keys that are null, and note those that it may not have or lacks.

    It is empty if there is something else here.
    """
    if not isinstance(value, dict):
        place.note(f"An object with {_listed(keys)} is expected here.")
        return {}
    found = {key: inner for key, inner in value.items() if inner is not None}
    for key in [key for key in found if key not in keys]:
        (place / key).note(f"{quoted(key)} is not known here. Possible are: {_listed(keys)}.")
    for key in [key for key in required if key not in found]:
        (place / key).note("This is missing.")
    return found


def items_at(place: Place, value: object, *, most: int, least: int = 0) -> Iterator[tuple[Place, object]]:
    """Yield the items of a list with their places."""
    if not isinstance(value, list):
        place.note("A list is expected here.")
    elif len(value) < least:
        place.note("One entry is needed here." if least == 1 else f"{least} entries are needed here.")
    elif len(value) > most:
        place.note(f"There are {len(value)} entries here. At most {most} are possible.")
    else:
        for number, item in enumerate(value):
            if place.is_full:
                return
            yield place / number, item


def text_at(place: Place, value: object, *, most: int = MAX_TEXT) -> str | None:
    """Return a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        place.note("A text is expected here.")
    elif len(value) > most:
        place.note(f"This text has {len(value)} characters; {most} are possible.")
    elif "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        place.note("This text has characters that cannot be kept.")
    else:
        return value
    return None


def whole_number_at(place: Place, value: object, least: int, most: int) -> int | None:
    """Return a whole number within bounds, both included."""
    if type(value) is int and least <= value <= most:
        return value
    place.note(f"A whole number from {least} to {most} is expected here.")
    return None


def flag_at(place: Place, value: object) -> bool | None:
    """Return true or false."""
    if isinstance(value, bool):
        return value
    place.note("Only true or false is possible here.")
    return None


def choice_at(place: Place, value: object, choices: Collection[str]) -> str | None:
    """Return one of a few words."""
    if isinstance(value, str) and value in choices:
        return value
    place.note(f"{quoted(value)} is not possible here. Use one of: {_listed(choices)}.")
    return None


def date_at(place: Place, value: object) -> date | None:
    """Return a date written as `YYYY-MM-DD`."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.isoformat() != value:
        place.note("Write a date as year-month-day, such as 2026-01-31.")
        return None
    return found


def _listed(words: Collection[str]) -> str:
    return ", ".join(words)
