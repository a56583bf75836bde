"""Phones and e-mail addresses as given, and their one normal form; pure."""

import re
from dataclasses import dataclass

import phonenumbers

_SEPARATORS = re.compile(r"[;；、|\n]")
_EMAIL = re.compile(r"[^@\s<>\"']+@[^@\s<>\"']+\.[^@\s<>\"']+")
_MOBILE_OF_CHINA = re.compile(r"1[3-9]\d{9}")


@dataclass(frozen=True, slots=True)
class Contact:
    """One phone or e-mail address: the text as given; its normal form, None if it cannot be read."""

    kind: str
    text: str
    normal: str | None


def read_phones(text: str, region: str) -> list[Contact]:
    """The phones of a field; numbers without a country code are in `region`."""
    parts = dict.fromkeys(part.strip() for part in _SEPARATORS.split(text))
    return [Contact("phone", part, normal_phone(part, region)) for part in parts if part]


def normal_phone(text: str, region: str) -> str | None:
    """The number in E.164, None where it cannot be one."""
    if region == "CN" and _MOBILE_OF_CHINA.fullmatch(text):  # by far the most, and the general way is slow
        return f"+86{text}"
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def read_email(text: str) -> Contact:
    """The e-mail address of a field."""
    text = text.strip()
    return Contact("email", text, text.lower() if _EMAIL.fullmatch(text) else None)
