"""`cis-power network`: import, check, versions, activate, trace."""

import json
import sys
from pathlib import Path
from typing import Any

import click

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


@click.group()
def network() -> None:
    """The network model: its versions and what hangs on its devices."""


@network.command("import")
@click.argument("format_name", metavar="FORMAT", type=click.Choice(["csv", "cim", "opendss"]))
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Read and check only; write nothing.")
@click.option("--no-activate", is_flag=True, help="Keep the version without putting it in force.")
@click.option("--valid-from", help="From when it holds: a date or time, local to the utility without an offset.")
@_as_json
def import_network(
    format_name: str, path: Path, dry_run: bool, no_activate: bool, valid_from: str | None, as_json: bool
) -> None:
    """Import a network whole: a folder (csv, cim), a file (opendss, cim) or an archive (cim).

    The first version holds from ever, later ones from now. Any error refuses all of it; warnings never do.
    """
    from cis_power.access.installation import Installation
    from cis_power.core.time import parse_instant, utc_now
    from cis_power.network.importing import import_network as import_file
    from cis_power.network.importing import tried

    here = Installation.open()
    try:
        since = parse_instant(valid_from, here.settings.zone) if valid_from else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--valid-from") from None
    file = _read(format_name, path)
    if dry_run:
        result = tried(file)
    else:
        options: dict[str, Any] = {"activate": not no_activate, "valid_from": since, "clock": utc_now}
        result = import_file(here.database, here.viewer, here.trail, utc_now(), file, **options)
    if as_json:
        _print_json(result.as_dict())
    else:
        _print_result(result, dry_run)
    if not result.ok:
        sys.exit(1)


def _read(format_name: str, path: Path) -> Any:
    from cis_power.network.checks import check
    from cis_power.network.importers import READERS, content_hash
    from cis_power.network.importing import NetworkFile

    model = READERS[format_name](path)
    return NetworkFile(format_name, path.name, content_hash(format_name, model.files), model, check(model))


def _print_result(result: Any, dry_run: bool) -> None:
    for problem in result.problems:
        click.echo(str(problem), err=True)
    counts = ", ".join(f"{number} {kind}" for kind, number in result.counts.items() if number)
    click.echo(f"read: {counts or 'nothing'}")
    if not result.ok:
        click.echo("refused: nothing was imported")
    elif dry_run:
        click.echo("would be accepted; nothing was written")
    elif result.unchanged:
        click.echo(f"unchanged: this content is version {result.version} (batch {result.batch})")
    else:
        state = "in force" if result.active else "kept, not in force"
        click.echo(f"version {result.version} (batch {result.batch}): {state}")


@network.command("check")
@_as_json
def check_network(as_json: bool) -> None:
    """Check the network in force, customers included; warnings alone exit 0."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import utc_now
    from cis_power.network.checking import check_active

    here = Installation.open()
    with here.database.reading() as session:
        found = check_active(session, here.viewer, utc_now())
    if as_json:
        _print_json(found.as_dict())
    else:
        for problem in found.problems:
            click.echo(str(problem))
        errors = sum(problem.severity == "error" for problem in found.problems)
        click.echo(f"version {found.version}: {errors} errors, {len(found.problems) - errors} warnings")
    if any(problem.severity == "error" for problem in found.problems):
        sys.exit(1)


@network.command("versions")
@_as_json
def versions(as_json: bool) -> None:
    """List all versions, newest first."""
    from dataclasses import asdict

    from cis_power.access.installation import Installation
    from cis_power.core.time import iso, utc_now
    from cis_power.network.reads import list_versions

    here = Installation.open()
    with here.database.reading() as session:
        rows = list_versions(session, here.viewer, utc_now())
    zone = here.settings.zone
    if as_json:
        times = ("recorded_at", "valid_from", "activated_at")
        listed = [asdict(row) for row in rows]
        _print_json([{**row, **{name: row[name] and iso(row[name], zone) for name in times}} for row in listed])
        return
    for row in rows:
        state = "in force" if row.active else "kept" if row.activated_at is None else "was in force"
        since = "ever" if row.valid_from is None else iso(row.valid_from, zone)
        from_when = f" from {since}" if row.activated_at is not None else ""
        click.echo(f"{row.number}\t{row.format}\t{state}{from_when}\t{row.warnings} warnings")


@network.command("activate")
@click.argument("number", type=int)
@_as_json
def activate(number: int, as_json: bool) -> None:
    """Put a version in force; the one before is kept."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import iso
    from cis_power.network.writes import activate_version

    here = Installation.open()
    with here.acting() as (session, viewer, now):
        version = activate_version(session, viewer, here.trail, now, number)
        since = version.valid_from and iso(version.valid_from, here.settings.zone)
    if as_json:
        _print_json({"version": number, "valid_from": since})
    else:
        click.echo(f"version {number} is in force from {since or 'ever'}")


@network.command("trace")
@click.argument("device")
@_as_json
def trace(device: str, as_json: bool) -> None:
    """Show what hangs on a device, and the way up to its source."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import utc_now
    from cis_power.network.tracing import trace_device

    here = Installation.open()
    with here.database.reading() as session:
        found = trace_device(session, here.viewer, device, utc_now()).as_dict()
    if as_json:
        _print_json(found)
        return
    click.echo(f"{found['device']}: {found['kind']}, {found['state']}, phases {found['phases']}")
    for name in ("feeder", "substation", "district"):
        if found[name]:
            click.echo(f"{name}: {found[name]}")
    for name in ("upstream", "open_points", "devices", "transformers", "nodes", "usage_points"):
        click.echo(f"{name} ({len(found[name])}): {', '.join(found[name])}")
