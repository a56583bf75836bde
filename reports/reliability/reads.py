"""The ledger as arrays, in a report's scope."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.network.models import Element, EquipmentState
from cis_power.network.reads import version_at
from cis_power.outages.models import Interruption, Outage
from reports.reliability.spells import OPEN, UNNAMED, Rows
from reports.scope import Scope
from reports.windows import Windows, amount_at, group_at


@dataclass(frozen=True, slots=True)
class Told:
    """What people say of an interruption: words for the drill-down."""

    outage: str
    step: int
    kind: str
    sub_kind: str | None
    responsibility: str | None
    cause: str | None
    device: str | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """Ledger rows in scope, and the words of each row by its key.

    `unplaced` rows could not be placed in a district, `unserved` ones are of usage points that were not served then:
    neither is in `rows`.
    """

    rows: Rows
    told: Mapping[int, Told]
    unplaced: int
    unserved: int


_QUERY = (
    select(
        Interruption.id,
        Interruption.outage_id,
        Outage.code,
        Interruption.usage_point_id,
        Interruption.customers,
        Interruption.step,
        Interruption.began_at,
        Interruption.began_earliest_at,
        Interruption.began_latest_at,
        Interruption.restored_at,
        Interruption.kind,
        Interruption.sub_kind,
        Interruption.responsibility,
        Interruption.cause_code,
        Interruption.device_id,
        func.coalesce(Interruption.device_code, Element.code).label("device"),
        Interruption.operations,
        Interruption.event_no,
        Interruption.connected_kva,
    )
    .join(Outage, Outage.id == Interruption.outage_id)
    .outerjoin(Element, Element.id == Interruption.device_id)
    .where(Interruption.superseded_at.is_(None))
    .order_by(Interruption.id)
)


def read_ledger(
    session: Session, scope: Scope, place: Windows, within: Windows, rated: Windows, bounds: tuple[datetime, datetime]
) -> Ledger:
    """Rows that began in [from, to): named ones whose usage point was in scope and served then, others by their device.

    `place` are the usage points in scope, `within` those windows of it in which they were served.
    """
    from_at, to_at = bounds
    found = session.execute(_QUERY.where(Interruption.began_at >= from_at, Interruption.began_at < to_at)).all()
    began = _seconds([row.began_at for row in found])
    points = np.array([UNNAMED if row.usage_point_id is None else row.usage_point_id for row in found], np.int64)
    named = points != UNNAMED
    inside = np.zeros(len(found), np.bool_)
    inside[named] = group_at(_numbered(within), points[named], began[named]) != -1
    in_place = int((group_at(_numbered(place), points[named], began[named]) != -1).sum())
    unserved = in_place - int(inside[named].sum())
    unplaced = 0
    if scope.districts is None:
        inside[~named] = True
    else:
        districts = _device_districts(session, to_at)
        for number in np.flatnonzero(~named).tolist():
            district = districts.get(found[number].device_id)
            inside[number] = scope.sees(district)
            unplaced += district is None and scope.of_whole
    places = np.flatnonzero(inside)
    return Ledger(
        rows=_rows([found[number] for number in places.tolist()], points[places], began[places], rated),
        told=_told([found[number] for number in places.tolist()]),
        unplaced=unplaced,
        unserved=unserved,
    )


def _rows(found: list[Any], points: NDArray[np.int64], began: NDArray[np.int64], rated: Windows) -> Rows:
    events: dict[str, int] = {}
    kva = np.array([np.nan if row.connected_kva is None else row.connected_kva for row in found], np.float64)
    lacking = np.isnan(kva) & (points != UNNAMED)
    kva[lacking] = amount_at(rated, points[lacking], began[lacking])
    responsible = [row.responsibility or row.sub_kind or "distribution" for row in found]
    internal = {"distribution", "rationing", "fault", "planned", "temporary"}
    return Rows(
        row=np.array([row.id for row in found], np.int64),
        outage=np.array([row.outage_id for row in found], np.int64),
        usage_point=points,
        began=began,
        restored=np.array([OPEN if row.restored_at is None else _second(row.restored_at) for row in found], np.int64),
        early=_seconds([row.began_earliest_at or row.began_at for row in found]),
        late=_seconds([row.began_latest_at or row.began_at for row in found]),
        customers=np.array([1 if row.usage_point_id is not None else row.customers for row in found], np.float64),
        kva=kva,
        operations=np.array([row.operations for row in found], np.float64),
        event=np.array([_event(events, row) for row in found], np.int64),
        planned=np.array([row.kind == "planned" for row in found], np.bool_),
        loss_of_supply=np.array([word == "loss_of_supply" for word in responsible], np.bool_),
        external=np.array([word not in internal for word in responsible], np.bool_),
        rationing=np.array(["rationing" in (row.responsibility, row.sub_kind) for row in found], np.bool_),
    )


def _event(events: dict[str, int], row: Any) -> int:
    return -1 if row.event_no is None else events.setdefault(row.event_no, len(events))


def _told(found: list[Any]) -> dict[int, Told]:
    """Words by row; rows of one outage and step mostly share theirs."""
    shared: dict[tuple[Any, ...], Told] = {}
    told: dict[int, Told] = {}
    for row in found:
        words = (row.code, row.step, row.kind, row.sub_kind, row.responsibility, row.cause_code, row.device)
        same = shared.get(words)
        if same is None:
            same = shared[words] = Told(*words)
        told[row.id] = same
    return told


def _numbered(within: Windows) -> Windows:
    """The same windows with a group that is never -1: the whole utility's usage points may have no district."""
    return Windows(within.member, np.zeros(len(within), np.int64), within.from_s, within.to_s, within.amount)


def _device_districts(session: Session, at: datetime) -> dict[int | None, int | None]:
    """District of each piece of equipment in the network of that time."""
    version = version_at(session, at)
    state = EquipmentState
    query = select(state.element_id, state.district_id).where(state.version_id == (version.id if version else None))
    return {row.element_id: row.district_id for row in session.execute(query)}


def _second(instant: datetime) -> int:
    return int(instant.timestamp())


def _seconds(instants: list[datetime]) -> NDArray[np.int64]:
    return np.array([_second(instant) for instant in instants], np.int64)
