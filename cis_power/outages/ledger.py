"""Writes what the engine found: memberships and the interruption ledger. Rows are superseded, never overwritten."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, Table, or_, select, update
from sqlalchemy.orm import Session

from cis_power.core.db import bulk_insert, chunked
from cis_power.network.models import SwitchPosition
from cis_power.outages.entries import instant
from cis_power.outages.harvest import OPEN, Harvest, SpellRows
from cis_power.outages.models import (
    ConnectionLoss,
    Interruption,
    InterruptionPhase,
    Outage,
    OutageMember,
    OutageState,
    OutageTransformer,
    UnsuppliedPoint,
)
from cis_power.outages.restatement import LockedMonths, Restating
from cis_power.outages.state import OutageFacts, PositionSpell

Row = dict[str, Any]
Part = tuple[int, datetime, datetime | None]


@dataclass(frozen=True, slots=True)
class Writing:
    """One act of writing: its session, its time of knowledge, and from when a replay began (else `None`)."""

    session: Session
    now: datetime
    replayed_from: datetime | None


@dataclass(frozen=True, slots=True)
class SpellTable:
    """A table of spells: whose they are, and the columns in which the engine's word counts."""

    table: Table
    subject: str
    ended: str
    compared: tuple[str, ...]


MEMBERS = SpellTable(OutageMember.__table__, "usage_point_id", "ended_at",  # type: ignore[arg-type]
                     ("usage_point_id", "outage_id", "began_at", "ended_at", "phases_out", "fully_out"))  # fmt: skip
TRANSFORMERS = SpellTable(OutageTransformer.__table__, "element_id", "ended_at",  # type: ignore[arg-type]
                          ("element_id", "outage_id", "began_at", "ended_at", "phases_out"))  # fmt: skip
LINKS = SpellTable(ConnectionLoss.__table__, "connection_id", "ended_at",  # type: ignore[arg-type]
                   ("connection_id", "device_id", "began_at", "ended_at", "phases_out"))  # fmt: skip
ISLANDS = SpellTable(UnsuppliedPoint.__table__, "usage_point_id", "ended_at",  # type: ignore[arg-type]
                     ("usage_point_id", "began_at", "ended_at"))  # fmt: skip
LEDGER = SpellTable(Interruption.__table__, "usage_point_id", "restored_at",  # type: ignore[arg-type]
                    ("usage_point_id", "outage_id", "began_at", "restored_at", "phases", "began_earliest_at",
                     "began_latest_at", "step"))  # fmt: skip
POSITIONS = SpellTable(SwitchPosition.__table__, "element_id", "ended_at",  # type: ignore[arg-type]
                       ("element_id", "open_phases", "origin", "began_at", "ended_at"))  # fmt: skip


def write_spells(
    writing: Writing, harvest: Harvest, outages: list[OutageFacts], states: dict[str, OutageState], locks: LockedMonths
) -> None:
    """Bring the spell tables to what the engine found. `states` has the state of each outage by key."""
    moment = _Instants()
    frozen = set(writing.session.scalars(select(Outage.id).where(Outage.frozen)))
    found = [states[facts.key].outage_id if facts.key in states else 0 for facts in outages]
    ids = np.array([0 if key in frozen else key for key in found], np.int64)
    members_kept = _of_known_outages(harvest.members, ids)

    def plain(rows: SpellRows, subject: str) -> Row:
        columns = rows.columns
        return {
            subject: columns["subject"].tolist(), "outage_id": ids[columns["outage"].astype(np.int64)].tolist(),
            "phases_out": columns["mask"].tolist(), "began_at": moment.of(columns["began"]),
            "ended_at": moment.of(columns["ended"]),
        }  # fmt: skip

    members = plain(members_kept, "usage_point_id")
    members["fully_out"] = members_kept.columns["full"].tolist()
    _bring(writing, MEMBERS, members, harvest.members.stale, OutageMember.outage_id.not_in(frozen))
    transformers = plain(_of_known_outages(harvest.transformers, ids), "element_id")
    _bring(writing, TRANSFORMERS, transformers, harvest.transformers.stale, OutageTransformer.outage_id.not_in(frozen))
    links = plain(harvest.links, "connection_id")
    links.pop("outage_id")
    links["device_id"] = [outages[number].device for number in harvest.links.columns["outage"].tolist()]
    _bring(writing, LINKS, links, harvest.links.stale)
    islands = harvest.islands.columns
    dark = {"usage_point_id": islands["subject"].tolist(), "began_at": moment.of(islands["began"]),
            "ended_at": moment.of(islands["ended"])}  # fmt: skip
    _bring(writing, ISLANDS, dark, harvest.islands.stale)
    known = [states.get(facts.key) if key else None for facts, key in zip(outages, ids.tolist(), strict=True)]
    also = (Interruption.source == "engine") & Interruption.outage_id.not_in(frozen)
    _write_ledger(writing, harvest, _of_known_outages(harvest.interruptions, ids), known, moment, locks, also)
    _write_positions(writing, harvest.positions, harvest.repositioned)


