"""What a proof finds, as the run's JSON lists it."""

from typing import NamedTuple

MOST_DIFFERENCES = 1000


class Difference(NamedTuple):
    """An invoice that differs between the table and Stripe, or that only one of them has."""

    kind: str
    invoice_id: str
    at_stripe: dict[str, object] | None
    in_table: dict[str, object] | None
    detail: str | None
    currency: str | None

    def as_json(self) -> dict[str, object]:
        """Return the difference as the run's JSON lists it."""
        return {name: value for name, value in self._asdict().items() if value is not None}


class SubtotalDifference(NamedTuple):
    """An invoice whose lines, equal on both sides, come to `lines_subtotal` after their own discounts: another sum."""

    invoice_id: str
    currency: str
    subtotal: int
    lines_subtotal: int

    def as_json(self) -> dict[str, object]:
        """Return it as a notice in the run's JSON."""
        sums = f"the lines add up to {self.lines_subtotal}, the invoice's own subtotal is {self.subtotal}"
        detail = f"In minor units of {self.currency}, {sums}. Compare it with Stripe's dashboard."
        return {"kind": "subtotal_differs", **self._asdict(), "detail": detail}


class NoteDifference(NamedTuple):
    """A credit note that differs between the table and Stripe, or that only one of them has."""

    kind: str
    credit_note_id: str
    detail: str | None

    def as_json(self) -> dict[str, object]:
        """Return the difference as the run's JSON lists it."""
        named: dict[str, object] = {"kind": self.kind, "resource": "credit_note", "object_id": self.credit_note_id}
        return named if self.detail is None else {**named, "detail": self.detail}
