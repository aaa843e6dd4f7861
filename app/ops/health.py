"""Report whether the process is alive and ready, and how far behind the table is."""

from datetime import datetime

from flask import Blueprint, Response, jsonify
from redis.exceptions import RedisError, ResponseError
from sqlalchemy.exc import SQLAlchemyError

from app.wiring.tools import Tools, current_tools
from migrations.steps import current_step, expected_step
from projections.engine.status import projection_lag
from projections.revenue.fold import NAME
from runtime.database import across_companies

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Answer as long as the process is alive; touches nothing."""
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Report whether requests can be served: 503 without the database or its schema, else 200 and what is degraded."""
    tools = current_tools()
    try:
        schema, projection = _database(tools, tools.clock())
    except SQLAlchemyError:
        return jsonify(status="unavailable", database="unreachable"), 503
    redis = _redis(tools)
    if schema != "current":
        return jsonify(status="unavailable", database="ok", schema=schema, redis=redis), 503
    is_degraded = redis != "ok" or projection["companies_halted"] or projection["companies_failing"]
    status = "degraded" if is_degraded else "ready"
    return jsonify(status=status, database="ok", schema=schema, redis=redis, projection=projection), 200


def _database(tools: Tools, now: datetime) -> tuple[str, dict[str, object]]:
    with across_companies(tools.engine) as connection:
        if current_step(connection) != expected_step():
            return "not the one this release expects: run 'flask db upgrade'", {}
        lag = projection_lag(connection, NAME)
    lag_seconds = max(0.0, (now - lag.oldest_recorded_at).total_seconds()) if lag.oldest_recorded_at else 0.0
    return "current", {
        "companies_behind": lag.companies_behind,
        "companies_halted": lag.companies_halted,
        "companies_failing": lag.companies_failing,
        "events_behind": lag.events_behind,
        "lag_seconds": round(lag_seconds, 1),
    }


def _redis(tools: Tools) -> str:
    try:
        tools.redis.ping()
        policy = tools.redis.config_get("maxmemory-policy").get("maxmemory-policy")
    except ResponseError:
        return "ok"  # a managed service may not show its configuration
    except RedisError:
        return "unreachable: work is found by the clock's sweep once it is back"
    return "ok" if policy in (None, "noeviction") else f"evicts keys ({policy}): set maxmemory-policy noeviction"