def _of_known_outages(rows: SpellRows, ids: np.ndarray) -> SpellRows:
    """Rows without those of outages that are not to be written (key 0)."""
    kept = ids[rows.columns["outage"].astype(np.int64)] != 0
    return SpellRows({name: values[kept] for name, values in rows.columns.items()}, rows.stale)


def _write_ledger(
    writing: Writing, harvest: Harvest, of_ledger: SpellRows, states: list[OutageState | None], moment: "_Instants",
    locks: LockedMonths, also: ColumnElement[bool],
) -> None:  # fmt: skip
    columns = of_ledger.columns
    numbers = columns["outage"].tolist()

    def said(name: str) -> list[Any]:
        by_number = [getattr(state, name) if state else None for state in states]
        return [by_number[number] for number in numbers]

    rows = {
        "outage_id": said("outage_id"), "usage_point_id": columns["subject"].tolist(),
        "customers": [1] * len(numbers), "step": columns["step"].tolist(), "began_at": moment.of(columns["began"]),
        "began_earliest_at": moment.of(columns["earliest"]), "began_latest_at": moment.of(columns["latest"]),
        "restored_at": moment.of(columns["ended"]), "phases": columns["mask"].tolist(),
        "operations": [1] * len(numbers), "source": ["engine"] * len(numbers),
    }  # fmt: skip
    rows |= {name: said(name) for name in (
        "kind", "sub_kind", "responsibility", "cause_code", "device_id", "device_code", "feeder_id",
    )}  # fmt: skip
    parts = None
    if writing.replayed_from is not None:
        began = columns["began"].tolist()
        parts = [_parts(harvest.phases.get(key, ())) for key in zip(columns["subject"].tolist(), began, strict=True)]
    restating = None if writing.replayed_from is None else Restating(writing.session, writing.now, locks)
    _bring(writing, LEDGER, rows, of_ledger.stale, also, restating, parts)
    _write_phases(writing, harvest, moment)


def _parts(parts: Iterable[list[int | None]]) -> tuple[Part, ...]:
    """The parts of one interruption as they are stored."""
    return tuple(
        (mask, instant(began), None if ended is None else instant(ended))
        for mask, began, ended in parts
        if mask is not None and began is not None
    )


def _stored_parts(session: Session, interruptions: list[int]) -> dict[int, tuple[Part, ...]]:
    """The stored parts of interruptions, in order."""
    found: dict[int, tuple[Part, ...]] = {}
    child = InterruptionPhase
    for some in chunked(interruptions, 5_000):
        query = select(child).where(child.interruption_id.in_(some)).order_by(child.interruption_id, child.began_at)
        for row in session.scalars(query):
            found[row.interruption_id] = (*found.get(row.interruption_id, ()), (row.phases, row.began_at, row.ended_at))
    return found


