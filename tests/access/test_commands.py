"""The commands `user`, `key` and `audit`, as a person at the command line meets them."""

import sqlite3

import pytest


def test_users_are_added_listed_and_disabled(cli):
    cli("user", "add", "ann", "--role", "agent", "--password-stdin", input="correct horse\n")
    cli("user", "password", "ann", "--password-stdin", input="another horse\n")
    cli("user", "disable", "ann")
    (listed,) = cli("user", "list", "--json").json
    assert (listed["name"], listed["role"], listed["districts"]) == ("ann", "agent", [])
    assert listed["disabled_at"]
    assert cli("user", "list").out == "ann\tagent\tthe whole utility\tdisabled\n"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("user", "add", "ann", "--role", "king", "--password-stdin"), 2, "is not one of"),
        (("user", "add", "ann", "--role", "agent"), 2, "--password-stdin"),
        (("user", "add", "ann", "--role", "agent", "--district", "X", "--password-stdin"), 1, "there is no district X"),
        (("user", "disable", "nobody"), 1, "there is no user nobody"),
        (("key", "add", "hub", "--role", "billing", "--expires", "tomorrow"), 2, "ISO 8601"),
        (("key", "revoke", "nobody"), 1, "there is no key nobody"),
    ],
)
def test_wrong_use_and_wrong_input_are_told_apart(cli, arguments, code, words):
    answer = cli(*arguments, input="correct horse\n", expect=code)
    assert words in answer.err
    assert answer.out == ""


def test_a_key_is_all_that_is_printed(cli):
    answer = cli("key", "add", "hub", "--role", "billing", "--expires", "2999-01-01")
    assert answer.out.startswith("cis_")
    assert len(answer.out.split()) == 1
    cli("key", "revoke", "hub")


def test_the_audit_is_verified_and_tampering_found(cli, sqlite_url):
    cli("key", "add", "hub", "--role", "billing")
    cli("key", "revoke", "hub")
    assert cli("audit", "verify", "--json").json == {"entries": 2, "problems": []}
    with sqlite3.connect(sqlite_url.removeprefix("sqlite:///")) as connection:
        connection.execute("DELETE FROM audit_entry WHERE id = 2")
    connection.close()
    found = cli("audit", "verify", "--json", expect=1).json
    assert [problem["code"] for problem in found["problems"]] == ["tail_missing"]
    cli("audit", "anchor", "--reason", "the test cut it")
    cli("audit", "verify")
