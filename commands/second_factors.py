"""`flask users reset-second-factor`: let in again who lost their phone and their recovery codes."""

import click

from commands.sealing import mail_box
from commands.terminal import as_json, counted, known_user, print_json, transaction
from notices.second_factors import mail_about_second_factor
from runtime.clock import utc_now
from tenants.people.second_factors import turn_off
from tenants.people.sessions import end_sessions_of


@click.command("reset-second-factor")
@click.argument("email")
@as_json
def reset_second_factor(email: str, *, is_json: bool) -> None:
    """Turn off a user's second factor, for example if their phone is lost, and end their sessions.

    They are told by e-mail if SMTP_URL is set, which needs ENCRYPTION_KEYS.
    """
    box = mail_box()
    with transaction() as connection:
        user = known_user(connection, email)
        ended = end_sessions_of(connection, user.id)
        was_on = turn_off(connection, user.id, actor="operator", now=utc_now())
        if was_on and box:
            mail_about_second_factor(connection, box, user.id, "reset", now=utc_now())
    if is_json:
        print_json({"id": user.id, "email": user.email, "was_on": was_on, "sessions_ended": ended})
    else:
        done = "Turned off the second factor" if was_on else "There was no second factor"
        click.echo(f"{done} of {user.email}, and ended {counted(ended, 'session')}.")
