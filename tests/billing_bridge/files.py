"""Small business files for tests, and posting them without the command line."""

from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from cis_power.core.batches import BatchResult, Import, import_file
from cis_power.core.config import Settings
from cis_power.core.db import Database
from cis_power.core.layouts import find_layout

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SETTINGS = Settings(timezone="Asia/Shanghai")


def put(database: Database, kind: str, text: str, *, now: datetime = NOW, **options: Any) -> BatchResult:
    """Import a file given as text."""
    task = Import(find_layout(kind), text.encode(), "cli:test", now, **options)
    return import_file(database, SETTINGS, task)


def customers_text(rows: Iterable[dict[str, str]]) -> str:
    """A customers file with exactly the columns that the rows name."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(names), *(",".join(row.get(name, "") for name in names) for row in rows)]
    return "\n".join(lines) + "\n"


def plain_customers(count: int) -> str:
    """So many accounts A1, A2 … at usage points U1, U2 … with meters M1, M2 …"""
    return customers_text(
        {"account_no": f"A{n}", "name": f"Name {n}", "usage_point": f"U{n}", "meter_no": f"M{n}", "rated_kva": "8"}
        for n in range(1, count + 1)
    )


def payments_text(count: int, accounts: int, batch_no: str = "P1", bad_every: int = 7) -> tuple[str, Decimal]:
    """A payments file and the money in it. Every seventh account is unknown."""
    total, lines = Decimal(0), ["batch_no,account_no,paid_at,amount,currency,method,reference"]
    for n in range(1, count + 1):
        amount = Decimal(n * 37 % 10_000) / 100
        total += amount
        account = f"X{n}" if n % bad_every == 0 else f"A{n % accounts + 1}"
        lines.append(f"{batch_no},{account},2026-11-{n % 28 + 1:02d}T10:00:00+08:00,{amount},CNY,bank,R{n}")
    lines.append(f"#TRAILER,{count},{total}")
    return "\n".join(lines) + "\n", total