def _write_phases(writing: Writing, harvest: Harvest, moment: "_Instants") -> None:
    """Child rows of the interruptions that were not always complete."""
    if not harvest.phases:
        return
    ids: dict[tuple[int, datetime], int] = {}
    for part in chunked({point for point, _began in harvest.phases}, 5_000):
        rows = writing.session.execute(
            select(Interruption.usage_point_id, Interruption.began_at, Interruption.id).where(
                Interruption.usage_point_id.in_(part), Interruption.superseded_at.is_(None),
                Interruption.source == "engine",
            )
        )  # fmt: skip
        ids |= {(point, began): key for point, began, key in rows if point is not None}
    told: set[int] = set()
    for some in chunked(ids.values(), 5_000):
        told |= set(writing.session.scalars(
            select(InterruptionPhase.interruption_id).where(InterruptionPhase.interruption_id.in_(some))
        ))  # fmt: skip
    children = [
        (ids[point, instant(began)], *part)
        for (point, began), parts in harvest.phases.items()
        if (point, instant(began)) in ids and ids[point, instant(began)] not in told
        for part in parts
    ]
    if children:
        parent, mask, began, ended = zip(*children, strict=True)
        bulk_insert(writing.session, InterruptionPhase.__table__, {  # type: ignore[arg-type]
            "interruption_id": parent, "phases": mask, "began_at": [instant(at) for at in began if at is not None],
            "ended_at": [None if at is None else instant(at) for at in ended],
        })  # fmt: skip


def _write_positions(writing: Writing, spells: list[PositionSpell], moved: list[int]) -> None:
    rows = {
        "element_id": [spell.device for spell in spells], "open_phases": [spell.open_mask for spell in spells],
        "origin": [spell.origin for spell in spells], "began_at": [instant(spell.began) for spell in spells],
        "ended_at": [None if spell.ended is None else instant(spell.ended) for spell in spells],
    }  # fmt: skip
    _bring(writing, POSITIONS, rows, np.array(moved, np.int64))


def _bring(
    writing: Writing, spells: SpellTable, rows: Row, stale: np.ndarray, also: ColumnElement[bool] | None = None,
    restating: Restating | None = None, parts: list[tuple[Part, ...]] | None = None,
) -> None:  # fmt: skip
    """Supersede what is no longer true and insert what is new.

    Going forward the engine knows which open rows went stale. After a replay all rows that reach into the replayed time
    are compared with what the replay brought; only differences are written. `parts`: those of each interruption.
    """
    if writing.replayed_from is None:
        _supersede_open(writing, spells, stale.tolist(), also)
        _insert(writing, spells, rows)
        return
    columns = spells.table.c
    query = select(columns.id, *(columns[name] for name in spells.compared)).where(
        columns.superseded_at.is_(None),
        or_(columns[spells.ended].is_(None), columns[spells.ended] >= writing.replayed_from),
        *([] if also is None else [also]),
    )
    found = writing.session.execute(query).all()
    told = {} if parts is None else _stored_parts(writing.session, [row[0] for row in found])
    old = {(*row[1:], told.get(row[0], ())): row[0] for row in found}
    these = zip(*(rows[name] for name in spells.compared), parts or [()] * len(rows[spells.subject]), strict=True)
    new = {key: place for place, key in enumerate(these)}
    gone, come = [key for key in old if key not in new], [key for key in new if key not in old]
    if restating is not None:
        place = spells.compared.index("began_at")
        gone, come = restating.divert(gone, come, place, spells.compared)
    for ids in chunked([old[key] for key in gone], 5_000):
        writing.session.execute(update(spells.table).where(columns.id.in_(ids)).values(superseded_at=writing.now))
    places = [new[key] for key in come]
    _insert(writing, spells, {name: [values[place] for place in places] for name, values in rows.items()})


def _supersede_open(
    writing: Writing, spells: SpellTable, subjects: Iterable[int], also: ColumnElement[bool] | None
) -> None:
    columns = spells.table.c
    for part in chunked(subjects, 5_000):
        writing.session.execute(
            update(spells.table)
            .where(columns[spells.subject].in_(part), columns.superseded_at.is_(None),
                   columns[spells.ended].is_(None), *([] if also is None else [also]))
            .values(superseded_at=writing.now)
        )  # fmt: skip


def _insert(writing: Writing, spells: SpellTable, rows: Row) -> None:
    count = len(rows[spells.subject])
    if count:
        bulk_insert(writing.session, spells.table, rows | {"recorded_at": [writing.now] * count})


class _Instants:
    """Instants of microseconds, each made once; `OPEN` is `None`."""

    def __init__(self) -> None:
        self._known: dict[int, datetime | None] = {int(OPEN): None}

    def of(self, values: np.ndarray) -> list[datetime | None]:
        known = self._known
        for value in np.unique(values).tolist():
            if value not in known:
                known[value] = instant(value)
        return [known[value] for value in values.tolist()]


