"""Messages in other languages: `.po` files, compiled in memory, so that a plain install needs no build step."""

import io
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask
from flask_babel import Domain

from web.language import choose_language

_FOLDER = Path(__file__).parent / "translations"


def catalogue_file(language: str) -> Path:
    """The file of messages of a language other than English."""
    return _FOLDER / language / "LC_MESSAGES" / "messages.po"


@cache
def translations(language: str) -> NullTranslations:
    """The messages of a language; English has none."""
    file = catalogue_file(language)
    if not file.exists():
        return NullTranslations()
    with file.open("rb") as source:
        catalogue = read_po(source, locale=language)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(fp=compiled)


class Catalogues(Domain):  # type: ignore[misc]  # flask-babel has no types
    """The catalogue of the request's language."""

    def get_translations(self) -> NullTranslations:
        return translations(choose_language())


def install_catalogues(app: Flask) -> None:
    """Let the app's texts come from our catalogues; Babel must be installed before."""
    app.extensions["babel"].instance.domain_instance = Catalogues()
