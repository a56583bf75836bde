"""The declarative base of all tables."""

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, Float, Integer, LargeBinary, MetaData, Text
from sqlalchemy.orm import DeclarativeBase

from cis_power.core.db.types import Money, UtcDateTime

Identity = BigInteger().with_variant(Integer(), "sqlite")


class Base(DeclarativeBase):
    """Every table of the system; constraint names are fixed so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        Decimal: Money,
        str: Text,
        int: Identity,
        float: Float(53),
        bytes: LargeBinary,
        dict[str, Any]: JSON,
        list[Any]: JSON,
    }
