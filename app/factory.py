"""Assemble the web app."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask, request
from flask.json.provider import DefaultJSONProvider
from flask.typing import ResponseReturnValue

from app.api import changes, connection, credit_notes, line_history, revenue_lines, revenue_months, suggestions, syncs
from app.api.base import install_api
from app.api.exports import lines_csv as revenue_lines_csv
from app.api.exports import lines_xlsx as revenue_lines_xlsx
from app.api.exports import schedules as export_schedules
from app.api.mapping import overrides, policy, previews, rules, streams, unmapped
from app.api.notices import notifications, webhook_endpoints
from app.api.people import api_keys, audit, companies, invitations, me, members
from app.api.reports import as_csv as reports_csv
from app.api.reports import as_workbook as reports_xlsx
from app.api.reports import explanations, line_recognition, reports
from app.api.views import saved_views
from app.auth import code_entry, defences, provider_sign_in, sign_in
from app.connect import oauth
from app.http import assets, request_log
from app.ops import health, metrics
from app.pages import wording
from app.pages.account import account, second_factor
from app.pages.by_hand import batches, chosen_lines
from app.pages.joining import invitation, passwords, sign_up
from app.pages.mapping import chart, line_drawer, line_mapping, preferences, quarantine, table
from app.pages.mapping import saved_views as saved_view_pages
from app.pages.mapping import suggestions as suggestion_parts
from app.pages.notices import notices_page, notifications_page, webhooks_page
from app.pages.recognition import credit_notes_page, explanation_page, report_page
from app.pages.rules import editor as rule_editor
from app.pages.rules import list_page, preview_page, versions_page
from app.pages.settings import accounting_policy as policy_pages
from app.pages.settings import api_keys as api_key_pages
from app.pages.settings import audit as audit_pages
from app.pages.settings import company as company_pages
from app.pages.settings import connection_forms, integrations
from app.pages.settings import export_schedules as export_schedule_pages
from app.pages.settings import people as people_pages
from app.pages.streams import streams_page
from app.pages.syncs import pages as sync_pages
from app.pages.unmapped import unmapped_page
from app.problems import handlers
from app.reference import page as reference
from app.webhooks import endpoint
from app.webhooks.door import keep_webhook
from app.wiring.tools import Tools, install_tools, tools_of
from runtime.replica_use import with_replicas


class _InOrder(DefaultJSONProvider):
    """A JSON provider that writes fields in the order of their schema: the seven columns first."""

    sort_keys = False


class _App(Flask):
    """The app, with the door of webhooks in front of it, and replicas for reads."""

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        kept = keep_webhook(environ, start_response, tools_of(self))
        return super().wsgi_app(environ, start_response) if kept is None else kept

    def dispatch_request(self) -> ResponseReturnValue:
        """Call the view of a request, twice if it reads and a replica fails it."""
        answer = super().dispatch_request
        return with_replicas(answer) if request.method in ("GET", "HEAD") else answer()


def create_app(tools: Tools) -> Flask:
    """Return the app that serves all routes with these tools."""
    app = _App(__name__, static_folder=None)
    app.json = _InOrder(app)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    install_tools(app, tools)
    for installed in (request_log, defences, handlers, wording, assets):
        installed.install(app)
    for part in (endpoint, health, metrics):
        app.register_blueprint(part.blueprint)
    app.extensions["revmap-api"] = install_api(
        app,
        revenue_lines.blueprint,
        revenue_lines_csv.blueprint,
        revenue_lines_xlsx.blueprint,
        revenue_months.blueprint,
        suggestions.blueprint,
        saved_views.blueprint,
        line_history.blueprint,
        changes.blueprint,
        credit_notes.blueprint,
        streams.blueprint,
        rules.blueprint,
        previews.blueprint,
        overrides.blueprint,
        policy.blueprint,
        unmapped.blueprint,
        reports.blueprint,
        reports_csv.blueprint,
        reports_xlsx.blueprint,
        explanations.blueprint,
        line_recognition.blueprint,
        syncs.blueprint,
        connection.blueprint,
        me.blueprint,
        companies.blueprint,
        members.blueprint,
        invitations.blueprint,
        api_keys.blueprint,
        audit.blueprint,
        webhook_endpoints.blueprint,
        notifications.blueprint,
        export_schedules.blueprint,
    )
    app.register_blueprint(reference.blueprint)
    mapping = (table, chart, line_drawer, quarantine, preferences, saved_view_pages, suggestion_parts)
    pages = (integrations, connection_forms, sync_pages, *mapping)
    people = (people_pages, api_key_pages, company_pages, audit_pages, account, second_factor)
    visitors = (sign_in, code_entry, provider_sign_in, invitation, sign_up, passwords)
    hands = (chosen_lines, batches, line_mapping)
    rule_pages = (list_page, rule_editor, preview_page, versions_page)
    revenue = (report_page, explanation_page, credit_notes_page)
    told = (notices_page, notifications_page, webhooks_page, export_schedule_pages)
    mapped = (unmapped_page, streams_page, policy_pages, *hands, *rule_pages)
    for views in (*visitors, oauth, *pages, *revenue, *people, *told, *mapped):
        app.register_blueprint(views.blueprint)
    return app
