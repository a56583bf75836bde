"""Tables of codes are filled by import; the standard causes silence the warnings they would otherwise cause."""

from typing import Any

from sqlalchemy import select

from cis_power.core.db import Database
from cis_power.core.models import ChangeEntry, Code
from tests.billing_bridge.files import put
from tests.command_line import CommandLine

HEAD = "kind,code,label_en,label_zh,group,active\n"


def entries(database: Database) -> dict[str, tuple[Any, ...]]:
    with database.reading() as session:
        return {
            row.code: (row.label_en, row.label_zh, row.attributes, row.active) for row in session.scalars(select(Code))
        }


def test_entries_are_made_and_changed_and_what_is_empty_stays(database: Database) -> None:
    first = put(database, "codes", HEAD + "cause,kite,Kite,风筝,public,\ntrouble,dark,,,,\n")
    assert (first.accepted, first.problems) == (2, [])
    assert entries(database) == {
        "kite": ("Kite", "风筝", {"group": "public"}, True),
        "dark": ("dark", "dark", {}, True),
    }
    second = put(database, "codes", HEAD + "cause,kite,Kite on the line,,,\ntrouble,dark,,,,false\n")
    assert second.accepted == 2
    assert entries(database) == {
        "kite": ("Kite on the line", "风筝", {"group": "public"}, True),
        "dark": ("dark", "dark", {}, False),
    }
    third = put(database, "codes", HEAD + "cause,kite,,,public,\ntrouble,dark,dark,,,\n")
    assert (third.accepted, third.unchanged) == (0, 2)
    with database.reading() as session:
        kept = session.execute(select(ChangeEntry.field, ChangeEntry.old_value, ChangeEntry.new_value)).all()
    assert sorted(map(tuple, kept)) == [("active", "True", "False"), ("label_en", "Kite", "Kite on the line")]


def test_the_systems_own_marks_are_no_codes(database: Database) -> None:
    answer = put(database, "codes", HEAD + "installation,demo,,,,\n")
    assert (answer.accepted, answer.problems[0].code) == (0, "unknown_choice")


def test_imported_interruptions_of_standard_causes_have_no_warnings(cli: CommandLine) -> None:
    def imported(kind: str, *words: str) -> Any:
        return cli("import", kind, *words, "--json", expect=None).json

    customers, rows = cli.folder / "customers.csv", cli.folder / "interruptions.csv"
    customers.write_text("account_no,name,usage_point\nA1,Wang,U1\n")
    imported("customers", str(customers))
    rows.write_text(
        "outage_no,usage_point,began_at,restored_at,cause\nO1,U1,2026-01-02T03:00:00Z,2026-01-02T04:00:00Z,tree\n"
    )
    (warning,) = imported("interruptions", str(rows))["problems"]
    assert warning["code"] == "unknown_cause"
    standard = imported("codes", "--standard")
    assert standard["accepted"] == standard["rows"] > 30
    assert standard["problems"] == []
    assert imported("codes", "--standard")["unchanged"] == standard["rows"]
    rows.write_text(
        "outage_no,usage_point,began_at,restored_at,cause\nO2,U1,2026-02-02T03:00:00Z,2026-02-02T04:00:00Z,tree\n"
    )
    assert imported("interruptions", str(rows))["problems"] == []
    for words in (("codes", "--standard", str(rows)), ("readings", "--standard")):
        assert "goes with KIND codes" in cli("import", *words, expect=2).err
