"""Sentences of the wings below in the reader's language: found again by their patterns, values put back in."""

import re
from functools import cache, lru_cache

from babel.messages.pofile import read_po

from web.catalogues import catalogue_file
from web.language import choose_language

_VALUE = re.compile(r"\{\d+\}")


def said(sentence: str) -> str:
    """A sentence that a wing below wrote, in the reader's language; one that nobody knows stays as it is."""
    language = choose_language()
    return sentence if language == "en" else _translated(sentence, language)


@lru_cache(4096)
def _translated(sentence: str, language: str) -> str:
    plain, patterns = _known(language)
    if sentence in plain:
        return plain[sentence]
    parts = sentence.split("; ")
    translated = [_translated(part, language) for part in parts] if len(parts) > 1 else parts
    if all(ours != theirs for ours, theirs in zip(parts, translated, strict=True)):
        return "；".join(translated)
    for pattern, words in patterns:
        found = pattern.fullmatch(sentence)
        if found:
            return words.format(*(_translated(value, language) if value else "" for value in found.groups()))
    return "；".join(translated) if parts != translated else sentence


@cache
def _known(language: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Whole sentences, and patterns with the most words of their own first, so that the closest fit is found."""
    with catalogue_file(language).open("rb") as file:
        texts = {
            str(one.id): str(one.string) for one in read_po(file, locale=language) if isinstance(one.id, str) and one.id
        }
    plain = {text: words for text, words in texts.items() if not _VALUE.search(text)}
    templates = sorted(texts.keys() - plain.keys(), key=lambda text: (-len(_VALUE.sub("", text)), text))
    return plain, [(_pattern(text), texts[text]) for text in templates if _fits(text)]


def _fits(template: str) -> bool:
    """A template of values alone would fit everything."""
    return bool(re.search(r"[a-z]{2}", _VALUE.sub("", template)))


def _pattern(template: str) -> re.Pattern[str]:
    parts = [re.escape(part) for part in _VALUE.split(template)]
    return re.compile("(.*?)".join(parts), re.DOTALL)
