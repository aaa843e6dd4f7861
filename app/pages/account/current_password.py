"""Ask people for the password that they have before they change how they sign in."""

from app.http.native_threads import in_native_thread
from app.http.rate_limits import Limit, TooManyAttemptsError
from app.pages.forms import MistakeError, typed
from app.wiring.tools import current_tools
from runtime.database import across_companies
from tenants.people.sessions import Session
from tenants.people.users import password_hash_of

_CURRENT_PASSWORDS = Limit("current-passwords", attempts=10, seconds=900)


def check_current_password(who: Session) -> None:
    """Raise an error unless the field `password` has the person's current one.

    :raises MistakeError: it is another one, or too many were tried
    """
    tools = current_tools()
    try:
        tools.limits.count(_CURRENT_PASSWORDS, str(who.user_id))
    except TooManyAttemptsError as error:
        raise MistakeError("password", "Too many attempts. Try again in 15 minutes.") from error
    with across_companies(tools.engine) as connection:
        kept = password_hash_of(connection, who.user_id)
    if not in_native_thread(tools.passwords.matches, kept, typed("password")):
        raise MistakeError("password", "This is not your current password.")
    tools.limits.forget(_CURRENT_PASSWORDS, str(who.user_id))
