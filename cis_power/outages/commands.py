"""`cis-power switch`, `outage`, `call` and `engine`."""

import json
import sys
from datetime import datetime
from typing import Any

import click

from cis_power.outages.closing_commands import COMMANDS

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _time(_context: click.Context, _option: click.Parameter, text: str | None) -> datetime | None:
    """An instant in the utility's zone."""
    from cis_power.core.config import load_settings
    from cis_power.core.time import parse_instant

    if text is None:
        return None
    try:
        return parse_instant(text, load_settings().zone)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


_when = click.option("--at", required=True, callback=_time, metavar="TIME", help="When it happened.")
_who = click.option("--by", required=True, help="Who did it or says so.")


def _print(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


@click.command()
@click.option("--once", is_flag=True, required=True, help="One pass now; a running scheduler is waited for.")
@_as_json
def engine(once: bool, as_json: bool) -> None:
    """Run a pass of the outage engine: apply everything that is not applied yet."""
    from cis_power.access.installation import Installation
    from cis_power.core.jobs import run_now
    from cis_power.outages.jobs import ENGINE

    here = Installation.open()
    message = run_now(here.database, here.settings, ENGINE)
    if as_json:
        _print({"done": message is not None, "message": message})
    else:
        click.echo(message or "nothing to do")


@click.group()
def switch() -> None:
    """Manual switching of any conducting element, and transfers between connections."""


_about = (
    click.option("--phases", default="", help="Only these phases, such as A or BC."),
    click.option("--kind", type=click.Choice(["planned", "unplanned"]), help="What an opening brings about."),
    click.option("--cause", help="Code of the cause."),
    click.option("--responsibility", type=click.Choice(
        ["distribution", "loss_of_supply", "rationing", "customer", "third_party"])),
)  # fmt: skip


@switch.command("open")
@click.argument("device")
@_when
@_who
@_about[0]
@_about[1]
@_about[2]
@_about[3]
@_as_json
def open_device(device: str, at: datetime, by: str, as_json: bool, **about: Any) -> None:
    """Record that DEVICE was opened."""
    _switch(device, True, at, by, about, as_json)


@switch.command("close")
@click.argument("device")
@_when
@_who
@_about[0]
@_as_json
def close_device(device: str, at: datetime, by: str, as_json: bool, **about: Any) -> None:
    """Record that DEVICE was closed."""
    _switch(device, False, at, by, about, as_json)


def _switch(device: str, opens: bool, at: datetime, by: str, about: dict[str, Any], as_json: bool) -> None:
    from cis_power.access.installation import Installation
    from cis_power.core.phases import parse_phases
    from cis_power.outages.switching import record_switching

    try:
        phases = parse_phases(about.pop("phases"))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--phases") from None
    here = Installation.open()
    with here.acting() as (session, viewer, now):
        recorded = record_switching(
            session, viewer, device, opens=opens, at=at, by=by, now=now, phases=phases, about=about
        )
        here.trail.append(session, viewer, "network:switching:write", now, object_kind="device",
                          object_id=recorded.what, detail={"act": recorded.act})  # fmt: skip
    _tell_switching(here, recorded, as_json)


@switch.command("transfer")
@click.argument("usage_point")
@click.argument("to", type=click.Choice(["main", "standby"]))
@_when
@_who
@_as_json
def transfer(usage_point: str, to: str, at: datetime, by: str, as_json: bool) -> None:
    """Record that USAGE_POINT was transferred to its main or standby connection."""
    from cis_power.access.installation import Installation
    from cis_power.outages.switching import record_transfer

    here = Installation.open()
    with here.acting() as (session, viewer, now):
        recorded = record_transfer(session, viewer, usage_point, to=to, at=at, by=by, now=now)
        here.trail.append(session, viewer, "network:switching:write", now, object_kind="usage_point",
                          detail={"act": recorded.act})  # fmt: skip
    _tell_switching(here, recorded, as_json)


def _tell_switching(here: Any, recorded: Any, as_json: bool) -> None:
    from cis_power.core.time import iso, utc_now
    from cis_power.outages.jobs import settle
    from cis_power.outages.switching import as_dict, consequence

    settle(here.database, here.settings, utc_now())
    with here.database.reading() as session:
        result = consequence(session, recorded)
    if as_json:
        _print(as_dict(recorded, result, here.settings.zone))
        return
    known = "" if recorded.new else " (recorded before)"
    click.echo(f"{recorded.what}: {recorded.act} at {iso(recorded.at, here.settings.zone)}{known}")
    for outage_id in result.outages:
        click.echo(f"outage {outage_id}")
    if result.conflict:
        click.echo(f"conflict: {result.conflict}", err=True)


@click.group()
def outage() -> None:
    """Outages: who is out, since when, by which device."""


_at = click.option("--at", callback=_time, metavar="T", help="As it was known then.")
_as_of = click.option("--as-of", callback=_time, metavar="T", help="What is known now about then.")


def _one_question(at: datetime | None, as_of: datetime | None) -> None:
    if at and as_of:
        raise click.UsageError("give --at or --as-of, not both")


@outage.command("list")
@click.option("--all", "everything", is_flag=True, help="All, not only open ones.")
@click.option("--from", "from_at", callback=_time, metavar="T", help="Begun at or after.")
@click.option("--to", "to_at", callback=_time, metavar="T", help="Begun before.")
@_at
@_as_of
@_as_json
def list_(
    everything: bool, from_at: datetime | None, to_at: datetime | None, at: datetime | None, as_of: datetime | None,
    as_json: bool,
) -> None:  # fmt: skip
    """List open outages, those with priority customers and the largest first."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import iso, utc_now
    from cis_power.outages.reads import OutageFilter, list_outages

    _one_question(at, as_of)
    if from_at and to_at and to_at < from_at:
        raise click.UsageError("--to lies before --from")
    here = Installation.open()
    wanted = OutageFilter(everything, from_at, to_at, limit=1_000_000)
    with here.database.reading() as session:
        rows = list_outages(session, here.viewer, utc_now(), wanted, at=at, as_of=as_of)
    zone = here.settings.zone
    if as_json:
        _print([row.as_dict(zone) for row in rows])
        return
    for row in rows:
        until = f"until {iso(row.restored_at, zone)}" if row.restored_at else "open"
        click.echo(f"{row.id}  {row.status}  {row.device or '-'}  from {iso(row.began_at, zone)}  {until}  "
                   f"{row.customers_out} out of {row.customers_affected} affected")  # fmt: skip


@outage.command("show")
@click.argument("outage_id", metavar="ID")
@_at
@_as_of
@_as_json
def show(outage_id: str, at: datetime | None, as_of: datetime | None, as_json: bool) -> None:
    """Show one outage with its transformers and evidence."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import utc_now
    from cis_power.outages.reads import read_outage

    _one_question(at, as_of)
    here = Installation.open()
    with here.database.reading() as session:
        detail = read_outage(session, here.viewer, outage_id, utc_now(), at=at, as_of=as_of)
    plain = detail.as_dict(here.settings.zone)
    if as_json:
        _print(plain)
        return
    for name, value in plain.items():
        if isinstance(value, list):
            value = "; ".join(item if isinstance(item, str) else f"{item['at']} {item['detail']}" for item in value)  # noqa: PLW2901
        click.echo(f"{name}: {'-' if value is None else value}")


@outage.command("customers")
@click.argument("outage_id", metavar="ID")
@_at
@_as_of
@_as_json
def customers(outage_id: str, at: datetime | None, as_of: datetime | None, as_json: bool) -> None:
    """List the usage points of an outage, those with priority first."""
    from cis_power.access.installation import Installation
    from cis_power.core.time import iso, utc_now
    from cis_power.outages.customers_out import outage_customers

    _one_question(at, as_of)
    here = Installation.open()
    with here.database.reading() as session:
        rows = outage_customers(session, here.viewer, outage_id, utc_now(), at=at, as_of=as_of)
    zone = here.settings.zone
    if as_json:
        _print([row.as_dict(zone) for row in rows])
        return
    for row in rows:
        until = f"until {iso(row.restored_at, zone)}" if row.restored_at else "out"
        click.echo(f"{row.account_no or '-'}  {row.usage_point}  {row.service_priority}  "
                   f"from {iso(row.began_at, zone)}  {until}")  # fmt: skip


for _command in COMMANDS:
    outage.add_command(_command)


@click.group()
def call() -> None:
    """Trouble calls."""


@call.command("add")
@click.option("--account", help="Account number.")
@click.option("--phone", help="The caller's number, in any notation.")
@click.option("--usage-point", help="Usage point.")
@click.option("--transformer", help="Transformer or other device.")
@click.option("--place", help="Name of a compound, building or other place.")
@click.option("--code", help="Trouble code, such as no_power or wire_down.")
@click.option("--text", help="What the caller says.")
@click.option("--key", help="The same key again is the same call.")
@_as_json
def add(code: str | None, text: str | None, key: str | None, as_json: bool, **about: str | None) -> None:
    """Record a call and say what is known about the supply there."""
    from cis_power.access.installation import Installation
    from cis_power.outages.callers import CallAbout
    from cis_power.outages.calls import NewCall, add_call

    if sum(value is not None for value in about.values()) != 1:
        raise click.UsageError("give exactly one of --account, --phone, --usage-point, --transformer, --place")
    here = Installation.open()
    with here.acting() as (session, viewer, now):
        wanted = NewCall(CallAbout(**about), code, text, idempotency_key=key)
        answer = add_call(session, viewer, now, wanted, here.settings.region)
        here.trail.append(session, viewer, "outages:call:write", now, object_kind="call", object_id=answer.id)
    if as_json:
        _print(answer.as_dict(here.settings.zone))
    else:
        _tell_call(answer)
    for problem in answer.problems:
        click.echo(str(problem), err=True)
    if any(problem.severity == "error" for problem in answer.problems):
        sys.exit(1)


def _tell_call(answer: Any) -> None:
    click.echo(f"call {answer.id} recorded" + (f", {answer.account_no}" if answer.account_no else ""))
    for point in answer.supply:
        since = f" since {point.since.isoformat()}" if point.since else ""
        why = f", outage {point.outage_id}" if point.outage_id else ""
        click.echo(f"{point.usage_point}: in supply: {point.energized}{since} ({point.reason}{why})")
    for row in answer.candidates:
        click.echo(f"candidate: {row.account_no} {row.name or ''} {row.address or ''}")
