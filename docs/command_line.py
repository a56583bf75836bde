"""Writes docs/command-line.md from the commands' own help: `python -m docs.command_line`."""

from collections.abc import Iterator
from pathlib import Path

import click

from cis_power.cli import commands

FILE = Path(__file__).parent / "command-line.md"
HEAD = """# Command line

Written from the commands' own help by `python -m docs.command_line`; do not edit.

`--json` writes the result to stdout; logs and errors go to stderr. Exit codes: 0 done (warnings alone too), 1 errors or
rejected rows, 2 wrong usage. `--from` is inclusive, `--to` exclusive; times without offset are in the zone of the
setting `timezone`.

"""


def leaves(group: click.Group, context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Every command that does something: its full name, itself, the context its help is written in."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        inner = click.Context(command, info_name=name, parent=context)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield inner.command_path, command, inner
        if isinstance(command, click.Group):
            yield from leaves(command, inner)


def render() -> str:
    """The whole document."""
    root = click.Context(commands, info_name="cis-power", terminal_width=100, **commands.context_settings)
    parts = [f"## {name}\n\n```\n{_help(command, context)}\n```\n" for name, command, context in leaves(commands, root)]
    return HEAD + "\n".join(parts)


def _help(command: click.Command, context: click.Context) -> str:
    return "\n".join(line.rstrip() for line in command.get_help(context).splitlines())


if __name__ == "__main__":
    FILE.write_text(render(), encoding="utf-8")
