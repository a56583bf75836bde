"""Messages in the reader's language, with types."""

import flask_babel


def gettext(message: str, **values: object) -> str:
    """A message, with values put in."""
    return str(flask_babel.gettext(message, **values))


def ngettext(singular: str, plural: str, num: int, **values: object) -> str:
    """A message that depends on a number."""
    return str(flask_babel.ngettext(singular, plural, num, **values))
