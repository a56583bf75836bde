"""Asking for many keys at once."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, any_, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session


def among(session: Session, key: Any, keys: Iterable[int]) -> ColumnElement[bool]:
    """The criterion "this integer column is one of `keys`"; give at most some thousands at a time.

    PostgreSQL takes one array, so that the statement stays the same whatever their number: with thousands of parameters
    most of the time goes into the statement's text.
    """
    listed = [int(item) for item in keys]
    if session.get_bind().dialect.name == "postgresql":
        answer: ColumnElement[bool] = key == any_(literal(listed, ARRAY(BigInteger)))
        return answer
    return key.in_(listed)  # type: ignore[no-any-return]
