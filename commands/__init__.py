"""The operator's door: the commands behind `flask …`."""

from flask import Flask

from commands import api_keys, companies, connections, db, events, projections, sync


def register(app: Flask) -> None:
    """Add our commands to this app's `flask` command."""
    for group in (db.group, companies.group, api_keys.group, connections.group, events.group, projections.group):
        app.cli.add_command(group)
    app.cli.add_command(sync.command)
