"""Reading outages: the list, one outage, its usage points. Territory, filter and limit stand in the SQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from cis_power.access.territory import in_territory
from cis_power.access.viewer import Viewer
from cis_power.core.errors import NotFound
from cis_power.network.models import Element, EquipmentState
from cis_power.outages.belonging import counts, visible
from cis_power.outages.evidence import device_evidence
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import Outage, OutageState, OutageTransformer, RestorationEstimate
from cis_power.outages.records import Estimate, OutageDetail, OutageRecord

MAY_READ = ("outages:outage:read", "outages:count:read")
CANCELLED = "cancelled"
_OVER = ("restored", CANCELLED)


@dataclass(frozen=True, slots=True)
class OutageFilter:
    """Which outages a list has. Default: open ones. `from_at`, `to_at`: those that began in [from, to)."""

    everything: bool = False
    from_at: datetime | None = None
    to_at: datetime | None = None
    kind: str | None = None
    feeder: str | None = None
    before: tuple[datetime, int] | None = None
    limit: int = 10_000

    @property
    def only_open(self) -> bool:
        return not (self.everything or self.from_at or self.to_at)


def list_outages(
    session: Session, viewer: Viewer, now: datetime, wanted: OutageFilter | None = None, *,
    at: datetime | None = None, as_of: datetime | None = None,
) -> list[OutageRecord]:  # fmt: skip
    """Outages as the viewer may see them: open ones by priority and size, others newest first.

    `at`: as was known then; `as_of`: what is known now about then.
    """
    return [record for record, _position in list_positions(session, viewer, now, wanted, at=at, as_of=as_of)]


def list_positions(
    session: Session, viewer: Viewer, now: datetime, wanted: OutageFilter | None = None, *,
    at: datetime | None = None, as_of: datetime | None = None,
) -> list[tuple[OutageRecord, tuple[datetime, int]]]:  # fmt: skip
    """The list with the position of each row, to go on `before` it with the next page."""
    _require(viewer)
    wanted = wanted or OutageFilter()
    moment = Moment.of(now, at, as_of)
    state = OutageState
    query = _states(viewer, moment).where(state.began_at <= moment.about)
    if wanted.only_open:
        over = and_(state.restored_at.is_not(None), state.restored_at <= moment.about)
        query = query.where(~func.coalesce(over, False), state.status != CANCELLED)
    if wanted.from_at is not None:
        query = query.where(state.began_at >= wanted.from_at)
    if wanted.to_at is not None:
        query = query.where(state.began_at < wanted.to_at)
    if wanted.kind is not None:
        query = query.where(state.kind == wanted.kind)
    if wanted.feeder is not None:
        query = query.where(state.feeder_id.in_(select(Element.id).where(Element.code == wanted.feeder)))
    if wanted.before is not None:
        began, key = wanted.before
        query = query.where(or_(state.began_at < began, and_(state.began_at == began, state.outage_id < key)))
    rows = session.execute(query.order_by(state.began_at.desc(), state.outage_id.desc()).limit(wanted.limit)).all()
    records = _records(session, viewer, rows, moment)
    listed = [(record, (row[0].began_at, row[0].outage_id)) for record, row in zip(records, rows, strict=True)]
    if wanted.only_open:
        listed.sort(key=lambda pair: (-pair[0].priority_customers_out, -pair[0].customers_out, pair[0].began_at))
    return listed


def read_outage(
    session: Session, viewer: Viewer, outage_id: str, now: datetime, *,
    at: datetime | None = None, as_of: datetime | None = None,
) -> OutageDetail:  # fmt: skip
    """One outage with its transformers. Raises NotFound, whether it is foreign or missing."""
    _require(viewer)
    moment = Moment.of(now, at, as_of)
    rows = session.execute(_states(viewer, moment).where(Outage.code == outage_id)).all()
    if not rows:
        raise missing_outage(outage_id)
    (record,) = _records(session, viewer, rows, moment)
    return OutageDetail(record, _transformers(session, viewer, rows[0][0].outage_id, moment))


def missing_outage(outage_id: str) -> NotFound:
    return NotFound(f"there is no outage {outage_id!r}")


def find_state(session: Session, viewer: Viewer, outage_id: str, moment: Moment) -> OutageState:
    """The state of an outage that the viewer may see, else NotFound."""
    row = session.execute(_states(viewer, moment).where(Outage.code == outage_id)).first()
    if row is None:
        raise missing_outage(outage_id)
    state: OutageState = row[0]
    return state


def _require(viewer: Viewer) -> None:
    if not viewer.may_any(MAY_READ):
        viewer.require(MAY_READ[0])


def _states(viewer: Viewer, moment: Moment) -> Select[OutageState, Outage, str]:
    feeder = aliased(Element)
    return (
        select(OutageState, Outage, feeder.code)
        .join(Outage, Outage.id == OutageState.outage_id)
        .outerjoin(feeder, feeder.id == OutageState.feeder_id)
        .where(moment.known(OutageState), visible(viewer, moment))
    )


def _records(session: Session, viewer: Viewer, rows: Sequence[Any], moment: Moment) -> list[OutageRecord]:
    ids = [state.outage_id for state, _outage, _feeder in rows]
    whole = counts(session, None, ids, moment)
    own = whole if viewer.districts is None else counts(session, viewer, ids, moment)
    evidence = device_evidence(session, [(state, outage) for state, outage, _feeder in rows], moment)
    expected = estimates(session, ids, moment)
    transformers = _transformer_counts(session, viewer, ids, moment)
    none = dict.fromkeys(("affected", "out", "partial", "priority"), 0)
    answer = []
    for state, outage, feeder in rows:
        mine, all_of_them = own.get(state.outage_id, none), whole.get(state.outage_id, none)
        over = state.restored_at is not None and state.restored_at <= moment.about
        status = state.status
        if status == "restored" and not over:
            still = all_of_them["out"] + all_of_them["partial"]
            status = "partially_restored" if still < all_of_them["affected"] else "confirmed"
        answer.append(OutageRecord(
            id=outage.code, kind=state.kind, sub_kind=state.sub_kind, status=status, began_at=state.began_at,
            began_earliest=state.began_earliest_at, began_latest=state.began_latest_at,
            restored_at=state.restored_at if over else None, device=state.device_code, feeder=feeder,
            customers_affected=mine["affected"], customers_out=mine["out"], customers_partial=mine["partial"],
            customers_affected_total=all_of_them["affected"], customers_out_total=all_of_them["out"],
            priority_customers_out=mine["priority"], probability=state.probability,
            estimated_restoration=None if over else expected.get(state.outage_id),
            evidence=evidence.get(state.outage_id, ()), cause=state.cause_code, responsibility=state.responsibility,
            review_state=state.review_state, transformers_out=transformers.get(state.outage_id, 0),
        ))  # fmt: skip
    return answer


def estimates(session: Session, outages: Sequence[int], moment: Moment) -> dict[int, Estimate]:
    """The latest estimate of restoration of each outage that had one."""
    row = RestorationEstimate
    query = (
        select(row)
        .where(row.outage_id.in_(outages), row.recorded_at <= moment.known_at,
               or_(row.withdrawn_at.is_(None), row.withdrawn_at > moment.known_at))
        .order_by(row.recorded_at, row.id)
    )  # fmt: skip
    return {one.outage_id: Estimate(one.earliest_at, one.latest_at, one.source) for one in session.scalars(query)}


def _transformer_counts(session: Session, viewer: Viewer, outages: Sequence[int], moment: Moment) -> dict[int, int]:
    row = OutageTransformer
    query = (
        select(row.outage_id, func.count(row.element_id.distinct()))
        .where(row.outage_id.in_(outages), moment.known(row), moment.holding(row.began_at, row.ended_at))
        .where(_own_equipment(viewer, row.element_id))
        .group_by(row.outage_id)
    )
    return {outage: int(number) for outage, number in session.execute(query)}


def _transformers(session: Session, viewer: Viewer, outage: int, moment: Moment) -> tuple[str, ...]:
    """Codes of the transformers it put out, those of the viewer's territory."""
    row = OutageTransformer
    query = (
        select(Element.code).distinct()
        .join(row, row.element_id == Element.id)
        .where(row.outage_id == outage, moment.known(row), row.began_at <= moment.about)
        .where(_own_equipment(viewer, row.element_id))
        .order_by(Element.code)
    )  # fmt: skip
    return tuple(session.scalars(query))


def _own_equipment(viewer: Viewer, element_id: Any) -> ColumnElement[bool]:
    """Whether equipment lies in the viewer's territory."""
    if viewer.districts is None:
        return true()
    own = select(EquipmentState.element_id).where(in_territory(viewer, EquipmentState.district_id))
    condition: ColumnElement[bool] = element_id.in_(own)
    return condition
