"""What is searched and how a query is understood: pure text, the same on every database.

What is found is an account at one of its usage points. It has a few *documents*, one per kind of field, because a role
may search only by the kinds that it may see. A document is its terms between line feeds:
"\\n王小明\\n\\nwangxiaoming\\n\\nwxm\\n". So "contains", "begins with" and "ends with" are one question: is this
*needle* in the text?
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers

from cis_power.customers.pinyin import spellings

EDGE = "\n"
MAX_QUERY_LENGTH = 200
MAX_TOKENS = 8
_PHONE_LIKE = re.compile(r"[+(\d][\d\s().+/-]*")
_CHINESE_MOBILE = re.compile(r"\+861\d{10}")
_MIN_PHONE_DIGITS = 4
_FULL_PHONE_DIGITS = 7  # from here on digits in groups are one number, not several terms
_PAIR, _TRIPLE = 2, 3


class TermKind(StrEnum):
    """The kinds of documents, named like the columns of `search_row`; which are personal says `search.py`."""

    ACCOUNT = "account"
    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    SUPPLY = "supply"  # usage point, transformer
    ADDRESS = "address"
    METER = "meter"


OF_ACCOUNTS = frozenset({TermKind.ACCOUNT, TermKind.NAME, TermKind.PHONE, TermKind.EMAIL})
"""The kinds that belong to the account; the others belong to the usage point."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A needle that must be in a document; `kinds` empty: of any kind."""

    needle: str
    kinds: tuple[TermKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Query:
    """Any of `alternatives` must hold, each of whose clauses must hold. No alternatives: nothing is found."""

    alternatives: tuple[tuple[Clause, ...], ...]
    whole: str


@lru_cache(maxsize=100_000)
def normalise(text: str) -> str:
    """One spelling for equal texts: width, case and runs of blanks do not count; control characters are blanks."""
    if text.isascii() and text.isprintable():  # the usual case, without the cost of the general one
        return " ".join(text.casefold().split())
    folded = unicodedata.normalize("NFKC", text).casefold()
    cleaned = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in folded)
    return " ".join(cleaned.split())


def document(terms: Iterable[str | None]) -> str:
    """The text of a document, from its terms; "" if there are none."""
    known = dict.fromkeys(normalised for term in terms if term and (normalised := normalise(term)))
    return "".join(f"{EDGE}{term}{EDGE}" for term in known)


@lru_cache(maxsize=100_000)
def name_terms(name: str) -> tuple[str, ...]:
    """A name, its pinyin and its initials."""
    return (name, *spellings("".join(normalise(name).split())))


def phone_terms(phone: str) -> tuple[str, ...]:
    """A phone number as it is dialled at home and from abroad; a text that is no international number: its digits."""
    if _CHINESE_MOBILE.fullmatch(phone):  # the usual case, without the cost of the general one
        return phone[3:], phone[1:]
    return tuple(dict.fromkeys(form for form in (_dialled(phone, None), _digits(phone)) if form))


def parse_query(text: str, region: str) -> Query:
    """Understand what was typed: blanks part tokens that must all be found; a phone number may have any notation."""
    whole = normalise(text[:MAX_QUERY_LENGTH])
    phone = _phone_digits(whole, region)
    one_number = len(phone) >= _FULL_PHONE_DIGITS
    tokens = ["".join(whole.split())] if one_number else whole.split()[:MAX_TOKENS]
    alternatives: list[tuple[Clause, ...]] = []
    if tokens:
        alternatives.append(tuple(Clause(_needle(token)) for token in tokens))
    if phone:
        alternatives.append((Clause(phone + EDGE, (TermKind.PHONE,)),))
    return Query(alternatives=tuple(alternatives), whole=whole)


def matches(query: Query, documents: Sequence[tuple[TermKind, str]]) -> bool:
    """Whether an account at a usage point with these documents is found: the plain definition of the search."""
    return any(
        all(
            any(clause.needle in text for kind, text in documents if not clause.kinds or kind in clause.kinds)
            for clause in clauses
        )
        for clauses in query.alternatives
    )


def _needle(token: str) -> str:
    """A token long enough is found anywhere in a term; a shorter one where a term begins."""
    long_enough = len(token) >= (_TRIPLE if token.isascii() else _PAIR)
    return token if long_enough else EDGE + token


def _phone_digits(whole: str, region: str) -> str:
    """The digits with which a number must end if this is how somebody writes one, else ""."""
    if not _PHONE_LIKE.fullmatch(whole):
        return ""
    digits = _dialled(whole, region) or _digits(whole)
    return digits if len(digits) >= _MIN_PHONE_DIGITS else ""


def _dialled(phone: str, region: str | None) -> str:
    """Digits as dialled at home: within `region`, or within the number's own without one; else international digits.

    "" if it is no possible number.
    """
    try:
        number = phonenumbers.parse(phone, region)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_possible_number(number):
        return ""
    number.extension = None
    home = region is None or number.country_code == phonenumbers.country_code_for_region(region)
    style = phonenumbers.PhoneNumberFormat.NATIONAL if home else phonenumbers.PhoneNumberFormat.E164
    return _digits(phonenumbers.format_number(number, style))


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isascii() and character.isdigit())
