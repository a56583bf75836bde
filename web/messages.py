"""Collecting the messages of pages and code into the catalogues: `python -m web.messages`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from web.catalogues import catalogue_file
from web.language import LANGUAGES
from web.sentences import sentences

_WEB = Path(__file__).parent
_METHODS = [("**.py", "python"), ("templates/**.html", "jinja2")]
_KEYWORDS = {
    "_": None, "_l": None, "gettext": None, "ngettext": (1, 2), "lazy_gettext": None, "N_": None,
}  # fmt: skip
_OPTIONS = {"templates/**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}


def messages() -> Catalog:
    """Every message of pages and code, and every sentence of the wings below, without translations."""
    found = Catalog(project="cis-power", charset="utf-8", fuzzy=False)
    for file, _line, message, _comments, context in extract_from_dir(
        str(_WEB), method_map=_METHODS, options_map=_OPTIONS, keywords=_KEYWORDS
    ):
        found.add(message, None, [(f"web/{file}", 0)], context=context)
    for sentence, file in sentences().items():
        found.add(sentence, None, [(file, 0)])
    return found


def other_languages() -> Iterator[str]:
    """The languages that have a catalogue."""
    return (language for language in LANGUAGES if language != "en")


def update(language: str) -> int:
    """Write the catalogue of a language anew, known translations kept; answers how many are missing."""
    file = catalogue_file(language)
    file.parent.mkdir(parents=True, exist_ok=True)
    catalogue = Catalog(locale=language)
    if file.exists():
        with file.open("rb") as source:
            catalogue = read_po(source, locale=language)
    catalogue.update(messages(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with file.open("wb") as target:
        write_po(target, catalogue, width=100, sort_output=True, no_location=True, omit_header=True)
    return len(untranslated(catalogue))


def untranslated(catalogue: Catalog) -> list[str]:
    """The messages of a catalogue that lack words in any form."""
    missing = []
    for message in catalogue:
        forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and not all(forms):
            missing.append(str(message.id))
    return missing


def main() -> None:
    """Update every catalogue and say what is missing."""
    for language in other_languages():
        sys.stdout.write(f"{language}: {update(language)} messages without translation\n")


if __name__ == "__main__":
    main()
