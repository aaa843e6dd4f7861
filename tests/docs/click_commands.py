"""The commands that click knows."""

from collections.abc import Iterator

import click
from flask import Flask

from commands import register


def commands_below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            one = command.get_command(context, below)
            assert one is not None
            yield from commands_below(f"{name} {below}", one)
    else:
        yield name, command


def flask_commands() -> dict[str, click.Command]:
    app = Flask("docs")
    register(app)
    return dict(commands_below("flask", app.cli))
