"""The command line: a thin loader that finds command groups through entry points and loads each by name."""

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click


class LazyGroup(click.Group):
    """A click group whose commands are the entry points of `cis_power.commands`, imported when they are asked for."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._points: dict[str, EntryPoint] = {point.name: point for point in entry_points(group="cis_power.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._points)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        point = self._points.get(cmd_name)
        return point.load() if point else None


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="cis-power")
def commands() -> None:
    """Customer information system for electric power distribution."""


def main() -> None:
    """Run a command; a `CisError` becomes one line on stderr and exit code 1 (2 stays wrong usage)."""
    from cis_power.core.errors import CisError  # noqa: PLC0415 - kept out of `--help`

    try:
        commands()
    except CisError as error:
        click.echo(f"error: {error}", err=True)
        for problem in error.problems:
            click.echo(f"  {problem}", err=True)
        sys.exit(1)
