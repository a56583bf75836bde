"""Which personal fields a role sees, as data, and the one function that masks a record.

A record is any frozen dataclass. Its personal fields are recognised by name (`FIELD_KINDS`), so that a new read cannot
forget them; a record that holds a personal text under another name fails the canary tests. Within a record of a person
`name` is the person's: what names a device or a place is called `device_name`, `place_name` and so on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar

from cis_power.access.permissions import SYSTEM_ROLE
from cis_power.access.viewer import Viewer

Record = TypeVar("Record")


class Personal(Enum):
    """The kinds of personal text that a field can hold."""

    NAME = "name"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    IDENTITY = "identity"


class Shown(Enum):
    """How much of a field a viewer sees."""

    FULL = "full"
    MASKED = "masked"


FIELD_KINDS: dict[str, Personal] = {
    "name": Personal.NAME,
    "full_name": Personal.NAME,
    "customer_name": Personal.NAME,
    "contact_name": Personal.NAME,
    "person_name": Personal.NAME,
    "caller_name": Personal.NAME,
    "phone": Personal.PHONE,
    "phones": Personal.PHONE,
    "contact_phone": Personal.PHONE,
    "caller_phone": Personal.PHONE,
    "email": Personal.EMAIL,
    "emails": Personal.EMAIL,
    "contact_email": Personal.EMAIL,
    "address": Personal.ADDRESS,
    "billing_address": Personal.ADDRESS,
    "service_address": Personal.ADDRESS,
    "identity_no": Personal.IDENTITY,
}


@dataclass(frozen=True, slots=True)
class Circumstance:
    """What the field rules ask about one record.

    `inside`: its district is in the viewer's territory; `priority`: its usage point has a priority above ordinary
    or a life-support patient; `caller`: it called about an open outage; `consent`: its person agreed to marketing.
    """

    inside: bool = True
    priority: bool = False
    caller: bool = False
    consent: bool = False


_EVERY = frozenset(Personal)
_NONE: frozenset[Personal] = frozenset()

# role → kinds shown in full inside the territory; every other kind is masked, and everything outside it is.
_INSIDE: dict[str, frozenset[Personal]] = {
    "agent": _EVERY,
    "billing": _EVERY,
    "marketing": _NONE,
    "engineer": frozenset({Personal.ADDRESS}),
    "dispatcher": frozenset({Personal.ADDRESS}),
    "manager": _NONE,
    "sysadmin": _NONE,
    "secadmin": _NONE,
    "auditor": _NONE,
    SYSTEM_ROLE: _EVERY,
}

# (role, circumstance) → kinds shown in full besides, inside the territory.
_BESIDES: dict[tuple[str, str], frozenset[Personal]] = {
    ("marketing", "consent"): _EVERY - {Personal.IDENTITY},
    ("dispatcher", "priority"): frozenset({Personal.PHONE}),
    ("dispatcher", "caller"): frozenset({Personal.PHONE}),
}


def shown(viewer: Viewer, kind: Personal, circumstance: Circumstance) -> Shown:
    """Say how much of a kind of personal field a viewer sees in a circumstance."""
    if viewer.role == SYSTEM_ROLE:
        return Shown.FULL
    if not circumstance.inside:
        return Shown.MASKED
    kinds = _INSIDE[viewer.role]
    for (role, name), more in _BESIDES.items():
        if role == viewer.role and getattr(circumstance, name):
            kinds = kinds | more
    return Shown.FULL if kind in kinds else Shown.MASKED


def may_search(viewer: Viewer, kind: Personal) -> bool:
    """Say whether a role may search by a kind of field: only by one that it would also see, or a search would tell it.

    Call-taking is the declared exception: whoever may find a supply point anywhere has the caller's words to search by.
    """
    return viewer.may("customers:place:find") or shown(viewer, kind, Circumstance()) is Shown.FULL


def mask_text(kind: Personal, text: str) -> str:
    """Return a text of which only so much is left that the person at the telephone can be asked for the rest."""
    if not text:
        return text
    if kind is Personal.PHONE:
        digits = [character for character in text if character.isdigit()]
        return "*" * max(len(digits) - 2, 3) + "".join(digits[-2:] if len(digits) >= 6 else [])
    if kind is Personal.EMAIL:
        return f"{text[0]}***@***"
    if kind is Personal.NAME:
        return f"{text[0]}**"
    return "***"


def mask_record(viewer: Viewer, record: Record, circumstance: Circumstance) -> Record:
    """Return the record as a viewer may see it: its personal fields, and those of records within it, full or masked."""
    masked: Record = _masked(viewer, record, circumstance)
    return masked


def masked_fields(viewer: Viewer, record: object, circumstance: Circumstance) -> tuple[str, ...]:
    """Name the fields of a record that a viewer sees masked: those a page may offer to unmask."""
    if not is_dataclass(record):
        raise TypeError(f"not a dataclass: {type(record).__name__}")
    return tuple(
        field.name
        for field in fields(record)
        if (kind := FIELD_KINDS.get(field.name)) and shown(viewer, kind, circumstance) is Shown.MASKED
    )


def _masked(viewer: Viewer, value: Any, circumstance: Circumstance) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value)(_masked(viewer, item, circumstance) for item in value)
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changes = {
        field.name: _masked_field(viewer, FIELD_KINDS.get(field.name), getattr(value, field.name), circumstance)
        for field in fields(value)
        if field.init
    }
    return replace(value, **changes)


def _masked_field(viewer: Viewer, kind: Personal | None, value: Any, circumstance: Circumstance) -> Any:
    if kind is None:
        return _masked(viewer, value, circumstance)
    if value is None or shown(viewer, kind, circumstance) is Shown.FULL:
        return value
    if isinstance(value, str):
        return mask_text(kind, value)
    if isinstance(value, Sequence):
        return type(value)(mask_text(kind, text) for text in value)  # type: ignore[call-arg]
    raise TypeError(f"a personal field holds {type(value).__name__}, not text")
