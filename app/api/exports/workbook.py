"""Stream an Excel workbook (XLSX) of any number of rows while they are read, without holding or storing it.

The rows are put into the parts of an empty workbook, on their way into the ZIP archive that is streamed.
"""

from collections.abc import Iterable, Iterator
from zipfile import ZIP_DEFLATED, ZipFile

from app.api.exports.workbook_parts import Contents, empty_sheet, name_of, parts_of
from app.http.native_threads import in_native_thread

# Of the 1,048,576 rows that a sheet of Excel has.
MOST_ROWS = 1_048_000
# Excel takes an archive for damaged that has an entry with sizes in 64 bits.
_MOST_BYTES = 2**31 - 2**20
# Level 1 takes half as long as level 6, for a file that is half as large again.
_COMPRESSION = 1
# Programs that tell what a file is from its beginning look for this name.
_FIRST_PART = "_rels/.rels"


def workbook_of(
    contents: Contents, batches: Iterable[tuple[bytes, int]], *, most_rows: int = MOST_ROWS
) -> Iterator[bytes]:
    """Yield the workbook in pieces. Each batch is `row` elements and their number, no more than fit on one sheet.

    Rows that do not fit on the table's first sheet go on after the sheet about it, under the same headings.
    """
    file, rows, tables = _Pieces(), _Rows(batches, most_rows), 0
    parts = parts_of(contents, tables=2)
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=_COMPRESSION) as archive:
        archive.writestr(_FIRST_PART, parts[_FIRST_PART])
        while rows.are_left or not tables:
            tables += 1
            sheet = empty_sheet(parts, min(tables, 2))
            with archive.open(name_of(tables), "w") as part:
                part.write(sheet.head)
                for xml in rows.of_a_sheet():
                    # Compressing takes most of the time, and other requests run meanwhile.
                    in_native_thread(part.write, xml)
                    yield file.taken()
                part.write(sheet.tail)
        written = {_FIRST_PART, *map(name_of, range(1, tables + 1))}
        for name, small in parts_of(contents, tables=tables).items():
            if name not in written:
                archive.writestr(name, small)
    yield file.taken()


class _Rows:
    """The rows of all sheets."""

    def __init__(self, batches: Iterable[tuple[bytes, int]], most_rows: int) -> None:
        self._batches = iter(batches)
        self._most_rows = most_rows
        self._next = next(self._batches, None)

    @property
    def are_left(self) -> bool:
        return self._next is not None

    def of_a_sheet(self) -> Iterator[bytes]:
        """Yield the batches that fit on the next sheet, at least one."""
        rows = size = 0
        while self._next is not None:
            xml, count = self._next
            rows, size = rows + count, size + len(xml)
            if rows > count and (rows > self._most_rows or size > _MOST_BYTES):
                return
            yield xml
            self._next = next(self._batches, None)


class _Pieces:
    """A file that is written only, and emptied as it grows."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self._pieces.append(piece)
        return len(piece)

    def flush(self) -> None:
        """Do nothing: there is nothing below."""

    def close(self) -> None:
        """Do nothing: what is left can still be taken."""

    def taken(self) -> bytes:
        """Return what was written since the last time."""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        return taken
