"""The one criterion of from/to."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, or_


def valid_at(
    began_at: SQLColumnExpression[Any], ended_at: SQLColumnExpression[Any], now: datetime
) -> ColumnElement[bool]:
    """Whether a row's from/to, half-open, empty meaning ever, holds at an instant."""
    return and_(or_(began_at.is_(None), began_at <= now), or_(ended_at.is_(None), ended_at > now))
