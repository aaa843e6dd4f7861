"""The operator's commands: `flask …`. Imports all but app, workers and sandbox."""

from pkgutil import resolve_name

import click
from flask import Flask
from flask.cli import AppGroup

_PLACES = {
    "api-keys": "commands.api_keys:group",
    "companies": "commands.companies:group",
    "connections": "commands.connections:group",
    "db": "commands.db:group",
    "events": "commands.events:group",
    "mapping": "commands.mapping.desk:group",
    "projections": "commands.projections:group",
    "recognition": "commands.recognition:group",
    "sbom": "commands.sbom:command",
    "secrets": "commands.secrets:group",
    "sync": "commands.sync:command",
    "users": "commands.users:group",
}


class _Commands(AppGroup):
    """The commands by name, each of which is loaded when it is asked for: all together take longer than most run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*super().list_commands(ctx), *_PLACES})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or None if there is none of this name."""
        if (place := _PLACES.get(cmd_name)) is None:
            return super().get_command(ctx, cmd_name)
        command: click.Command = resolve_name(place)
        return command


def register(app: Flask) -> None:
    """Register the commands with this app's `flask` command."""
    app.cli = _Commands(app.name)
