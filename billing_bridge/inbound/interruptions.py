"""Posting interruptions of past years, or of another system, into the ledger."""

from collections.abc import Iterable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import Session

from cis_power.core.batches import Outcome, Posting
from cis_power.core.columns import Coded, Values, aware, combined, instants, numbers, optional, plain, taken
from cis_power.core.db import among, bulk_insert, chunked
from cis_power.core.layouts import Rows
from cis_power.core.models import Code
from cis_power.core.phases import ALL_PHASES
from cis_power.customers.keys import usage_point_keys
from cis_power.network.models import Element, EquipmentState, NetworkVersion
from cis_power.outages.models import Interruption, Outage, OutageState
from cis_power.outages.restatement import LockedMonths

SOURCE = "import"
_CHUNK = 5_000
_FIELDS = (
    "outage_id", "usage_point_id", "customers", "step", "began_at", "restored_at", "kind", "sub_kind", "responsibility",
    "cause_code", "device_id", "device_code", "feeder_id", "phases", "operations", "event_no", "connected_kva",
)  # fmt: skip
_Identity = tuple[Any, ...]


def post(session: Session, rows: Rows, posting: Posting) -> Outcome:
    """Make outages and their interruptions; a row that comes again changed takes the place of the former one."""
    return _InterruptionRows(session, rows, posting).post()


