"""`cis-power report`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from reports.model import Report

_FORMATS = ("html", "xlsx", "csv", "pdf", "json")


@click.command()
@click.argument("name")
@click.option("--from", "from_text", required=True, help="Beginning of the period, inclusive: a date or a time.")
@click.option("--to", "to_text", required=True, help="End of the period, exclusive: a date or a time.")
@click.option(
    "--district", "districts", multiple=True, help="Code of a district, with all below it; several may be given."
)
@click.option("--by", help="What the report is grouped by (load: usage_point, transformer, feeder, …).")
@click.option("--option", "others", multiple=True, metavar="NAME=VALUE", help="A further parameter of the report.")
@click.option("--format", "form", type=click.Choice(_FORMATS), help="Default: the file's ending, else json.")
@click.option("--table", help="Which table a csv holds (default: the first).")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="File; default: standard output.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--archive", is_flag=True, help="Keep the report as it is made now.")
@click.option("--archived", is_flag=True, help="The report as it was last archived, as JSON; nothing is made.")
def report(
    name: str,
    from_text: str,
    to_text: str,
    districts: tuple[str, ...],
    by: str | None,
    others: tuple[str, ...],
    form: str | None,
    table: str | None,
    output: Path | None,
    as_json: bool,
    archive: bool,
    archived: bool,
) -> None:
    """Make a production report: load, reliability, outage-log …"""
    import json

    from cis_power.access.installation import Installation
    from cis_power.core.errors import InvalidInput, NotFound
    from cis_power.core.time import utc_now
    from reports.archive import archive_report, find_archived
    from reports.parameters import read_parameters
    from reports.registry import build_report, find_report

    chosen = _format(form, output, as_json)
    if archived and (archive or chosen != "json"):
        raise click.UsageError("--archived answers JSON, and makes nothing that could be archived")
    try:
        declaration = find_report(name)
    except NotFound as error:
        raise click.BadParameter(error.message, param_hint="NAME") from error
    here = Installation.open()
    given = {"from": from_text, "to": to_text, **_others(by, others)}
    try:
        parameters = read_parameters(declaration.parameters, given, districts, here.settings.zone)
    except InvalidInput as error:
        raise click.UsageError(error.message) from error
    detail = {"parameters": parameters.as_dict(), "format": chosen, "archived": archived}
    if archived:
        with here.acting() as (session, viewer, at):
            run = find_archived(session, viewer, declaration, parameters)
            here.trail.append(session, viewer, "report.export", at, object_kind="report", object_id=name, detail=detail)
        _write((json.dumps(run.content, ensure_ascii=False, indent=1) + "\n").encode(), output)
        return
    with here.database.reading() as session:
        made = build_report(session, here.viewer, declaration, parameters, utc_now())
    content = _rendered(made, chosen, table, here.settings.zone)
    with here.acting() as (session, viewer, at):
        here.trail.append(session, viewer, "report.export", at, object_kind="report", object_id=name, detail=detail)
        if archive:
            archive_report(session, viewer, made, parameters)
    _write(content, output)


def _rendered(made: "Report", chosen: str, table: str | None, zone: "ZoneInfo") -> bytes:
    from reports.renderers.as_csv import render_csv
    from reports.renderers.formats import FORMATS

    if chosen != "csv" or table is None:
        return FORMATS[chosen].render(made, zone)
    if table not in {known.name for known in made.tables}:
        names = ", ".join(known.name for known in made.tables)
        raise click.BadParameter(f"{table!r} is not one of {names}", param_hint="--table")
    return render_csv(made, zone, table)


def _format(form: str | None, output: Path | None, as_json: bool) -> str:
    if as_json:
        if form not in (None, "json"):
            raise click.UsageError(f"--json and --format {form} do not go together")
        return "json"
    if form is not None:
        return form
    ending = output.suffix.lstrip(".").lower() if output else ""
    return ending if ending in _FORMATS else "json"


def _others(by: str | None, others: tuple[str, ...]) -> dict[str, str]:
    found = {} if by is None else {"by": by}
    for text in others:
        name, sign, value = text.partition("=")
        if not sign:
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--option")
        found[name] = value
    return found


def _write(content: bytes, output: Path | None) -> None:
    from cis_power.core.errors import CisError

    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
        return
    try:
        output.write_bytes(content)
    except OSError as error:
        raise CisError(f"{output} cannot be written: {error.strerror}") from error
