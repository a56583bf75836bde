"""The language of a page: `?lang=`, else what was chosen before, else what the browser asks for, else the setting."""

from flask import has_request_context, request, session

from web.shell import shell

LANGUAGES = {"en": "English", "zh_CN": "中文"}
_CHOSEN = "language"


def choose_language() -> str:
    """Return the language of this request, and remember one that was asked for by `?lang=`."""
    if not has_request_context():
        return "en"
    asked = request.args.get("lang")
    if asked is not None and asked in LANGUAGES:
        if "Authorization" not in request.headers and session.get(_CHOSEN) != asked:
            session[_CHOSEN] = asked
        return asked
    chosen = chosen_language()
    if chosen is not None:
        return chosen
    wished = request.accept_languages.best_match(["en", "zh-CN", "zh"])
    if wished is None:
        return shell().settings.language
    return "en" if wished == "en" else "zh_CN"


def chosen_language() -> str | None:
    """Return the language that the person has chosen, to be kept over a login."""
    chosen = session.get(_CHOSEN)
    return chosen if chosen in LANGUAGES else None


def keep_language(language: str | None) -> None:
    """Put a chosen language into a new session."""
    if language in LANGUAGES:
        session[_CHOSEN] = language
