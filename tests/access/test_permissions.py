"""The table of roles: what design says about the three administrators, and that the table is closed."""

import re
from pathlib import Path

import pytest

from cis_power.access.permissions import GRANTABLE_ROLES, PERMISSIONS, ROLES, may
from cis_power.access.viewer import Viewer, system_viewer
from cis_power.core.errors import Forbidden

ADMINISTRATORS = ("sysadmin", "secadmin", "auditor")


def viewer(role: str) -> Viewer:
    return Viewer("somebody", role, None, "user", 1)


def test_every_permission_is_scope_resource_action_and_held_by_a_role_that_can_be_granted():
    held = set().union(*(ROLES[role] for role in GRANTABLE_ROLES))
    for permission in PERMISSIONS:
        assert re.fullmatch(r"[a-z]+:[a-z]+:[a-z]+", permission)
    cli_only = {"network:model:write"}
    assert set(PERMISSIONS) - held == cli_only


@pytest.mark.parametrize("role", ADMINISTRATORS)
def test_no_administrator_comes_near_customers_money_network_or_outages(role):
    scopes = {permission.split(":")[0] for permission in ROLES[role]}
    assert scopes <= {"session", "system", "access"}


def test_the_three_administrators_share_nothing_but_their_own_session():
    for one in ADMINISTRATORS:
        for other in ADMINISTRATORS:
            if one != other:
                assert ROLES[one] & ROLES[other] == {"session:self:use"}


def test_only_the_system_viewer_holds_everything_and_nobody_can_be_made_it():
    assert ROLES["system"] == set(PERMISSIONS)
    assert "system" not in GRANTABLE_ROLES
    assert all(ROLES[role] != set(PERMISSIONS) for role in GRANTABLE_ROLES)


def test_a_permission_that_is_not_in_the_table_is_an_error_not_a_no():
    with pytest.raises(KeyError):
        may("agent", "customers:record:reed")
    with pytest.raises(ValueError, match="unknown role"):
        viewer("root")


def test_require_refuses_in_words_without_saying_what_lies_behind():
    with pytest.raises(Forbidden, match="agent"):
        viewer("agent").require("access:audit:read")
    viewer("auditor").require("access:audit:read")


def test_the_actor_is_a_surrogate_for_people_and_a_name_for_the_system():
    assert viewer("agent").actor == "user:1"
    assert system_viewer("root", kind="cli").actor == "cli:root"
    assert system_viewer("retention").actor == "system:retention"


def test_the_table_of_permissions_is_documented_as_it_is():
    documented = {}
    for line in (Path(__file__).parents[2] / "docs" / "access.md").read_text("utf-8").splitlines():
        if match := re.fullmatch(r"\| `([a-z]+:[a-z]+:[a-z]+)` \| (.+) \| (.+) \|", line):
            documented[match[1]] = (match[2], match[3])
    everywhere, nowhere = "every role", "the command line only"
    held = {name: [role for role in GRANTABLE_ROLES if name in ROLES[role]] for name in PERMISSIONS}
    assert documented == {
        name: (words, everywhere if len(held[name]) == len(GRANTABLE_ROLES) else ", ".join(held[name]) or nowhere)
        for name, words in PERMISSIONS.items()
    }
