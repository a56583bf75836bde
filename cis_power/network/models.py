"""Tables of the network: lasting elements, versions that hold their state, and what crews add for a time."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cis_power.core.db import Base


class Element(Base):
    """A lasting thing of the network, named by its owner's id; versions say what it is at a time."""

    __tablename__ = "element"
    __table_args__ = (UniqueConstraint("kind", "code"), Index("ix_element_code", "code"))

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(comment="node | equipment | feeder | substation")
    code: Mapped[str] = mapped_column(comment="the owner's id")


class NetworkVersion(Base):
    """One whole state of the network model; one is active at any time."""

    __tablename__ = "network_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    format: Mapped[str] = mapped_column(comment="csv | cim | opendss")
    content_hash: Mapped[str] = mapped_column(comment="SHA-256 over the files, hexadecimal")
    batch_id: Mapped[int | None] = mapped_column(ForeignKey("batch.id"))
    scope: Mapped[str] = mapped_column(default="whole", comment="whole | feeder")
    scope_element_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    base_version_id: Mapped[int | None] = mapped_column(ForeignKey("network_version.id"))
    valid_from: Mapped[datetime | None] = mapped_column(comment="instant from which it is true; empty: ever")
    recorded_at: Mapped[datetime]
    activated_at: Mapped[datetime | None] = mapped_column(comment="instant it was last put in force; empty: never")
    activated_by: Mapped[str | None]
    counts: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="elements by kind")
    problems: Mapped[list[Any]] = mapped_column(default=list)


class NetworkActivation(Base):
    """From when a version holds, and when that was said; what is said later overrides from its instant on."""

    __tablename__ = "network_activation"

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("network_version.id"), index=True)
    valid_from: Mapped[datetime | None] = mapped_column(comment="empty: ever")
    activated_at: Mapped[datetime]
    activated_by: Mapped[str]
    superseded_at: Mapped[datetime | None]


class NodeState(Base):
    """A connectivity node in one version."""

    __tablename__ = "node_state"

    version_id: Mapped[int] = mapped_column(ForeignKey("network_version.id"), primary_key=True)
    element_id: Mapped[int] = mapped_column(ForeignKey("element.id"), primary_key=True)
    x: Mapped[float | None] = mapped_column(comment="the model's own coordinate")
    y: Mapped[float | None] = mapped_column(comment="the model's own coordinate")
    nominal_v: Mapped[float | None] = mapped_column(comment="V, line to line")
    is_source: Mapped[bool] = mapped_column(default=False)
    source_phases: Mapped[int] = mapped_column(default=0, comment="mask of phases fed from outside; 0: no source")


class EquipmentState(Base):
    """A conducting element between two nodes in one version."""

    __tablename__ = "equipment_state"
    __table_args__ = (
        Index("ix_equipment_state_from", "version_id", "from_node_id"),
        Index("ix_equipment_state_to", "version_id", "to_node_id"),
        Index("ix_equipment_state_feeder", "version_id", "feeder_id"),
    )

    version_id: Mapped[int] = mapped_column(ForeignKey("network_version.id"), primary_key=True)
    element_id: Mapped[int] = mapped_column(ForeignKey("element.id"), primary_key=True)
    leg: Mapped[int] = mapped_column(
        primary_key=True, default=0, comment="0; 1, 2 … for the further windings of one transformer"
    )
    kind: Mapped[str] = mapped_column(
        comment="breaker | recloser | fuse | load_break_switch | switch | line | transformer"
    )
    from_node_id: Mapped[int] = mapped_column(ForeignKey("element.id"))
    to_node_id: Mapped[int] = mapped_column(ForeignKey("element.id"))
    normal_open: Mapped[bool] = mapped_column(comment="whether all its phases stand open in the normal state")
    open_phases: Mapped[int] = mapped_column(default=0, comment="mask of phases open in the normal state")
    telemetered: Mapped[bool]
    phases: Mapped[int] = mapped_column(comment="mask: A 1, B 2, C 4")
    rated_kva: Mapped[float | None] = mapped_column(comment="kVA")
    feeder_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"), comment="normal feeder")
    substation_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    district_id: Mapped[int | None] = mapped_column(ForeignKey("district.id"))
    district_code: Mapped[str | None] = mapped_column(comment="as given, known or not")
    name: Mapped[str | None]
    owner: Mapped[str] = mapped_column(default="utility", comment="utility | customer")


class LoadState(Base):
    """A place of supply in one version, in formats that name them; it stands for a usage point of the same code."""

    __tablename__ = "load_state"

    version_id: Mapped[int] = mapped_column(ForeignKey("network_version.id"), primary_key=True)
    code: Mapped[str] = mapped_column(primary_key=True, comment="the owner's id")
    node_id: Mapped[int] = mapped_column(ForeignKey("element.id"))
    phases: Mapped[int] = mapped_column(comment="mask: A 1, B 2, C 4")
    rated_kva: Mapped[float | None] = mapped_column(comment="kVA")
    nominal_v: Mapped[float | None] = mapped_column(comment="V")
    customers: Mapped[int] = mapped_column(default=1, comment="customers it stands for")


class TemporaryElement(Base):
    """What crews really do: cut, jumper or mobile generator, with from and to."""

    __tablename__ = "temporary_element"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(comment="cut | jumper | generator")
    element_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"), comment="equipment that is cut")
    from_node_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    to_node_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    phases: Mapped[int] = mapped_column(comment="mask: A 1, B 2, C 4")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
    recorded_by: Mapped[str]


class SwitchPosition(Base):
    """When an element was closed or open, and when that became known."""

    __tablename__ = "switch_position"
    __table_args__ = (Index("ix_switch_position_element", "element_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    element_id: Mapped[int] = mapped_column(ForeignKey("element.id"))
    open_phases: Mapped[int] = mapped_column(comment="mask of open phases; 0: closed")
    origin: Mapped[str] = mapped_column(comment="signal | switch | tag | set | confirmation")
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]


class TransformerFeeder(Base):
    """Which feeder really fed a transformer, and when that became known."""

    __tablename__ = "transformer_feeder"
    __table_args__ = (Index("ix_transformer_feeder_element", "element_id", "began_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    element_id: Mapped[int] = mapped_column(ForeignKey("element.id"))
    feeder_id: Mapped[int | None] = mapped_column(ForeignKey("element.id"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    recorded_at: Mapped[datetime]
    superseded_at: Mapped[datetime | None]