class _InterruptionRows:
    def __init__(self, session: Session, rows: Rows, posting: Posting) -> None:
        self._session, self._posting = session, posting
        self._rows, self._outcome = rows, Outcome(rows)
        self._began = instants(rows.column("began_at"))
        self._points = Coded.of(rows.column("usage_point")).compact()
        codes = [code for code in self._points.values if code is not None]
        self._point_ids = self._points.looked_up(usage_point_keys(session, codes))
        self._numbers = Coded.of(rows.column("outage_no")).compact()
        self._stale: list[int] = []

    def post(self) -> Outcome:
        good = self._good()
        numbers = self._numbers
        wanted = {numbers.values[code] for code in np.unique(numbers.codes[good]).tolist()}
        outages, before = self._outages(wanted)
        outage_ids = numbers.looked_up(outages)
        for place in np.flatnonzero(good & (outage_ids == 0)).tolist():
            message = f"outage {numbers[place]!r} is one of our own and takes no imported rows"
            self._outcome.reject(place, "own_outage", message, "outage_no")
        good &= outage_ids != 0
        columns = self._columns(outage_ids)
        fresh = self._fresh(columns, good, np.isin(outage_ids, list(before)), before)
        self._write(columns, fresh)
        changed = fresh | np.isin(outage_ids, list(self._touched))
        _write_states(self._session, set(np.unique(outage_ids[changed & good]).tolist()), self._posting)
        return self._outcome

    def _good(self) -> NDArray[np.bool_]:
        named = self._points.holds(lambda code: code is not None)
        good: NDArray[np.bool_] = ~named | (self._point_ids != 0)
        for place in np.flatnonzero(~good).tolist():
            message = f"usage point {self._points[place]!r} is not known"
            self._outcome.reject(place, "unknown_usage_point", message, "usage_point")
        locks = LockedMonths.of(self._session, self._posting.zone)
        for place in np.flatnonzero(good).tolist() if locks.months else ():
            began_at = aware(self._began[place])
            if began_at is not None and locks.month(began_at) is not None:
                good[place] = False
                self._outcome.reject(place, "locked_month", "the month is locked: reopen it first", "began_at")
        for place in np.flatnonzero(good & (self._began > instants([self._posting.now])[0])).tolist():
            self._outcome.warn(place, "in_the_future", "the interruption begins in the future", "began_at")
        self._warn_of_causes(good)
        return good

    def _warn_of_causes(self, good: NDArray[np.bool_]) -> None:
        """One warning a cause that the code table does not have."""
        warned = self._posting.memory.setdefault("causes", set())
        known = set(self._session.scalars(select(Code.code).where(Code.kind == "cause")))
        causes = Coded.of(self._rows.column("cause"))
        codes, first = np.unique(causes.codes[good], return_index=True)
        places = np.flatnonzero(good)
        for code, spot in zip(codes.tolist(), first.tolist(), strict=True):
            cause = causes.values[code]
            if cause is not None and cause not in known and cause not in warned:
                warned.add(cause)
                message = f"cause {cause!r} is not in the code table"
                self._outcome.warn(int(places[spot]), "unknown_cause", message, "cause")

    def _columns(self, outage_ids: NDArray[np.int64]) -> dict[str, Values]:
        """What the rows say, as the table's columns."""
        rows, device = self._rows, Coded.of(self._rows.column("device")).compact()
        devices = _devices(self._session, {code for code in device.values if code is not None})
        named = self._point_ids != 0
        told = {name: Coded.of(rows.column(name)) for name in ("kind", "sub_kind", "responsibility", "event_no")}
        phases = Coded.of(rows.column("phases"))
        customers = rows.plain("customers") if not named.all() else []
        return {
            **told,
            "outage_id": outage_ids,
            "usage_point_id": self._point_ids if named.all() else [key or None for key in self._point_ids.tolist()],
            "customers": Coded.same(1, len(rows)) if named.all() else np.where(named, 1, _whole(customers)),
            "step": _whole(rows.column("step")),
            "began_at": self._began,
            "restored_at": instants(rows.column("restored_at")),
            "cause_code": Coded.of(rows.column("cause")),
            "device_id": Coded(device.codes, [devices.get(code, (None, None))[0] for code in device.values]),
            "device_code": device,
            "feeder_id": Coded(device.codes, [devices.get(code, (None, None))[1] for code in device.values]),
            "phases": Coded(phases.codes, [mask or ALL_PHASES for mask in phases.values]),
            "operations": _whole(rows.column("operations")),
            "connected_kva": optional(numbers(rows.column("connected_kva"))),
        }

    def _fresh(
        self, columns: dict[str, Values], good: NDArray[np.bool_], seen: NDArray[np.bool_], before: set[int]
    ) -> NDArray[np.bool_]:
        """Which rows are to be inserted: all that are good, but for those that are there already.

        Rows that may be so are looked at one by one: of outages that were there before, unnamed, or told twice.
        """
        self._touched: set[int] = set()
        fresh = good.copy()
        suspects = good & (seen | (self._point_ids == 0) | self._doubled(columns))
        if not suspects.any():
            return fresh
        known = self._known(before)
        plainly = {name: plain(columns[name]) for name in _FIELDS}
        for place in np.flatnonzero(suspects).tolist():
            values = {name: column[place] for name, column in plainly.items()}
            fresh[place] = self._is_fresh(place, values, known)
        return fresh

    def _doubled(self, columns: dict[str, Values]) -> NDArray[np.bool_]:
        """Rows of which there is another with the same outage, step, usage point and beginning."""
        if not len(self._began):
            return np.zeros(0, np.bool_)
        parts = [np.asarray(columns["outage_id"]), np.asarray(columns["step"]), self._point_ids]
        key = combined([*parts, self._began.astype(np.int64)])
        _, inverse, counts = np.unique(key, return_inverse=True, return_counts=True)
        found: NDArray[np.bool_] = counts[inverse] > 1
        return found

    def _is_fresh(self, place: int, values: dict[str, Any], known: dict[_Identity, tuple[int, dict[str, Any]]]) -> bool:
        identity = _identity(values)
        before = known.get(identity)
        if before is None:
            known[identity] = (0, values)
        elif before[1] == values:
            self._outcome.unchanged(place)
            return False
        elif before[0] == 0:
            self._outcome.reject(place, "doubled_key", "an earlier row says otherwise of this interruption", "began_at")
            return False
        else:
            self._stale.append(before[0])
            known[identity] = (0, values)
        self._touched.add(values["outage_id"])
        return True

    def _outages(self, numbers: set[str]) -> tuple[dict[str, int], set[int]]:
        """Keys by number, made where they are new, and which of them were there; our own outages are left out."""
        found: dict[str, int] = {}
        own: set[str] = set()
        for part in chunked(sorted(numbers), _CHUNK):
            query = select(Outage.code, Outage.id, Outage.imported).where(among(self._session, Outage.code, part))
            for code, key, imported in self._session.execute(query):
                found[code] = key
                if not imported:
                    own.add(code)
        before = set(found.values())
        fresh = sorted(numbers - found.keys())
        bulk_insert(self._session, cast(Table, Outage.__table__), {
            "code": fresh, "imported": [True] * len(fresh), "frozen": [False] * len(fresh),
            "created_at": Coded.same(self._posting.now, len(fresh)),
        })  # fmt: skip
        for part in chunked(fresh, _CHUNK):
            made = select(Outage.code, Outage.id).where(among(self._session, Outage.code, part))
            found.update(self._session.execute(made).all())
        return {code: key for code, key in found.items() if code not in own}, before

    def _known(self, outage_ids: set[int]) -> dict[_Identity, tuple[int, dict[str, Any]]]:
        """Imported rows that count now and may be those of the file, by identity."""
        found: dict[_Identity, tuple[int, dict[str, Any]]] = {}
        columns = [getattr(Interruption, name) for name in _FIELDS]
        query = select(Interruption.id, *columns).where(
            Interruption.superseded_at.is_(None), Interruption.source == SOURCE
        )
        points = list(chunked(np.unique(self._point_ids[self._point_ids != 0]).tolist(), _CHUNK))
        whose = [
            Interruption.usage_point_id.is_(None),
            *(among(self._session, Interruption.usage_point_id, part) for part in points),
        ]
        for part in chunked(sorted(outage_ids), _CHUNK):
            for criterion in whose:
                for key, *row in self._session.execute(query.where(Interruption.outage_id.in_(part), criterion)):
                    values = dict(zip(_FIELDS, row, strict=True))
                    found[_identity(values)] = (key, values)
        return found

    def _write(self, columns: dict[str, Values], fresh: NDArray[np.bool_]) -> None:
        for part in chunked(self._stale, _CHUNK):
            self._session.execute(
                update(Interruption).where(Interruption.id.in_(part)).values(superseded_at=self._posting.now)
            )
        places = np.flatnonzero(fresh)
        if not len(places):
            return
        kept = columns if fresh.all() else {name: taken(values, places) for name, values in columns.items()}
        count = len(places)
        also = {
            "source": Coded.same(SOURCE, count),
            "batch_id": Coded.same(self._posting.batch_id, count),
            "recorded_at": Coded.same(self._posting.now, count),
        }
        bulk_insert(self._session, cast(Table, Interruption.__table__), {**kept, **also})


