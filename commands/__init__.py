"""The operator's commands: `flask …`. Imports all but app, workers and sandbox."""

from flask import Flask

from commands import api_keys, companies, connections, db, events, projections, recognition, sbom, secrets, sync, users
from commands.mapping import desk as mapping


def register(app: Flask) -> None:
    """Register the commands with this app's `flask` command."""
    for module in (db, companies, users, api_keys, connections, events, projections, mapping, recognition, secrets):
        app.cli.add_command(module.group)
    app.cli.add_command(sync.command)
    app.cli.add_command(sbom.command)
