"""All sums of a batch of changes, of many companies, and how they are written together."""

from collections.abc import Sequence

from projections.revenue.build_state import BuildState
from projections.revenue.facets import FacetChanges
from projections.revenue.parts.part_changes import PartChanges
from projections.revenue.parts.recognition_sums import RecognitionSums
from projections.revenue.row_changes import RowChanges
from projections.revenue.store.find_builds import LastChecksums
from projections.revenue.store.parts.write_recognition import write_recognition
from projections.revenue.store.write_facets import write_facets
from projections.revenue.store.write_sums import write_sums
from projections.revenue.sums import RowSums
from runtime.database import Driver


class BatchSums:
    """The sums of row and part changes of each build."""

    def __init__(self, builds: Sequence[BuildState]) -> None:
        self._places = [(build.company_id, build.build) for build in builds]
        self._rows = {company_id: RowSums() for company_id, _ in self._places}
        self._facets = {company_id: FacetChanges() for company_id, _ in self._places}
        self._recognition = {company_id: RecognitionSums() for company_id, _ in self._places}

    def add(self, company_id: int, rows: RowChanges, parts: PartChanges) -> None:
        """Add changes of a company."""
        self._rows[company_id].add(rows)
        self._facets[company_id].add(rows)
        self._recognition[company_id].add(parts)

    def recognition(self, company_id: int) -> RecognitionSums:
        """Return the sums of a company's parts, to be added to."""
        return self._recognition[company_id]

    def write(self, driver: Driver, last_checksums: LastChecksums) -> None:
        """Write all of them. Commits nothing."""
        write_sums(driver, [(*at, self._rows[at[0]]) for at in self._places], last_checksums)
        write_facets(driver, [(*at, self._facets[at[0]]) for at in self._places])
        self.write_recognized(driver)

    def write_recognized(self, driver: Driver) -> None:
        """Write what is recognized by month alone. Commits nothing."""
        write_recognition(driver, [(*at, self._recognition[at[0]]) for at in self._places])
