"""Passwords: argon2id hashes, and the rule for new ones.

A check costs 64 MiB and up to half a second, so attempts are counted before one is made (`login.py`).
"""

from functools import cache
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cis_power.core.errors import InvalidInput, Problem

MIN_LENGTH = 8
MAX_LENGTH = 256
_HASHER = PasswordHasher()
_AT_ONCE = BoundedSemaphore(2)  # each check holds 64 MiB


def hash_password(name: str, password: str) -> str:
    """Return the hash of a new password. Raises InvalidInput when the password breaks the rule."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        message = f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters"
    elif password.casefold() == name.casefold() or len(set(password)) < 3:
        message = "this password would be guessed at once"
    else:
        with _AT_ONCE:
            return _HASHER.hash(password)
    raise InvalidInput("the password is refused", [Problem("weak_password", message, field="password")])


def verify_password(password_hash: str | None, password: str) -> bool:
    """Say whether a password fits; without a hash (unknown user) it takes the same time and says no."""
    with _AT_ONCE:
        try:
            fits = _HASHER.verify(password_hash or _hash_of_nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
    return fits and password_hash is not None


@cache
def _hash_of_nobody() -> str:
    return _HASHER.hash("nobody has this password")
