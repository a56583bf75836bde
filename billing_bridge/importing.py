"""Importing business files: by path for people and jobs, by arrays for programs."""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from sqlalchemy.orm import Session

from cis_power.access.installation import Installation
from cis_power.core.batches import BatchResult, Import, import_file
from cis_power.core.batches.importing import import_arrays
from cis_power.core.batches.ledger import find_batch, rejects_of
from cis_power.core.batches.reentry import reenter
from cis_power.core.columns import Values
from cis_power.core.layouts import find_layout
from cis_power.core.layouts.values import money
from cis_power.core.models import Batch
from cis_power.core.time import utc_now

FORMATS = ("csv",)


def import_path(
    here: Installation,
    kind: str,
    path: Path,
    *,
    format_name: str = "csv",
    source: str = "business",
    after_chunk: Callable[[int, int], None] | None = None,
) -> BatchResult:
    """Post a file, and keep in the audit who did it."""
    now = utc_now()
    task = Import(
        layout=find_layout(kind),
        content=path if path.is_file() else path.read_bytes(),  # a pipe is read once, a file as often as needed
        who=here.viewer.actor,
        now=now,
        file_name=_plain(path.name),
        source=source,
        format=format_name,
        clock=utc_now,
        on_open=_audited(here),
        after_chunk=after_chunk,
    )
    return import_file(here.database, here.settings, task)


def _plain(name: str) -> str:
    """A file's name as it may be shown: signs that are not printable are replaced."""
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in name)[:200]


def retry_rejects(here: Installation, number: int) -> BatchResult:
    """Post the open rejects of a batch again."""
    with here.database.reading() as session:
        kind = find_batch(session, number).kind
    who, now = here.viewer.actor, utc_now()
    layout = find_layout(kind)
    return reenter(here.database, here.settings, layout, number, who=who, now=now, on_open=_audited(here))


def _audited(here: Installation) -> Callable[[Session, Batch], None]:
    """Keep in the audit who imports: in the transaction that opens the batch, so that none is posted without."""

    def keep(session: Session, batch: Batch) -> None:
        here.trail.append(
            session,
            here.viewer,
            "exchange:file:import",
            utc_now(),
            object_kind="batch",
            object_id=batch.id,
            detail={"kind": batch.kind, "rows": batch.rows, "sha256": batch.content_hash},
        )

    return keep


def rejects_file(here: Installation, number: int) -> str:
    """The open rejects of a batch as a file of its layout, with a trailer that fits where the layout has one."""
    with here.database.reading() as session:
        batch = find_batch(session, number)
        layout, zone = find_layout(batch.kind), batch.control.get("zone")
        contents = [reject.content for reject in rejects_of(session, number, state="open")]
    out = io.StringIO()
    if zone:
        out.write(f"#TZ={zone}\n")
    writer = csv.writer(out, lineterminator="\n")
    names = [column.name for column in layout.columns]
    writer.writerow(names)
    for content in contents:
        writer.writerow(
            [content.get(name, content.get("?", "") if place == 0 else "") for place, name in enumerate(names)]
        )
    if layout.trailer:
        amounts = (money(content.get(layout.trailer.total_column, "")) or Decimal(0) for content in contents)
        writer.writerow(["#TRAILER", len(contents), sum(amounts, Decimal(0))])
    return out.getvalue()


def post_arrays(
    here: Installation,
    kind: str,
    columns: Mapping[str, Values],
    *,
    name: str,
    now: datetime | None = None,
    source: str = "business",
    alone: bool = False,
) -> BatchResult:
    """Post rows given as columns of one length, without a file: a batch of this name, exactly once.

    For programs that make much data, such as the demo. Columns are what `cis_power.core.layouts.arrays` takes; what
    results equals the import of the same rows from a file. `alone`: nobody else uses the database.
    """
    at = now or utc_now()
    task = Import(
        layout=find_layout(kind),
        content=b"",
        who=here.viewer.actor,
        now=at,
        file_name=_plain(name),
        source=source,
        format="arrays",
        clock=None if now else utc_now,
        on_open=_audited(here),
        alone=alone,
    )
    return import_arrays(here.database, here.settings, task, columns)
