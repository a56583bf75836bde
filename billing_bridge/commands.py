"""`cis-power import`, `export` and `batch`."""

import gc
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cis_power.core.batches import BatchResult

_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_SHOWN_PROBLEMS = 50


@click.command("import")
@click.argument("kind", required=False)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--format", "format_name", default="csv", show_default=True, help="Format of the file.")
@click.option("--source", default="business", show_default=True, help="System that owns the content.")
@click.option("--template", metavar="KIND", help="Print an example file of a layout and end.")
@click.option("--standard", is_flag=True, help="Of codes: load the starting set that comes with the system.")
@_as_json
def import_(
    kind: str | None,
    file: Path | None,
    format_name: str,
    source: str,
    template: str | None,
    standard: bool,
    as_json: bool,
) -> None:
    """Import a business file of a KIND: districts, customers, agreements, connections, meters, readings and so on.

    The file is checked whole; good rows are posted, bad ones are kept as rejects. The same content again changes
    nothing. Killed, the same command goes on where it stopped.
    """
    from billing_bridge.importing import FORMATS, import_path
    from cis_power.access.installation import Installation
    from cis_power.core.layouts import layouts
    from cis_power.core.layouts import template as template_of

    if template is not None:
        click.echo(template_of(layouts()[_known(template, "--template")]), nl=False)
        return
    if standard:
        if kind != "codes" or file is not None:
            raise click.UsageError("--standard goes with KIND codes, and without a FILE")
        file = Path(__file__).parent / "standard" / "codes.csv"
    if kind is None or file is None:
        raise click.UsageError("KIND and FILE are needed (or --template KIND)")
    _known(kind, "KIND")
    if format_name not in FORMATS:
        raise click.BadParameter(f"is not one of {', '.join(FORMATS)}", param_hint="--format")
    gc.set_threshold(50_000, 50, 100)  # a large file makes millions of lasting objects: looking through them costs 13 %
    result = import_path(Installation.open(), kind, file, format_name=format_name, source=source)
    _print_result(result, as_json)


def _write(output: Path, text: str) -> None:
    from cis_power.core.errors import CisError

    try:
        output.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise CisError(f"cannot write {output}: {error.strerror}") from error


def _known(kind: str, where: str) -> str:
    from cis_power.core.layouts import layouts

    posted = [name for name, layout in layouts().items() if layout.poster or where == "--template"]
    if kind not in posted:
        raise click.BadParameter(f"{kind!r} is not one of {', '.join(posted)}", param_hint=where)
    return kind


def _print_result(result: "BatchResult", as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result.as_dict(), ensure_ascii=False))
    else:
        for problem in result.problems[:_SHOWN_PROBLEMS]:
            click.echo(str(problem), err=True)
        if len(result.problems) > _SHOWN_PROBLEMS:
            click.echo(f"… and {len(result.problems) - _SHOWN_PROBLEMS} more (see --json)", err=True)
        if result.refused:
            click.echo(f"batch {result.batch} refused: nothing was posted")
        else:
            counts = f"{result.accepted} accepted, {result.rejected} rejected, {result.unchanged} unchanged"
            click.echo(f"batch {result.batch}: {result.rows} rows, {counts}")
    if not result.ok:
        sys.exit(1)


@click.command("export")
@click.argument("kind")
@click.option("--from", "from_text", help="First day (inclusive), or an instant.")
@click.option("--to", "to_text", help="Day behind the last one (exclusive), or an instant.")
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="File; else stdout."
)
@_as_json
def export(kind: str, from_text: str | None, to_text: str | None, output: Path | None, as_json: bool) -> None:
    """Export a business file of a KIND: usage (monthly energy), outage-minutes."""
    from billing_bridge.exporting import export_file, find_export, parse_period
    from cis_power.access.installation import Installation
    from cis_power.core.errors import NotFound

    try:
        name = find_export(kind).name
    except NotFound as error:
        raise click.BadParameter(str(error), param_hint="KIND") from None
    here = Installation.open()
    try:
        period = parse_period(from_text, to_text, here)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--from/--to") from None
    exported = export_file(here, name, period)
    text = json.dumps(exported.as_dict(), ensure_ascii=False) + "\n" if as_json else exported.text
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)
        click.echo(f"batch {exported.batch}: {len(exported.rows)} rows in {output}", err=True)


@click.group()
def batch() -> None:
    """What was exchanged with other systems."""


@batch.command("list")
@click.option("--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="Newest so many.")
@_as_json
def list_batches(limit: int, as_json: bool) -> None:
    """List batches, the newest first."""
    from cis_power.access.installation import Installation
    from cis_power.core.batches.reads import batches

    here = Installation.open()
    with here.database.reading() as session:
        found = batches(session, limit=limit)
    if as_json:
        click.echo(json.dumps([item.as_dict() for item in found], ensure_ascii=False))
        return
    for item in found:
        counts = f"{item.rows} rows, {item.accepted} accepted, {item.rejected} rejected, {item.unchanged} unchanged"
        click.echo(
            f"{item.batch}  {item.begun_at:%Y-%m-%d %H:%M}  {item.direction:<3} {item.kind}  {item.status}  {counts}"
        )


@batch.command("show")
@click.argument("number", type=int)
@_as_json
def show_batch(number: int, as_json: bool) -> None:
    """Show a batch with its problems and the rows that wait for repair."""
    from cis_power.access.installation import Installation
    from cis_power.core.batches.reads import batch_details

    here = Installation.open()
    with here.database.reading() as session:
        found = batch_details(session, number)
    if as_json:
        click.echo(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    for name, value in found.as_dict().items():
        if name not in ("problems", "rejects"):
            click.echo(f"{name}: {value}")
    for problem in found.problems[:_SHOWN_PROBLEMS]:
        click.echo(f"  {problem}")
    for reject in found.rejects[:_SHOWN_PROBLEMS]:
        reasons = "; ".join(str(item["message"]) for item in reject.problems)
        click.echo(f"  reject, line {reject.line} ({reject.state}): {reasons}")


@batch.command("rejects")
@click.argument("number", type=int)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="File; else stdout."
)
def write_rejects(number: int, output: Path | None) -> None:
    """Write the open rejects of a batch as a file of its layout, to be mended and imported."""
    from billing_bridge.importing import rejects_file
    from cis_power.access.installation import Installation

    text = rejects_file(Installation.open(), number)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)


@batch.command("retry")
@click.argument("number", type=int)
@_as_json
def retry(number: int, as_json: bool) -> None:
    """Post the open rejects of a batch again, once what they lacked is there."""
    from billing_bridge.importing import retry_rejects
    from cis_power.access.installation import Installation

    _print_result(retry_rejects(Installation.open(), number), as_json)
