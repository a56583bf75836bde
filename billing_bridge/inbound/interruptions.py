"""Posting interruptions of past years, or of another system, into the ledger."""

from collections.abc import Iterable
from typing import Any, cast

from sqlalchemy import Table, func, select, update
from sqlalchemy.orm import Session

from cis_power.core.batches import Outcome, Posting
from cis_power.core.db import bulk_insert, chunked
from cis_power.core.layouts import Row, Rows
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
        self._rows, self._outcome = list(rows), Outcome(rows)
        self._points = usage_point_keys(session, (row["usage_point"] for row in self._rows if row["usage_point"]))
        self._locks = LockedMonths.of(session, posting.zone)
        self._devices = _devices(session, {row["device"] for row in self._rows if row["device"]})
        self._causes = set(session.scalars(select(Code.code).where(Code.kind == "cause")))
        self._fresh: list[dict[str, Any]] = []
        self._stale: list[int] = []

    def post(self) -> Outcome:
        good = [(place, row) for place, row in enumerate(self._rows) if self._is_good(place, row)]
        outages = self._outages({row["outage_no"] for _, row in good})
        known = self._known(set(outages.values()))
        touched: set[int] = set()
        for place, row in good:
            outage_id = outages.get(row["outage_no"])
            if outage_id is None:
                message = f"outage {row['outage_no']!r} is one of our own and takes no imported rows"
                self._outcome.reject(place, "own_outage", message, "outage_no")
            elif self._post_row(place, self._values(row, outage_id), known):
                touched.add(outage_id)
        self._write()
        _write_states(self._session, touched, self._posting)
        return self._outcome

    def _is_good(self, place: int, row: Row) -> bool:
        code = row["usage_point"]
        if code is not None and code not in self._points:
            self._outcome.reject(place, "unknown_usage_point", f"usage point {code!r} is not known", "usage_point")
            return False
        if self._locks.month(row["began_at"]) is not None:
            self._outcome.reject(place, "locked_month", "the month is locked: reopen it first", "began_at")
            return False
        if row["began_at"] > self._posting.now:
            self._outcome.warn(place, "in_the_future", "the interruption begins in the future", "began_at")
        warned = self._posting.memory.setdefault("causes", set())
        if row["cause"] is not None and row["cause"] not in self._causes and row["cause"] not in warned:
            warned.add(row["cause"])
            self._outcome.warn(place, "unknown_cause", f"cause {row['cause']!r} is not in the code table", "cause")
        return True

    def _values(self, row: Row, outage_id: int) -> dict[str, Any]:
        point_id = self._points.get(row["usage_point"])
        device_id, feeder_id = self._devices.get(row["device"], (None, None))
        return {
            "outage_id": outage_id,
            "usage_point_id": point_id,
            "customers": row["customers"] if point_id is None else 1,
            "step": row["step"],
            "began_at": row["began_at"],
            "restored_at": row["restored_at"],
            "kind": row["kind"],
            "sub_kind": row["sub_kind"],
            "responsibility": row["responsibility"],
            "cause_code": row["cause"],
            "device_id": device_id,
            "device_code": row["device"],
            "feeder_id": feeder_id,
            "phases": row["phases"] or ALL_PHASES,
            "operations": row["operations"],
            "event_no": row["event_no"],
            "connected_kva": row["connected_kva"],
        }

    def _post_row(self, place: int, values: dict[str, Any], known: dict[_Identity, tuple[int, dict[str, Any]]]) -> bool:
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
        self._fresh.append(values)
        return True

    def _outages(self, numbers: set[str]) -> dict[str, int]:
        """Keys by number, made where they are new; our own outages are left out."""
        found: dict[str, int] = {}
        own: set[str] = set()
        for part in chunked(sorted(numbers), _CHUNK):
            for code, key, imported in self._session.execute(
                select(Outage.code, Outage.id, Outage.imported).where(Outage.code.in_(part))
            ):
                found[code] = key
                if not imported:
                    own.add(code)
        fresh = [
            Outage(code=code, imported=True, created_at=self._posting.now) for code in sorted(numbers - found.keys())
        ]
        self._session.add_all(fresh)
        self._session.flush()
        found |= {outage.code: outage.id for outage in fresh}
        return {code: key for code, key in found.items() if code not in own}

    def _known(self, outage_ids: set[int]) -> dict[_Identity, tuple[int, dict[str, Any]]]:
        """Imported rows that count now and may be those of the file, by identity."""
        found: dict[_Identity, tuple[int, dict[str, Any]]] = {}
        columns = [getattr(Interruption, name) for name in _FIELDS]
        query = select(Interruption.id, *columns).where(
            Interruption.superseded_at.is_(None), Interruption.source == SOURCE
        )
        points = list(chunked(sorted(set(self._points.values())), _CHUNK))
        whose = [Interruption.usage_point_id.is_(None), *(Interruption.usage_point_id.in_(part) for part in points)]
        for part in chunked(sorted(outage_ids), _CHUNK):
            for criterion in whose:
                for key, *row in self._session.execute(query.where(Interruption.outage_id.in_(part), criterion)):
                    values = dict(zip(_FIELDS, row, strict=True))
                    found[_identity(values)] = (key, values)
        return found

    def _write(self) -> None:
        for part in chunked(self._stale, _CHUNK):
            self._session.execute(
                update(Interruption).where(Interruption.id.in_(part)).values(superseded_at=self._posting.now)
            )
        if not self._fresh:
            return
        columns: dict[str, list[Any]] = {name: [values[name] for values in self._fresh] for name in _FIELDS}
        count = len(self._fresh)
        columns |= {
            "source": [SOURCE] * count,
            "batch_id": [self._posting.batch_id] * count,
            "recorded_at": [self._posting.now] * count,
        }
        bulk_insert(self._session, cast(Table, Interruption.__table__), columns)


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
