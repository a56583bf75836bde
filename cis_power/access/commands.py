"""`cis-power user`, `key` and `audit`."""

import json
import sys

import click


def _known_role(_context: click.Context, _option: click.Parameter, role: str) -> str:
    from cis_power.access.permissions import GRANTABLE_ROLES

    if role not in GRANTABLE_ROLES:
        raise click.BadParameter(f"is not one of {', '.join(GRANTABLE_ROLES)}")
    return role


_role = click.option("--role", required=True, callback=_known_role, help="What the account may do.")
_districts = click.option(
    "--district", "districts", multiple=True, help="Code of a district it may see; several may be given; none: all."
)
_password = click.option(
    "--password-stdin", is_flag=True, required=True, help="Read the password from standard input (the only way)."
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _password_from_stdin() -> str:
    return sys.stdin.readline().rstrip("\r\n")


@click.group()
def user() -> None:
    """People who may log in."""


@user.command("add")
@click.argument("name")
@_role
@_districts
@_password
def add(name: str, role: str, districts: tuple[str, ...], password_stdin: bool) -> None:
    """Create a user."""
    from cis_power.access.installation import Installation
    from cis_power.access.writes import add_user

    here, given = Installation.open(), _password_from_stdin()
    with here.acting() as (session, viewer, now):
        add_user(session, viewer, here.trail, now, name=name, role=role, password=given, districts=districts)


@user.command("grant")
@click.argument("name")
@_role
@_districts
def grant_rights(name: str, role: str, districts: tuple[str, ...]) -> None:
    """Give a user another role and other districts; his sessions end."""
    from cis_power.access.installation import Installation
    from cis_power.access.writes import grant

    here = Installation.open()
    with here.acting() as (session, viewer, now):
        grant(session, viewer, here.trail, now, name=name, role=role, districts=districts)


@user.command("password")
@click.argument("name")
@_password
def password(name: str, password_stdin: bool) -> None:
    """Set a user's password; his sessions end."""
    from cis_power.access.installation import Installation
    from cis_power.access.writes import change_password

    here, given = Installation.open(), _password_from_stdin()
    with here.acting() as (session, viewer, now):
        change_password(session, viewer, here.trail, now, name=name, password=given)


@user.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Disable a user; his sessions end."""
    from cis_power.access.installation import Installation
    from cis_power.access.writes import disable_user

    here = Installation.open()
    with here.acting() as (session, viewer, now):
        disable_user(session, viewer, here.trail, now, name=name)


@user.command("list")
@_as_json
def list_all(as_json: bool) -> None:
    """List users, their roles and districts."""
    from cis_power.access.installation import Installation
    from cis_power.access.reads import list_users
    from cis_power.core.time import iso

    here = Installation.open()
    with here.database.reading() as session:
        rows = list_users(session, here.viewer)
    if as_json:
        listed = [
            {
                "name": row.user_name,
                "role": row.role,
                "districts": list(row.districts),
                "created_at": iso(row.created_at, here.settings.zone),
                "disabled_at": row.disabled_at and iso(row.disabled_at, here.settings.zone),
            }
            for row in rows
        ]
        click.echo(json.dumps(listed, ensure_ascii=False, indent=2))
        return
    for row in rows:
        where = ", ".join(row.districts) or "the whole utility"
        state = "active" if row.disabled_at is None else "disabled"
        click.echo(f"{row.user_name}\t{row.role}\t{where}\t{state}")


@click.group()
def key() -> None:
    """Keys of machines that use the API."""


@key.command("add")
@click.argument("name")
@_role
@_districts
@click.option("--expires", help="When it ends: a date or time, local to the utility without an offset.")
def add_machine_key(name: str, role: str, districts: tuple[str, ...], expires: str | None) -> None:
    """Issue a key and print it: it cannot be seen again."""
    from cis_power.access.installation import Installation
    from cis_power.access.writes import add_key
    from cis_power.core.time import parse_instant

    here = Installation.open()
    try:
        expires_at = parse_instant(expires, here.settings.zone) if expires else None
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--expires") from None
    with here.acting() as (session, viewer, now):
        issued = add_key(
            session, viewer, here.trail, now, name=name, role=role, districts=districts, expires_at=expires_at
        )
    click.echo(issued)


@key.command("revoke")
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke a key for good."""
    from cis_power.access.installation import Installation
    from cis_power.access.writes import revoke_key

    here = Installation.open()
    with here.acting() as (session, viewer, now):
        revoke_key(session, viewer, here.trail, now, name=name)


@click.group()
def audit() -> None:
    """The tamper-evident record of who did what."""


@audit.command("verify")
@_as_json
def verify(as_json: bool) -> None:
    """Check the whole chain against its anchor; exit 1 when anything was changed, removed or put back."""
    from cis_power.access.installation import Installation

    here = Installation.open()
    with here.database.reading() as session:
        entries, problems = here.trail.verify(session)
    if as_json:
        found = {"entries": entries, "problems": [problem.as_dict() for problem in problems]}
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        for problem in problems:
            click.echo(str(problem))
        click.echo(f"{entries} entries, {len(problems)} problems")
    if problems:
        sys.exit(1)


@audit.command("anchor")
@click.option("--reason", required=True, help="Why, for example: restored from the backup of a date.")
def anchor(reason: str) -> None:
    """Take the present state as the true one after a restore; the record of it says who and why."""
    from cis_power.access.installation import Installation

    here = Installation.open()
    with here.acting() as (session, viewer, now):
        here.trail.anchor_anew(session, viewer, now, reason=reason)
