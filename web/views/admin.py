"""Administration, each page for its own administrator: users and keys, the audit trail."""

from datetime import date
from typing import Annotated

from flask import Blueprint, Response, make_response, redirect, render_template
from pydantic import Field

from cis_power.access.permissions import GRANTABLE_ROLES
from cis_power.access.reads import AuditRow, KeyRow, UserRow, list_audit, list_keys, list_users
from cis_power.access.writes import add_key, add_user, change_password, disable_user, grant, revoke_key
from cis_power.core.time import day_bounds
from web.formats import Listing, columns_of, list_response
from web.gate import access
from web.lists import list_route
from web.paging import Page, make_cursor
from web.shell import now, reading, shell, viewer
from web.values import Input, Sample, Text

admin = Blueprint("admin", __name__)

AccountName = Annotated[Text, Field(min_length=1, max_length=64), Sample("new_user")]
Password = Annotated[Text, Field(min_length=1, max_length=256), Sample("password")]
Role = Annotated[Text, Field(max_length=20), Sample("role")]
Districts = Annotated[Text, Field(max_length=2000), Sample("districts")]


class NewUser(Input):
    """A person to be let in; `districts` are codes with commas between them, none is the whole utility."""

    name: AccountName
    role: Role
    password: Password
    districts: Districts = ""


class Grant(Input):
    """Another role and other districts."""

    role: Role
    districts: Districts = ""


class NewPassword(Input):
    """A password to be set."""

    password: Password


class NewKey(Input):
    """A machine to be let in."""

    name: AccountName
    role: Role
    districts: Districts = ""
    last_on: date | None = None


def _codes(districts: str) -> list[str]:
    return [code.strip() for code in districts.split(",") if code.strip()]


@admin.get("/admin")
@access("access:user:read", "access:audit:read", "system:setting:read")
def home() -> Response:
    """Show what this administrator administers."""
    return make_response(render_template("admin/home.html"))


@list_route(admin, "/admin/users")
@access("access:user:read", query=Page)
def users(query: Page, file_format: str) -> Response:
    """List people and their rights."""
    with reading() as session:
        rows = list_users(session, viewer())
    listing = Listing("users", columns_of(UserRow), rows)
    return list_response(listing, file_format, "admin/users.html", roles=GRANTABLE_ROLES)


@admin.post("/admin/users")
@access("access:user:write", body=NewUser)
def create_user(body: NewUser) -> Response:
    """Create a user."""
    with shell().database.transaction() as session:
        add_user(
            session, viewer(), shell().trail, now(), name=body.name, role=body.role, password=body.password,
            districts=_codes(body.districts),
        )  # fmt: skip
    return make_response(redirect("/admin/users", 303))


@admin.post("/admin/users/<user:name>/grant")
@access("access:user:write", body=Grant)
def grant_rights(name: str, body: Grant) -> Response:
    """Give a user another role and other districts."""
    with shell().database.transaction() as session:
        grant(session, viewer(), shell().trail, now(), name=name, role=body.role, districts=_codes(body.districts))
    return make_response(redirect("/admin/users", 303))


@admin.post("/admin/users/<user:name>/password")
@access("access:user:write", body=NewPassword)
def set_password(name: str, body: NewPassword) -> Response:
    """Set a user's password."""
    with shell().database.transaction() as session:
        change_password(session, viewer(), shell().trail, now(), name=name, password=body.password)
    return make_response(redirect("/admin/users", 303))


@admin.post("/admin/users/<user:name>/disable")
@access("access:user:write")
def disable(name: str) -> Response:
    """Disable a user."""
    with shell().database.transaction() as session:
        disable_user(session, viewer(), shell().trail, now(), name=name)
    return make_response(redirect("/admin/users", 303))


@list_route(admin, "/admin/keys")
@access("access:key:read", query=Page)
def keys(query: Page, file_format: str) -> Response:
    """List machine keys."""
    with reading() as session:
        rows = list_keys(session, viewer())
    listing = Listing("keys", columns_of(KeyRow), rows)
    return list_response(listing, file_format, "admin/keys.html", roles=GRANTABLE_ROLES)


@admin.post("/admin/keys")
@access("access:key:write", body=NewKey)
def create_key(body: NewKey) -> Response:
    """Issue a key and show it, this once; it is good to the end of its last day."""
    expires_at = day_bounds(body.last_on, shell().settings.zone)[1] if body.last_on else None
    with shell().database.transaction() as session:
        issued = add_key(
            session, viewer(), shell().trail, now(), name=body.name, role=body.role, districts=_codes(body.districts),
            expires_at=expires_at,
        )  # fmt: skip
    return make_response(render_template("admin/key.html", name=body.name, key=issued), 201)


@admin.post("/admin/keys/<user:name>/revoke")
@access("access:key:write")
def revoke(name: str) -> Response:
    """Revoke a key."""
    with shell().database.transaction() as session:
        revoke_key(session, viewer(), shell().trail, now(), name=name)
    return make_response(redirect("/admin/keys", 303))


@list_route(admin, "/admin/audit")
@access("access:audit:read", query=Page)
def audit(query: Page, file_format: str) -> Response:
    """List acts, newest first."""
    position = query.position()
    with reading() as session:
        rows = list_audit(session, viewer(), before=position[0] if position else None, limit=query.rows() + 1)
    shown = rows[: query.rows()]
    following = make_cursor([shown[-1].number]) if len(rows) > len(shown) else None
    return list_response(Listing("audit", columns_of(AuditRow), shown, following), file_format, "admin/audit.html")


@admin.get("/admin/audit/verification")
@access("access:audit:read")
def verification() -> Response:
    """Verify the whole trail now."""
    with reading() as session:
        entries, problems = shell().trail.verify(session)
    return make_response(render_template("admin/verification.html", entries=entries, problems=problems))
