"""Random secrets handed out once and kept only as hashes: session tokens, machine keys, device marks."""

import hashlib
import secrets


def new_token(prefix: str = "") -> str:
    """Return 256 random bits as text."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the SHA-256, hexadecimal, of a token; enough for 256 random bits, unlike for a password."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
