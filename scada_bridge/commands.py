"""`cis-power collector`, `poll` and `simulate`."""

import json
import sys
from pathlib import Path
from typing import Any

import click

_ASK_SECONDS = 10.0


@click.command()
def collector() -> None:
    """Poll the configured sources and put what they say into the spool. Needs no database."""
    from cis_power.core.config import load_settings
    from cis_power.core.logs import start_logging
    from scada_bridge.collector import run_collector

    settings = load_settings()
    start_logging("collector")
    run_collector(settings)


@click.command()
@click.option("--once", is_flag=True, required=True, help="One pass now, whatever the schedule says.")
@click.option("--source", help="Only this source.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON to stdout.")
def poll(once: bool, source: str | None, as_json: bool) -> None:
    """Collect, load and run the outage engine once. Exit 1 if a source failed, after storing the others."""
    from cis_power.access.installation import Installation
    from cis_power.core.jobs import run_now
    from cis_power.outages.jobs import ENGINE
    from scada_bridge.passing import one_pass

    here = Installation.open()
    done = one_pass(here.database, here.settings, source)
    engine = run_now(here.database, here.settings, ENGINE)
    if as_json:
        click.echo(json.dumps(done.as_dict() | {"engine": engine}, ensure_ascii=False, indent=2))
    else:
        _tell(done, engine)
    for name, reason in sorted(done.failed.items()):
        click.echo(f"error: source {name}: {reason}", err=True)
    if done.failed:
        sys.exit(1)


def _tell(done: Any, engine: str | None) -> None:
    for outcome in done.outcomes:
        click.echo(f"{outcome.source}: {outcome.good} of {outcome.points} points read")
    click.echo(f"loaded: {done.loaded}")
    for pulled in done.pulled:
        click.echo(f"{pulled.archive}: {pulled.rows} rows pulled, {pulled.gaps_filled} gaps filled")
    click.echo(f"engine: {engine or 'nothing to do'}")


@click.group(invoke_without_command=True)
@click.option(
    "--points",
    "points_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A point list file; default: the published point list.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, help="What happens by chance is the same for a seed.")
@click.option("--faults-per-hour", type=click.FloatRange(0, 3600), default=0.0, help="Electrical faults by chance.")
@click.option(
    "--comm-faults-per-hour", type=click.FloatRange(0, 3600), default=0.0, help="Faults of sources by chance."
)
@click.option("--first-fault", type=click.FloatRange(min=0), help="A breaker trips so many seconds after the start.")
@click.option("--repair-minutes", type=click.FloatRange(min=0), help="Faults mend themselves; default: people do it.")
@click.option(
    "--archive-seconds", type=click.FloatRange(1, 3600), default=300.0, help="How often the archive keeps all."
)
@click.pass_context
def simulate(context: click.Context, /, points_file: Path | None, **options: Any) -> None:
    """Stand in for the DMS: serve every configured modbus:// source with the points of the list.

    The network that is in force is simulated physically, beginning in its normal state. It never writes the database.
    """
    if context.invoked_subcommand is None:
        _simulate(points_file, **options)


def _simulate(
    points_file: Path | None,
    seed: int,
    faults_per_hour: float,
    comm_faults_per_hour: float,
    first_fault: float | None,
    repair_minutes: float | None,
    archive_seconds: float,
) -> None:
    from cis_power.core.config import load_settings
    from cis_power.core.errors import InvalidInput
    from cis_power.core.logs import start_logging
    from cis_power.core.time import utc_now
    from scada_bridge.field_reads import field_of
    from scada_bridge.pointlist import read_point_list
    from scada_bridge.published import read_published
    from scada_bridge.simulator.chance import Rates
    from scada_bridge.simulator.process import Options, run_simulator

    settings = load_settings()
    start_logging("simulate")
    if points_file is None:
        points = read_published(settings.run_dir).points
    else:
        found = read_point_list(points_file, settings.zone)
        if found.refused:
            raise InvalidInput(f"{points_file.name} is not a good point list", found.parsed.errors)
        points = found.points
    rates = Rates(faults_per_hour, comm_faults_per_hour, first_fault)
    repair_seconds = None if repair_minutes is None else repair_minutes * 60
    options = Options(seed=seed, rates=rates, repair_seconds=repair_seconds, archive_seconds=archive_seconds)
    run_simulator(settings, points, field_of(settings, utc_now()), options)


@simulate.command("open")
@click.argument("device")
def simulate_open(device: str) -> None:
    """Open a device of the running simulator."""
    _ask({"do": "move", "device": device, "closed": False})


@simulate.command("close")
@click.argument("device")
def simulate_close(device: str) -> None:
    """Close a device of the running simulator."""
    _ask({"do": "move", "device": device, "closed": True})


@simulate.command("fault")
@click.argument("target")
@click.argument("kind")
def simulate_fault(target: str, kind: str) -> None:
    """Begin a fault of KIND, or end it with `none`.

    TARGET is a source, with a kind of communication fault; or an equipment of the network, with permanent, momentary or
    broken_conductor: there `none` mends it, and what protection opened stays open until it is closed. An unknown kind
    names those there are.
    """
    found = _ask({"do": "fault", "source": target, "fault": kind})
    for device in found.get("open", ()):
        click.echo(f"{device} stands open")


@simulate.command("state")
def simulate_state() -> None:
    """Show what is not as usual in the simulated field, as JSON."""
    click.echo(json.dumps(_ask({"do": "state"}), ensure_ascii=False, indent=2))


@simulate.command("asked")
def simulate_asked() -> None:
    """Show which Modbus functions the simulator was asked, by source, as JSON."""
    click.echo(json.dumps(_ask({"do": "asked"}), indent=2))


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    from cis_power.core.config import load_settings
    from cis_power.core.errors import Unavailable
    from scada_bridge.control import ask, is_held
    from scada_bridge.simulator.process import control_folder

    folder = control_folder(load_settings().run_dir)
    if not is_held(folder):
        raise Unavailable("no simulator is running: `cis-power simulate`")
    return ask(folder, request, _ASK_SECONDS)
