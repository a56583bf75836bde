"""Asking for many keys at once."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text, any_, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session


def among(session: Session, key: Any, keys: Iterable[int] | Iterable[str]) -> ColumnElement[bool]:
    """The criterion "this column is one of `keys`", whole numbers or texts; give at most some ten thousands at a time.

    The keys travel as one parameter, so that the statement stays the same whatever their number: with thousands of
    parameters most of the time goes into the statement's text.
    """
    given: list[Any] = list(keys)
    of_text = bool(given) and isinstance(given[0], str)
    listed: list[Any] = given if of_text else [int(item) for item in given]  # numpy has integers of its own
    if session.get_bind().dialect.name == "postgresql":
        answer: ColumnElement[bool] = key == any_(literal(listed, ARRAY(Text if of_text else BigInteger)))
        return answer
    if not of_text:
        return key.in_(listed)  # type: ignore[no-any-return]
    values = func.json_each(json.dumps(listed)).table_valued("value")
    return key.in_(select(values.c.value))  # type: ignore[no-any-return]
