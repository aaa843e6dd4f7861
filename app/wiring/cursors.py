"""Opaque, signed cursors, valid only for the company, the filter and the order they were made for."""

from datetime import date, datetime
from hashlib import sha256
from typing import NamedTuple

from itsdangerous import BadData, URLSafeSerializer

from projections.reads.changes import ChangeMark
from projections.reads.credit_notes import CreditNoteMark
from projections.reads.mapping.unmapped import GroupMark
from projections.reads.recognition.explained_cells import LeafMark
from projections.reads.table.filters import LineFilter
from projections.reads.table.orders import After, Sort, fields_of


class InvalidCursorError(Exception):
    """The cursor is not one of ours, or was made for another list."""


class LogRestoredError(InvalidCursorError):
    """A backup was restored since the cursor was made: what it follows has another continuation."""


class ListOf(NamedTuple):
    """The list that a cursor pages through, in an epoch of the log."""

    company_id: int
    line_filter: LineFilter
    sort: Sort
    as_of: int | datetime | None = None
    epoch: str = ""

    def digest(self) -> str:
        """Return a short digest that identifies this list without revealing anything about it."""
        text = f"{self.company_id}|{self.sort}|{self.line_filter.as_text()}|{self.as_of!r}"
        return sha256(text.encode()).hexdigest()[:32]


class CursorSigner:
    """Writes and reads cursors, signed with the app's secret key."""

    def __init__(self, secret_key: str) -> None:
        self._serializer = URLSafeSerializer(secret_key, salt="revenue-lines-cursor")
        self._of_runs = URLSafeSerializer(secret_key, salt="sync-runs-cursor")
        self._of_items = URLSafeSerializer(secret_key, salt="items-cursor")
        self._of_credit_notes = URLSafeSerializer(secret_key, salt="credit-notes-cursor")
        self._of_leaves = URLSafeSerializer(secret_key, salt="explanation-cursor")
        self._of_groups = URLSafeSerializer(secret_key, salt="unmapped-groups-cursor")
        self._of_changes = URLSafeSerializer(secret_key, salt="revenue-changes-cursor")

    def write(self, of: ListOf, after: After) -> str:
        """Return the cursor that continues the list after this row."""
        values = [value.isoformat() if isinstance(value, date) else value for value in after.values]
        # Before anything was restored, as the release before wrote it.
        name = f"{of.digest()}.{of.epoch}" if of.epoch else of.digest()
        return self._serializer.dumps([name, *values, after.invoice_line_item_id, after.invoice_id])

    def read(self, of: ListOf, cursor: str) -> After:
        """Return the row after which the cursor continues.

        :raises InvalidCursorError: forged, truncated, or of another company, filter or order
        :raises LogRestoredError: of another epoch
        """
        try:
            name, *values, line_id, invoice_id = self._serializer.loads(cursor)
        except (BadData, ValueError) as error:
            raise InvalidCursorError from error
        digest, _, epoch = name.partition(".")
        names = fields_of(of.sort)
        # An older release wrote other values for some orders.
        if digest != of.digest() or len(values) != len(names):
            raise InvalidCursorError
        if epoch != of.epoch:
            raise LogRestoredError
        read = (
            date.fromisoformat(value) if name == "date" else value for name, value in zip(names, values, strict=True)
        )
        return After(tuple(read), line_id, invoice_id)

    def write_run(self, company_id: int, run_id: int) -> str:
        """Return the cursor that continues a company's list of syncs after this one."""
        return self._of_runs.dumps([company_id, run_id])

    def read_run(self, company_id: int, cursor: str) -> int:
        """Return the id of the sync after which the cursor continues.

        :raises InvalidCursorError: forged, truncated, or of another company or list
        """
        try:
            of_company, run_id = self._of_runs.loads(cursor)
        except (BadData, ValueError) as error:
            raise InvalidCursorError from error
        if of_company != company_id:
            raise InvalidCursorError
        return int(run_id)

    def write_item(self, list_name: str, company_id: int, place: int) -> str:
        """Return the cursor that continues one of a company's lists after the item at this place."""
        return self._of_items.dumps([list_name, company_id, place])

    def read_item(self, list_name: str, company_id: int, cursor: str) -> int:
        """Return the place after which the cursor continues.

        :raises InvalidCursorError: forged, truncated, or of another company or list
        """
        try:
            *of, place = self._of_items.loads(cursor)
        except (BadData, ValueError, TypeError) as error:
            raise InvalidCursorError from error
        if of != [list_name, company_id]:
            raise InvalidCursorError
        return int(place)

    def write_credit_note(self, digest: str, mark: CreditNoteMark) -> str:
        """Return the cursor that continues a list of credit notes, named by its digest, after this one."""
        return self._of_credit_notes.dumps([digest, mark.effective_on.isoformat(), *mark[1:]])

    def read_credit_note(self, digest: str, cursor: str) -> CreditNoteMark:
        """Return the credit note after which the cursor continues.

        :raises InvalidCursorError: forged, truncated, or of another list
        """
        try:
            of_digest, day, note_id, invoice_id = self._of_credit_notes.loads(cursor)
        except (BadData, ValueError, TypeError) as error:
            raise InvalidCursorError from error
        if of_digest != digest:
            raise InvalidCursorError
        return CreditNoteMark(date.fromisoformat(day), note_id, invoice_id)

    def write_leaf(self, digest: str, mark: LeafMark) -> str:
        """Return the cursor that continues the explanation of a figure, named by its digest, after this leaf."""
        return self._of_leaves.dumps([digest, *mark])

    def read_leaf(self, digest: str, cursor: str) -> LeafMark:
        """Return the leaf after which the cursor continues.

        :raises InvalidCursorError: forged, truncated, or of another explanation
        """
        try:
            of_digest, *mark = self._of_leaves.loads(cursor)
        except (BadData, ValueError, TypeError) as error:
            raise InvalidCursorError from error
        if of_digest != digest:
            raise InvalidCursorError
        return LeafMark(*mark)

    def write_group(self, digest: str, mark: GroupMark) -> str:
        """Return the cursor that continues a list of unmapped groups, named by its digest, after this one."""
        return self._of_groups.dumps([digest, *mark])

    def read_group(self, digest: str, cursor: str) -> GroupMark:
        """Return the group after which the cursor continues.

        :raises InvalidCursorError: forged, truncated, or of another list
        """
        try:
            of_digest, *mark = self._of_groups.loads(cursor)
        except (BadData, ValueError, TypeError) as error:
            raise InvalidCursorError from error
        if of_digest != digest:
            raise InvalidCursorError
        return GroupMark(*mark)

    def write_mark(self, company_id: int, version: int, epoch: str, mark: ChangeMark) -> str:
        """Return the cursor that continues after this change of a company's table, as made by a version of the fold."""
        # Before anything was restored, as the release before wrote it.
        return self._of_changes.dumps([company_id, version, *mark, *filter(None, [epoch])])

    def read_mark(self, company_id: int, version: int, epoch: str, cursor: str) -> ChangeMark:
        """Return the mark after which the cursor continues.

        :raises InvalidCursorError: forged, truncated, of another company, or of another version, with other changes
        :raises LogRestoredError: of another epoch
        """
        try:
            of_company, of_version, *mark = self._of_changes.loads(cursor)
        except (BadData, ValueError, TypeError) as error:
            raise InvalidCursorError from error
        if (of_company, of_version) != (company_id, version):
            raise InvalidCursorError
        if "".join(mark[len(ChangeMark._fields) :]) != epoch:
            raise LogRestoredError
        return ChangeMark(*mark[: len(ChangeMark._fields)])
