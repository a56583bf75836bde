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
from cis_power.outages.call_counts import NO_CALL, called
from cis_power.outages.evidence import device_evidence
from cis_power.outages.freshness import last_known
from cis_power.outages.heirs import families
from cis_power.outages.knowledge import Moment
from cis_power.outages.models import Outage, OutageState, OutageTransformer, RestorationEstimate
from cis_power.outages.records import Estimate, OutageDetail, OutageRecord

MAY_READ = ("outages:outage:read", "outages:count:read")
CANCELLED = "cancelled"
NOBODY = dict.fromkeys(("affected", "out", "partial", "priority"), 0)
_OVER = ("restored", CANCELLED)


@dataclass(frozen=True, slots=True)
class OutageFilter:
    """Which outages a list has. Default: open ones. `from_at`, `to_at`: those that began in [from, to).

    `before`: behind this position, newest first.
    """

    everything: bool = False
    from_at: datetime | None = None
    to_at: datetime | None = None
    kind: str | None = None
    feeder: str | None = None
    status: str | None = None
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
    query = _filtered(_states(viewer, moment), wanted, moment)
    if wanted.before is not None:
        began, key = wanted.before
        query = query.where(or_(state.began_at < began, and_(state.began_at == began, state.outage_id < key)))
    rows = session.execute(query.order_by(state.began_at.desc(), state.outage_id.desc()).limit(wanted.limit)).all()
    records = _records(session, viewer, rows, moment)
    listed = [(record, (row[0].began_at, row[0].outage_id)) for record, row in zip(records, rows, strict=True)]
    if wanted.only_open:
        listed.sort(key=lambda pair: weight(pair[0]))
    return listed


@dataclass(frozen=True, slots=True)
class Board:
    """The open outages: how many there are, what they put out, and a part of them in the order of their weight."""

    outages: int
    out: int
    partial: int
    priority: int
    hazards: int
    rows: tuple[OutageRecord, ...]
    more: bool


def read_board(
    session: Session, viewer: Viewer, now: datetime, wanted: OutageFilter | None = None, *, after: int = 0,
    limit: int = 50,
) -> Board:  # fmt: skip
    """The open outages by hazards, priority users and size; those behind the first `after`, at most `limit`."""
    _require(viewer)
    moment = Moment.of(now)
    states = _filtered(_states(viewer, moment), wanted or OutageFilter(), moment).with_only_columns(
        OutageState.outage_id, OutageState.began_at
    )
    began: dict[int, datetime] = dict(session.execute(states).all())
    numbers, calls = counts(session, viewer, list(began), moment), called(session, viewer, list(began), moment)

    def place(outage: int) -> tuple[int, int, int, datetime]:
        own = numbers.get(outage, NOBODY)
        return -calls.get(outage, NO_CALL).hazards, -own["priority"], -own["out"], began[outage]

    chosen = sorted(began, key=place)[after : after + limit]
    rows = session.execute(_states(viewer, moment).where(OutageState.outage_id.in_(chosen))).all()
    records = {
        row[0].outage_id: record for row, record in zip(rows, _records(session, viewer, rows, moment), strict=True)
    }
    sums = {name: sum(own[name] for own in numbers.values()) for name in NOBODY}
    return Board(
        len(began), sums["out"], sums["partial"], sums["priority"], sum(found.hazards for found in calls.values()),
        tuple(records[outage] for outage in chosen if outage in records), len(began) > after + limit,
    )  # fmt: skip


def weight(record: OutageRecord) -> tuple[int, int, int, datetime]:
    """Sorts what must be looked at first to the front: hazards, priority users, size, age."""
    return -record.hazards, -record.priority_customers_out, -record.customers_out, record.began_at


def restored_since(session: Session, viewer: Viewer, now: datetime, since: datetime, *, limit: int = 10) -> list[str]:
    """Outages of which it became known after an instant that they are over, the latest first."""
    _require(viewer)
    moment = Moment.of(now)
    query = (
        _states(viewer, moment)
        .where(OutageState.status.in_(_OVER), OutageState.recorded_at > since, OutageState.recorded_by != "import")
        .order_by(OutageState.recorded_at.desc())
        .limit(limit)
    )
    return [outage.code for _state, outage, _feeder in session.execute(query) if not outage.imported]


def _filtered(query: Any, wanted: OutageFilter, moment: Moment) -> Any:
    state = OutageState
    query = query.where(state.began_at <= moment.about)
    if wanted.only_open:
        over = and_(state.restored_at.is_not(None), state.restored_at <= moment.about)
        query = query.where(~func.coalesce(over, False), state.status != CANCELLED)
    if wanted.from_at is not None:
        query = query.where(state.began_at >= wanted.from_at)
    if wanted.to_at is not None:
        query = query.where(state.began_at < wanted.to_at)
    if wanted.kind is not None:
        query = query.where(state.kind == wanted.kind)
    if wanted.status is not None:
        query = query.where(state.status == wanted.status)
    if wanted.feeder is not None:
        query = query.where(state.feeder_id.in_(select(Element.id).where(Element.code == wanted.feeder)))
    return query


def read_outage(
    session: Session, viewer: Viewer, outage_id: str, now: datetime, *,
    at: datetime | None = None, as_of: datetime | None = None,
) -> OutageDetail:  # fmt: skip
    """One outage with its transformers; a former one is the one that took its place. NotFound: foreign or missing."""
    _require(viewer)
    moment = Moment.of(now, at, as_of)
    rows = [_named(session, viewer, outage_id, moment)]
    (record,) = _records(session, viewer, rows, moment)
    return OutageDetail(record, _transformers(session, viewer, rows[0][0].outage_id, moment))


def missing_outage(outage_id: str) -> NotFound:
    return NotFound(f"there is no outage {outage_id!r}")


def find_state(session: Session, viewer: Viewer, outage_id: str, moment: Moment) -> OutageState:
    """The state of an outage that the viewer may see (or of the one that took its place), else NotFound."""
    state: OutageState = _named(session, viewer, outage_id, moment)[0]
    return state


def _named(session: Session, viewer: Viewer, outage_id: str, moment: Moment) -> Any:
    heir = select(Outage.heir_id).where(Outage.code == outage_id).scalar_subquery()
    for named in (Outage.code == outage_id, Outage.id == heir):
        row = session.execute(_states(viewer, moment).where(named)).first()
        if row is not None:
            return row
    raise missing_outage(outage_id)


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
    calls, known = called(session, viewer, ids, moment), last_known(session, viewer, rows, moment)
    answer = []
    for state, outage, feeder in rows:
        mine, all_of_them = own.get(state.outage_id, NOBODY), whole.get(state.outage_id, NOBODY)
        told = calls.get(state.outage_id, NO_CALL)
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
            calls=told.calls, hazards=told.hazards, changed_at=known[state.outage_id], recorded_at=outage.created_at,
        ))  # fmt: skip
    return answer


def estimates(session: Session, outages: Sequence[int], moment: Moment) -> dict[int, Estimate]:
    """The latest estimate of restoration of each outage that had one."""
    row, present = RestorationEstimate, families(session, outages)
    query = (
        select(row)
        .where(row.outage_id.in_(present), row.recorded_at <= moment.known_at,
               or_(row.withdrawn_at.is_(None), row.withdrawn_at > moment.known_at))
        .order_by(row.recorded_at, row.id)
    )  # fmt: skip
    return {
        present[one.outage_id]: Estimate(one.earliest_at, one.latest_at, one.source) for one in session.scalars(query)
    }


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
