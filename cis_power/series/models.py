"""Packed interval history: one row a series and chunk, and the tail of live values that are not packed yet."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Series(Base):
    """One history: of a point, a meter's channel or anything else that has an integer key."""

    __tablename__ = "series"
    __table_args__ = (UniqueConstraint("owner_kind", "owner_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_kind: Mapped[str] = mapped_column(comment="what owns it: point, channel …")
    owner_id: Mapped[int] = mapped_column(comment="key of the owner in its own table")
    name: Mapped[str] = mapped_column(comment="which of the owner's histories; `value` where there is one only")
    step_seconds: Mapped[int] = mapped_column(comment="s; grid on which live values are packed")
    wide: Mapped[bool] = mapped_column(comment="values are float64, else float32")


class SeriesChunk(Base):
    """Values of one series in one UTC day (a UTC month for steps of 30 minutes and more); layout in `packing.py`."""

    __tablename__ = "series_chunk"

    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"), primary_key=True)
    first_at_seconds: Mapped[int] = mapped_column(
        primary_key=True, comment="s since 1970-01-01T00:00Z; instant of slot 0"
    )
    step_seconds: Mapped[int] = mapped_column(primary_key=True, comment="s from slot to slot")
    values: Mapped[bytes] = mapped_column(comment="little-endian float32 or float64 a slot, NaN where there is none")
    quality: Mapped[bytes | None] = mapped_column(comment="one byte a slot; empty: GOOD wherever there is a value")


class SeriesTail(Base):
    """Live values of one loaded batch, until a job folds them into chunks."""

    __tablename__ = "series_tail"
    __table_args__ = (Index(None, "to_at_seconds"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    from_at_seconds: Mapped[int] = mapped_column(comment="s since 1970-01-01T00:00Z; earliest value")
    to_at_seconds: Mapped[int] = mapped_column(comment="s since 1970-01-01T00:00Z; latest value")
    low_series_id: Mapped[int] = mapped_column(comment="smallest series in it")
    high_series_id: Mapped[int] = mapped_column(comment="largest series in it")
    series_ids: Mapped[bytes] = mapped_column(comment="little-endian int64 a value, ascending")
    at_ms: Mapped[bytes] = mapped_column(comment="ms since 1970-01-01T00:00Z; little-endian int64 a value")
    values: Mapped[bytes] = mapped_column(comment="little-endian float64 a value")
    quality: Mapped[bytes] = mapped_column(comment="one byte a value")
