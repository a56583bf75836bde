"""What the whole file says where several of its rows speak of one account or one meter."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cis_power.core.layouts import Row, Rows

PARTY_FIELDS = ("name", "kind", "vip", "lang", "phone", "email")
_RANK = {"active": 0, "disconnected": 1, "closed": 2}


@dataclass(frozen=True, slots=True)
class CustomerFile:
    """Of each account the first line, what stands there of the party, its usage points and their best status; of each
    meter the first usage point. The same whichever chunk of the file is being posted."""

    first_line: Mapping[str, int]
    first_party: Mapping[str, tuple[Any, ...]]
    status: Mapping[str, str]
    usage_points: Mapping[str, list[str]]
    usage_point_of_meter: Mapping[str, str]

    @classmethod
    def of(cls, rows: Rows) -> "CustomerFile":
        lines: dict[str, int] = {}
        parties: dict[str, tuple[Any, ...]] = {}
        status: dict[str, str] = {}
        points: dict[str, list[str]] = {}
        meters: dict[str, str] = {}
        columns = [rows.column(name) for name in ("account_no", "usage_point", "meter_no", "status", *PARTY_FIELDS)]
        for line, (account, point, meter, told, *party) in zip(rows.lines, zip(*columns, strict=True), strict=True):
            if account not in lines:
                lines[account], parties[account] = int(line), tuple(party)
            if told is not None and _RANK[told] < _RANK.get(status.get(account, ""), 9):
                status[account] = told
            points.setdefault(account, []).append(point)
            if meter is not None:
                meters.setdefault(meter, point)
        return cls(lines, parties, status, points, meters)

    def differences(self, row: Row) -> list[str]:
        """Fields of the party that an account's first line says otherwise than a later one."""
        first = self.first_party[row["account_no"]]
        return [
            name
            for name, before in zip(PARTY_FIELDS, first, strict=True)
            if row[name] is not None and row[name] != before
        ]
