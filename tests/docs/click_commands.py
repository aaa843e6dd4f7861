"""The commands that click knows."""

from collections.abc import Iterator

import click
from flask import Flask

from commands import register


def commands_below(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for below, one in command.commands.items():
            yield from commands_below(f"{name} {below}", one)
    else:
        yield name, command


def flask_commands() -> dict[str, click.Command]:
    app = Flask("docs")
    register(app)
    return dict(one for name, command in app.cli.commands.items() for one in commands_below(f"flask {name}", command))
