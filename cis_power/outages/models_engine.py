"""Tables by which the engine goes on where it stopped."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class EngineMark(Base):
    """How far the engine is: one row, written in the transaction of what it tells of."""

    __tablename__ = "engine_mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    passes: Mapped[int] = mapped_column(comment="passes that changed anything")
    step_key: Mapped[str] = mapped_column(comment="key of the last step applied; empty: none")
    model_at: Mapped[datetime | None] = mapped_column(comment="up to where changes of the model are applied")
    recorded_at: Mapped[datetime] = mapped_column(comment="time of knowledge of the last pass; never falls")
    signal_event_id: Mapped[int] = mapped_column(default=0, comment="up to where signal events are taken in")
    linked_points: Mapped[int] = mapped_column(default=0, comment="position points that had a device then")
    connection_id: Mapped[int] = mapped_column(default=0, comment="up to where supply connections are known")
    connections: Mapped[int] = mapped_column(default=0, comment="supply connections known")
    connections_superseded_at: Mapped[datetime | None] = mapped_column(comment="latest supersession known")
    versions: Mapped[str] = mapped_column(default="", comment="network versions and their times, as known")


class EngineCheckpoint(Base):
    """The engine's state behind a step, so that a late entry replays from before itself."""

    __tablename__ = "engine_checkpoint"

    id: Mapped[int] = mapped_column(primary_key=True)
    order_key: Mapped[str] = mapped_column(comment="key of the last step in the state; empty: none")
    occurred_at: Mapped[datetime] = mapped_column(index=True, comment="up to where it tells")
    version_id: Mapped[int | None] = mapped_column(ForeignKey("network_version.id"))
    state: Mapped[bytes] = mapped_column(comment="compressed")
    created_at: Mapped[datetime]
