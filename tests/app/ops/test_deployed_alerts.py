"""The dashboard and the alert rules that are deployed ask only for what /metrics serves."""

import json
import re

from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from backlog.syncs.requests import request_sync
from tests.support.clock import NOON
from tests.support.company import company_with
from tests.support.paths import ROOT
from tests.support.payloads import ACCOUNT
from tests.support.web.tools import SCRAPER

DASHBOARD = ROOT / "deploy/grafana/dashboard.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"

_NAME = re.compile(r"\brevmap_\w+")
_SELECTED = re.compile(r"(revmap_\w+)\{([^}]*)\}")
_GROUPED = re.compile(r"by \(([^)]*)\)")
_WORD = re.compile(r'"[^"]*"|[a-z_]\w*')
# Only where there is a replica: see tests/app/api/test_replica.py.
_OF_REPLICAS = ("revmap_replica_up", "revmap_replica_lag_seconds")
_LANGUAGE = {"sum", "max", "min", "by", "rate", "increase", "histogram_quantile", "m"}


def expressions() -> list[str]:
    """Return all expressions of the alert rules and of the dashboard."""
    of_alerts = re.findall(r"^ +expr: (.+)$", ALERTS.read_text(), flags=re.MULTILINE)
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len(of_alerts) == ALERTS.read_text().count("- alert:")
    return of_alerts + [target["expr"] for panel in panels for target in panel["targets"]]


def test_dashboard_and_alerts_name_only_metrics_and_labels_that_are_served(client: FlaskClient, engine: Engine) -> None:
    company_id = company_with(engine, ACCOUNT)
    with engine.begin() as connection:
        request_sync(connection, company_id, trigger="manual", actor="tests", now=NOON)
    client.post("/webhooks/stripe", data=b"{}", headers={"Stripe-Signature": "t=1,v1=00"})
    served: dict[str, dict[str, set[str]]] = {name: {} for name in _OF_REPLICAS}
    for family in text_string_to_metric_families(client.get("/metrics", headers=SCRAPER).text):
        for sample in family.samples:
            labels = served.setdefault(sample.name, {})
            for label, value in sample.labels.items():
                labels.setdefault(label, set()).add(value)

    for expression in expressions():
        names = _NAME.findall(expression)
        assert names, expression
        assert set(names) <= served.keys(), expression
        known = set().union(*(served[name] for name in names))
        grouped = {label.strip() for said in _GROUPED.findall(expression) for label in said.split(",")}
        selected = {label for _, said in _SELECTED.findall(expression) for label in re.findall(r"(\w+)=", said)}
        assert grouped | selected <= known, expression
        others = {word for word in _WORD.findall(expression) if not word.startswith('"')}
        assert others - set(names) - grouped - selected <= _LANGUAGE, expression
        for name, said in _SELECTED.findall(expression):
            for value in re.findall(r'route="([^"]+)"', said):
                assert value in served[name]["route"], expression
