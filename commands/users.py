"""`flask users`: manage users and their roles in companies."""

import sys

import click
from sqlalchemy import Connection

from commands.second_factors import reset_second_factor
from commands.terminal import (
    as_json,
    company_option,
    counted,
    known_user,
    print_json,
    print_table,
    refuse_unknown_company,
    transaction,
)
from runtime.clock import utc_now
from tenants.people.password_links import change_password, prove_address
from tenants.people.passwords import Passwords, UnusablePasswordError
from tenants.people.second_factors import turn_off
from tenants.people.sessions import end_sessions_of
from tenants.people.users import (
    UnusableEmailError,
    User,
    add_user,
    find_user,
    list_members,
    normal_email,
    remove_member,
    role_of,
    set_member,
    set_password,
)
from tenants.roles import ROLES, Role

_from_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group("users")
def group() -> None:
    """Manage users and their roles in companies."""


@group.command("create")
@click.argument("email")
@company_option
@click.option("--role", type=click.Choice(ROLES), required=True)
@_from_stdin
@click.option("--no-password", is_flag=True, help="Set no password: the user signs in through the identity provider.")
@as_json
def create(email: str, *, company_id: int, role: Role, password_stdin: bool, no_password: bool, is_json: bool) -> None:
    """Add a user to a company with a role. Prompts for a password; an existing one is kept.

    It is not kept if the user came from another company and never proved the address: somebody else may know it.
    """
    address = _address(email)
    with transaction() as connection:
        refuse_unknown_company(connection, company_id)
        known = find_user(connection, address)
        is_stranger = (
            known is not None and not known.is_address_proven and not role_of(connection, company_id, known.id)
        )
    needs_password = password_stdin or not (no_password or (known and known.password_hash and not is_stranger))
    password_hash = _hashed_password(from_stdin=password_stdin) if needs_password else None
    with transaction() as connection:
        user = add_user(connection, address, password_hash=password_hash)
        if is_stranger:
            _take_from_whoever_made_it(connection, user, password_hash)
        is_changed = set_member(connection, company_id, user.id, role, actor="operator", now=utc_now())
    if is_json:
        member = {"id": user.id, "email": user.email, "company_id": company_id, "role": role}
        print_json(member | {"is_new": known is None, "is_changed": is_changed})
    else:
        click.echo(f"{user.email} is a member of company {company_id} with role {role}.")


def _take_from_whoever_made_it(connection: Connection, user: User, password_hash: str | None) -> None:
    turn_off(connection, user.id, actor="operator", now=utc_now())
    change_password(connection, user.id, password_hash, now=utc_now())
    prove_address(connection, user.id, now=utc_now())


@group.command("list")
@company_option
@as_json
def list_command(*, company_id: int, is_json: bool) -> None:
    """List a company's users and their roles."""
    with transaction() as connection:
        refuse_unknown_company(connection, company_id)
        rows = [member._asdict() for member in list_members(connection, company_id)]
    print_json({"users": rows}) if is_json else print_table(
        rows, empty="No users yet. Add one: flask users create EMAIL …"
    )


@group.command("remove")
@click.argument("email")
@company_option
@as_json
def remove(email: str, *, company_id: int, is_json: bool) -> None:
    """Remove a user from a company. Takes effect with their next request."""
    with transaction() as connection:
        refuse_unknown_company(connection, company_id)
        user = find_user(connection, email)
        is_removed = user is not None and remove_member(
            connection, company_id, user.id, actor="operator", now=utc_now()
        )
    if is_json:
        print_json({"email": email, "company_id": company_id, "removed": is_removed})
    else:
        click.echo(f"{email} is {'no longer' if is_removed else 'not'} a member of company {company_id}.")


@group.command("set-password")
@click.argument("email")
@_from_stdin
@as_json
def set_password_command(email: str, *, password_stdin: bool, is_json: bool) -> None:
    """Set a user's password and end their sessions."""
    password_hash = _hashed_password(from_stdin=password_stdin)
    with transaction() as connection:
        user = known_user(connection, email)
        set_password(connection, user.id, password_hash)
        ended = end_sessions_of(connection, user.id)
    if is_json:
        print_json({"id": user.id, "email": user.email, "sessions_ended": ended})
    else:
        click.echo(f"Changed the password of {user.email} and ended {counted(ended, 'session')}.")


group.add_command(reset_second_factor)


def _address(email: str) -> str:
    try:
        return normal_email(email)
    except UnusableEmailError as error:
        raise click.BadParameter(str(error), param_hint="EMAIL") from error


def _hashed_password(*, from_stdin: bool) -> str:
    if from_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    try:
        return Passwords().hashed(password)
    except UnusablePasswordError as error:
        raise click.ClickException(str(error)) from error