def _whole(column: Values) -> NDArray[np.int64]:
    """Whole numbers; what is absent counts 0."""
    found: NDArray[np.int64] = np.nan_to_num(numbers(column)).astype(np.int64)
    return found


def _identity(values: dict[str, Any]) -> _Identity:
    """What makes an interruption the same one: unnamed customers are told apart by everything that is known of them."""
    names: Iterable[str] = ("outage_id", "step", "usage_point_id", "began_at")
    if values["usage_point_id"] is None:
        names = (*names, "restored_at", "customers", "device_code", "connected_kva")
    return tuple(values[name] for name in names)


def _devices(session: Session, codes: set[str]) -> dict[str | None, tuple[int, int | None]]:
    """(element, normal feeder in the newest version) of the devices that the network knows."""
    newest = select(func.max(NetworkVersion.id)).where(NetworkVersion.activated_at.is_not(None)).scalar_subquery()
    found: dict[str | None, tuple[int, int | None]] = {}
    for part in chunked(sorted(codes), _CHUNK):
        query = (
            select(Element.code, Element.id, EquipmentState.feeder_id)
            .outerjoin(
                EquipmentState, (EquipmentState.element_id == Element.id) & (EquipmentState.version_id == newest)
            )
            .where(Element.kind == "equipment", Element.code.in_(part))
        )
        found.update({code: (key, feeder_id) for code, key, feeder_id in session.execute(query)})
    return found


def _write_states(session: Session, outage_ids: set[int], posting: Posting) -> None:
    """Bring the states of imported outages to what their rows say now."""
    for part in chunked(sorted(outage_ids), _CHUNK):
        present = select(OutageState).where(OutageState.outage_id.in_(part), OutageState.superseded_at.is_(None))
        before = {state.outage_id: state for state in session.scalars(present)}
        for outage_id, told in _told(session, part).items():
            state = before.get(outage_id)
            if state is not None:
                if all(getattr(state, name) == value for name, value in told.items()):
                    continue
                state.superseded_at = posting.now
            session.add(
                OutageState(
                    outage_id=outage_id,
                    **told,
                    probability=1.0,
                    review_state="open",
                    recorded_at=posting.now,
                    recorded_by=posting.who,
                )
            )
    session.flush()


_OF_FIRST = (
    "kind", "sub_kind", "device_id", "device_code", "feeder_id", "responsibility", "cause_code",
)  # fmt: skip


def _told(session: Session, outage_ids: list[int]) -> dict[int, dict[str, Any]]:
    """What all rows of outages say together; the first row tells what is not a matter of time or phase."""
    row = Interruption
    counts = row.outage_id.in_(outage_ids), row.superseded_at.is_(None)
    sums = select(
        row.outage_id, func.min(row.began_at), func.max(row.restored_at), func.count(), func.count(row.restored_at),
        func.min(row.id),
    ).where(*counts).group_by(row.outage_id)  # fmt: skip
    told: dict[int, dict[str, Any]] = {}
    first_rows: dict[int, int] = {}
    for outage_id, began_at, restored_at, rows, restored, first in session.execute(sums):
        status = "restored" if restored == rows else "partially_restored" if restored else "confirmed"
        end = restored_at if restored == rows else None
        told[outage_id] = {"status": status, "began_at": began_at, "restored_at": end, "open_phases": 0}
        first_rows[first] = outage_id
    for outage_id, phases in session.execute(select(row.outage_id, row.phases).where(*counts).distinct()):
        told[outage_id]["open_phases"] |= phases
    names = [getattr(row, name) for name in _OF_FIRST]
    for key, *values in session.execute(select(row.id, *names).where(row.id.in_(first_rows))):
        told[first_rows[key]].update(zip(_OF_FIRST, values, strict=True))
    return told
