"""What one pass changes: new rows, changed fields with their history, conflicts; gathered, then written at once."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from cis_power.core.db import Base, bulk_insert, bulk_upsert
from cis_power.core.db.identity import reserve_ids
from cis_power.core.models import ChangeEntry, FieldConflict, FieldOwner

_RESERVED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Origin:
    """Who changes something: a person or process, the system that gave it, the batch it came with, and when."""

    who: str
    now: datetime
    source: str
    batch_id: int | None = None


class Changes:
    """Changes of one transaction.

    `count` grows with each, so that a row that changed nothing can be told; `conflicts` with each value that was not
    ours to write.
    """

    def __init__(self, session: Session, origin: Origin) -> None:
        self.session = session
        self.origin = origin
        self.count = 0
        self.conflicts = 0
        self._inserts: dict[type[Base], list[dict[str, Any]]] = defaultdict(list)
        self._updates: dict[type[Base], dict[int, dict[str, Any]]] = defaultdict(dict)
        self._history: list[dict[str, Any]] = []
        self._conflicts: list[dict[str, Any]] = []
        self.fresh: dict[tuple[type[Base], int], dict[str, Any]] = {}
        self._ids: dict[type[Base], list[int]] = {}
        self._last_id: dict[type[Base], int] = {}
        owners = select(FieldOwner.entity, FieldOwner.field, FieldOwner.system)
        self._owners = {(entity, field): system for entity, field, system in session.execute(owners)}

    def new_id(self, model: type[Base]) -> int:
        """A fresh key of a table."""
        reserved = self._ids.get(model)
        if not reserved:
            above = self._last_id.get(model, 0)
            reserved = reserve_ids(self.session, _table(model), _RESERVED_AT_ONCE, above=above)
            self._last_id[model] = reserved[-1]
            reserved.reverse()
            self._ids[model] = reserved
        return reserved.pop()

    def insert(self, model: type[Base], **values: Any) -> None:
        """A new row; rows of one table must give the same columns."""
        self.count += 1
        self._inserts[model].append(values)
        if "id" in values:
            self.fresh[model, values["id"]] = values

    def update(self, model: type[Base], key: int, **values: Any) -> None:
        """Fields of a row, without history: for rows that keep their own times."""
        self.count += 1
        pending = self.fresh.get((model, key))
        if pending is not None:
            pending.update(values)
        else:
            self._updates[model].setdefault(key, {}).update(values)

    def forget(self, model: type[Base], key: int) -> None:
        """Take back a row that was to be inserted."""
        self._inserts[model].remove(self.fresh.pop((model, key)))

    def change(self, model: type[Base], key: int, field: str, old: Any, new: Any, owner: str | None = None) -> bool:
        """A field of a record, with history. Answers whether it was written: another system's field is a conflict.

        `owner` is the system that owns the record where no rule names one for the field.
        """
        if not self.may_change(model, key, field, new, owner):
            return False
        self.update(model, key, **{field: new})
        self.note(model, key, field, old, new)
        return True

    def may_change(self, model: type[Base], key: int, field: str, new: Any, owner: str | None = None) -> bool:
        """Whether our source may write a field; keeps its value as a conflict where it may not."""
        entity = _table(model).name
        system = self._owners.get((entity, field), owner)
        if system in (None, self.origin.source):
            return True
        self.conflicts += 1
        self._conflicts.append(
            {
                "entity": entity,
                "entity_id": key,
                "field": field,
                "system": self.origin.source,
                "value": None if new is None else str(new),
                "received_at": self.origin.now,
                "batch_id": self.origin.batch_id,
                "state": "open",
            }
        )
        return False

    def note(self, model: type[Base], key: int, field: str, old: Any, new: Any) -> None:
        """Keep the history of a change that is written elsewhere."""
        self.count += 1
        self._history.append(
            {
                "entity": _table(model).name,
                "entity_id": key,
                "field": field,
                "old_value": None if old is None else str(old),
                "new_value": None if new is None else str(new),
                "changed_by": self.origin.who,
                "changed_at": self.origin.now,
                "batch_id": self.origin.batch_id,
            }
        )

    def write(self, order: tuple[type[Base], ...]) -> None:
        """Write everything; `order` names tables before those that refer to them."""
        for model in (*order, *(model for model in self._inserts if model not in order)):
            self._flush_inserts(model)
        for model, rows in self._updates.items():
            self._flush_updates(model, rows)
        self._updates.clear()
        self.fresh.clear()
        _insert(self.session, ChangeEntry, self._history)
        self._history = []
        if self._conflicts:
            key = ("entity", "entity_id", "field", "system")
            bulk_upsert(self.session, _table(FieldConflict), _columns(self._conflicts), key)
            self._conflicts = []

    def _flush_inserts(self, model: type[Base]) -> None:
        _insert(self.session, model, self._inserts.pop(model, []))

    def _flush_updates(self, model: type[Base], rows: dict[int, dict[str, Any]]) -> None:
        by_fields: dict[tuple[str, ...], list[dict[str, Any]]] = defaultdict(list)
        for key, values in rows.items():
            by_fields[tuple(sorted(values))].append({"id": key, **values})
        for parameters in by_fields.values():
            self.session.execute(update(model), parameters)


def _insert(session: Session, model: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        bulk_insert(session, _table(model), _columns(rows))


def _columns(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _table(model: type[Base]) -> Table:
    return cast(Table, model.__table__)
