"""The ledger as arrays, in a report's scope."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cis_power.network.models import Element, EquipmentState
from cis_power.network.reads import version_at
from cis_power.outages.models import Interruption, Outage
from cis_power.series.packing import epoch_seconds
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
    found = _columns(session, from_at, to_at)
    ids = found["usage_point_id"]
    began = epoch_seconds(found["began_at"])
    points = np.array([UNNAMED if point is None else point for point in ids], np.int64)
    named = points != UNNAMED
    inside = np.zeros(len(points), np.bool_)
    inside[named] = group_at(_numbered(within), points[named], began[named]) != -1
    in_place = int((group_at(_numbered(place), points[named], began[named]) != -1).sum())
    unserved = in_place - int(inside[named].sum())
    unplaced = 0
    if scope.districts is None:
        inside[~named] = True
    else:
        districts = _device_districts(session, to_at)
        for number in np.flatnonzero(~named).tolist():
            district = districts.get(found["device_id"][number])
            inside[number] = scope.sees(district)
            unplaced += district is None and scope.of_whole
    if not inside.all():
        kept = inside.tolist()
        found = {name: list(compress(values, kept)) for name, values in found.items()}
    return Ledger(
        rows=_rows(found, points[inside], began[inside], rated),
        told=_told(found),
        unplaced=unplaced,
        unserved=unserved,
    )


_Columns = Mapping[str, Sequence[Any]]


def _columns(session: Session, from_at: datetime, to_at: datetime) -> _Columns:
    """The ledger's rows that began in [from, to), as columns."""
    rows = session.execute(_QUERY.where(Interruption.began_at >= from_at, Interruption.began_at < to_at)).all()
    names = [column.name for column in _QUERY.selected_columns]
    return dict(zip(names, zip(*rows, strict=True) if rows else [()] * len(names), strict=True))


def _rows(found: _Columns, points: NDArray[np.int64], began: NDArray[np.int64], rated: Windows) -> Rows:
    kva = np.array(found["connected_kva"], np.float64)
    lacking = np.isnan(kva) & (points != UNNAMED)
    kva[lacking] = amount_at(rated, points[lacking], began[lacking])
    kinds = list(zip(found["responsibility"], found["sub_kind"], strict=True))
    responsible = [responsibility or sub_kind or "distribution" for responsibility, sub_kind in kinds]
    internal = {"distribution", "rationing", "fault", "planned", "temporary"}
    events: dict[str | None, int] = {None: -1}
    return Rows(
        row=np.array(found["id"], np.int64),
        outage=np.array(found["outage_id"], np.int64),
        usage_point=points,
        began=began,
        restored=_given(found["restored_at"], np.full(len(began), OPEN, np.int64)),
        early=_given(found["began_earliest_at"], began),
        late=_given(found["began_latest_at"], began),
        customers=np.where(points == UNNAMED, np.array(found["customers"], np.float64), 1.0),
        kva=kva,
        operations=np.array(found["operations"], np.float64),
        event=np.array([events.setdefault(number, len(events) - 1) for number in found["event_no"]], np.int64),
        planned=np.array([kind == "planned" for kind in found["kind"]], np.bool_),
        loss_of_supply=np.array([word == "loss_of_supply" for word in responsible], np.bool_),
        external=np.array([word not in internal for word in responsible], np.bool_),
        rationing=np.array(["rationing" in words for words in kinds], np.bool_),
    )


def _given(instants: Sequence[datetime | None], otherwise: NDArray[np.int64]) -> NDArray[np.int64]:
    """Instants in epoch seconds, and something else where there is none."""
    there = [place for place, instant in enumerate(instants) if instant is not None]
    answer = otherwise.copy()
    if there:
        answer[there] = epoch_seconds([instants[place] for place in there])  # type: ignore[misc]
    return answer


def _told(found: _Columns) -> dict[int, Told]:
    """Words by row; rows of one outage and step mostly share theirs."""
    shared: dict[tuple[Any, ...], Told] = {}
    names = ("code", "step", "kind", "sub_kind", "responsibility", "cause_code", "device")
    words = zip(*(found[name] for name in names), strict=True)
    told: dict[int, Told] = {}
    for row, same in zip(found["id"], words, strict=True):
        known = shared.get(same)
        if known is None:
            known = shared[same] = Told(*same)
        told[row] = known
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
