"""docs/operate.md names the processes to deploy and the metrics that are served."""

import re

from tests.docs.markdown import DOCS, named_in, rows, section
from tests.support.paths import ROOT

PAGE = DOCS / "operate.md"


def test_processes_to_deploy_are_those_of_the_procfile() -> None:
    processes = dict(re.findall(r"^(\w+): (.+)$", (ROOT / "Procfile").read_text(), flags=re.MULTILINE))

    order = re.search(r"Start in this order:(.*?)\. Any", section(PAGE, "Deploy"), flags=re.DOTALL)

    assert order is not None
    told = re.findall(r"\*\*(\w+)\*\*\s+\(`([^`]+)`", order[1])
    assert told == list(processes.items())


def test_table_names_the_metrics_that_are_served_and_no_other() -> None:
    counted = (ROOT / "app/http/request_counts.py").read_text()
    standing = (ROOT / "app/ops/metrics.py").read_text()
    served = set(re.findall(r'"(revmap_\w+)"', counted + standing))
    # The library adds the ending of counters.
    served = {f"{name}_total" if f'Counter("{name}"' in counted else name for name in served}

    told = [name for row in rows(section(PAGE, "Health and metrics")) for name in named_in(row[0])]

    assert {"revmap_webhooks_refused_total", "revmap_sync_repaired_invoices"} <= served
    assert sorted(told) == sorted(served)


def test_alarms_are_about_metrics_that_are_served() -> None:
    table = rows(section(PAGE, "Health and metrics"))

    assert len([row for row in table if row[2].startswith("yes")]) >= 5
