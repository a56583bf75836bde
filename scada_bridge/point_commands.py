"""`cis-power points`: import, publish, list, show, tag, set, release."""

import json
import sys
from pathlib import Path
from typing import Any

import click

_as_json = click.option("--json", "as_json", is_flag=True, help="Write JSON to stdout.")
_by = click.option("--by", required=True, metavar="WHO", help="Who does it.")
_reason = click.option("--reason", help="Why.")


@click.group()
def points() -> None:
    """Telemetered points: their list, their values, and what people hold them at."""


@points.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_as_json
def import_(file: Path, as_json: bool) -> None:
    """Import a point list, all or nothing, and publish it to run_dir, where the collector takes it from."""
    from cis_power.access.installation import Installation
    from scada_bridge.pointlist import read_point_list
    from scada_bridge.posting import PointFile, import_points, publish_points

    here = Installation.open()
    read = PointFile(file.name, read_point_list(file, here.settings.zone))
    with here.acting() as (session, viewer, now):
        result = import_points(session, viewer, here.trail, now, read, here.settings)
    if result.ok:
        with here.database.reading() as session:
            publish_points(session, here.settings.run_dir, here.settings.run_dir, now)
    if as_json:
        click.echo(json.dumps(result.as_dict(), ensure_ascii=False, indent=2))
    else:
        for problem in result.problems:
            click.echo(str(problem), err=True)
        click.echo(
            f"batch {result.batch}: {result.rows} rows, {result.accepted} accepted, {result.rejected} rejected,"
            f" {result.unchanged} unchanged"
        )
    if not result.ok:
        sys.exit(1)


@points.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
def publish(folder: Path) -> None:
    """Publish the point list and the spool's key to DIR, to be carried to a collector in another zone."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import utc_now
    from scada_bridge.posting import publish_points

    here = Installation.open()
    with here.database.reading() as session:
        count = publish_points(session, folder, here.settings.run_dir, utc_now())
    click.echo(f"{count} points published to {folder}")


@points.command("list")
@click.option("--source", help="Only points of this source.")
@click.option("--equipment", help="Only points of this device.")
@_as_json
def list_(source: str | None, equipment: str | None, as_json: bool) -> None:
    """List points with value, quality and age."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import utc_now
    from cis_power.telemetry.reads import list_points

    here = Installation.open()
    with here.database.reading() as session:
        rows = list_points(
            session,
            here.viewer,
            utc_now(),
            stale_after_seconds=here.settings.stale_after_seconds,
            source=source,
            equipment=equipment,
        )
    if as_json:
        click.echo(json.dumps([row.as_dict() for row in rows], ensure_ascii=False, indent=2))
        return
    for row in rows:
        click.echo(_line(row))


def _line(row: Any) -> str:
    value = "-" if row.value is None else f"{row.value:g}"
    age = "" if row.age_seconds is None else f"{row.age_seconds:.0f} s old"
    words = (row.point_id, value, row.unit or "", row.quality.name, age, row.reason or "")
    return "  ".join(word for word in words if word)


@points.command()
@click.argument("point_id", metavar="POINT")
@_as_json
def show(point_id: str, as_json: bool) -> None:
    """Show one point."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import utc_now
    from cis_power.telemetry.reads import find_point

    here = Installation.open()
    with here.database.reading() as session:
        row = find_point(
            session, here.viewer, point_id, utc_now(), stale_after_seconds=here.settings.stale_after_seconds
        )
    if as_json:
        click.echo(json.dumps(row.as_dict(), ensure_ascii=False, indent=2))
    else:
        click.echo(_line(row))


@points.command()
@click.argument("point_id", metavar="POINT")
@click.argument("kind")
@_by
@_reason
def tag(point_id: str, kind: str, by: str, reason: str | None) -> None:
    """Tag a point: until released it stays as it is, whatever signals say."""
    from cis_power.telemetry.writes import tag_point

    _act("tag", point_id, lambda session, viewer, now: tag_point(session, viewer, point_id, kind, by, now, reason))


@points.command("set")
@click.argument("point_id", metavar="POINT")
@click.argument("value", type=float)
@_by
@_reason
def set_(point_id: str, value: float, by: str, reason: str | None) -> None:
    """Set a point by hand: the value holds until released, whatever signals say. A position is 1 closed, 0 open."""
    from cis_power.telemetry.writes import set_point

    _act("set", point_id, lambda session, viewer, now: set_point(session, viewer, point_id, value, by, now, reason))


@points.command()
@click.argument("point_id", metavar="POINT")
@_by
def release(point_id: str, by: str) -> None:
    """Release a tag or a hand-set value: signals count again."""
    from cis_power.telemetry.writes import release_point

    _act("release", point_id, lambda session, viewer, now: release_point(session, viewer, point_id, by, now))


def _act(what: str, point_id: str, work: Any) -> None:
    """Do something to a point, say so in the audit trail, and let the engine take it in."""
    from cis_power.access.installation import Installation
    from cis_power.core.jobs import run_now
    from cis_power.outages.jobs import ENGINE

    here = Installation.open()
    with here.acting() as (session, viewer, now):
        work(session, viewer, now)
        action = f"telemetry:point:{what}"
        here.trail.append(session, viewer, action, now, object_kind="point", object_id=point_id)
    run_now(here.database, here.settings, ENGINE)
