"""Money in the file = posted + rejected, to the cent, however often, by whom and from where a file comes."""

import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import func, select

from cis_power.core.batches.reentry import reenter
from cis_power.core.db import Database
from cis_power.core.layouts import find_layout
from cis_power.core.layouts.values import money
from cis_power.core.models import Batch, BatchReject
from cis_power.customers.models import (
    Bill,
    Customer,
    CustomerAccount,
    CustomerAgreement,
    Payment,
    UsagePoint,
    UsagePointTerms,
)
from cis_power.metering.models import Meter, MeterInstallation
from tests.billing_bridge.files import NOW, SETTINGS, customers_text, payments_text, plain_customers, put
from tests.command_line import CommandLine

POST_AND_DIE = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
from tests.billing_bridge.files import SETTINGS
from cis_power.core.batches import Import, import_file
from cis_power.core.db import Database
from cis_power.core.layouts import find_layout

url, path, chunks, kind = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
seen = 0

def after_chunk(done, rows):
    global seen
    seen += 1
    if seen == chunks:
        os.kill(os.getpid(), signal.SIGKILL)

import cis_power.core.batches.importing as importing
importing._FIRST_CHUNK = importing._LARGEST_CHUNK["sqlite"] = importing._LARGEST_CHUNK["postgresql"] = 100
layout = find_layout(kind)
task = Import(layout, path, "cli:test", datetime.now(UTC), file_name=path.name, after_chunk=after_chunk)
print(import_file(Database(url), SETTINGS, task).as_dict())
"""


def posted(database: Database) -> tuple[int, Decimal]:
    with database.reading() as session:
        amounts = session.scalars(select(Payment.amount)).all()
    return len(amounts), sum(amounts, Decimal(0))


def rejected(database: Database) -> tuple[int, Decimal]:
    with database.reading() as session:
        query = select(BatchReject.content).where(BatchReject.state == "open")
        amounts = [money(content.get("amount", "")) or Decimal(0) for content in session.scalars(query)]
    return len(amounts), sum(amounts, Decimal(0))


def in_order(database: Database, rows: int, total: Decimal) -> None:
    (good, good_sum), (bad, bad_sum) = posted(database), rejected(database)
    assert (good + bad, good_sum + bad_sum) == (rows, total)


def test_good_rows_post_and_bad_ones_are_kept_with_line_and_reason(database):
    put(database, "customers", plain_customers(2))
    text = (
        "batch_no,account_no,paid_at,amount,currency,method,reference\n"
        "P1,A1,2026-11-01T10:00:00+08:00,10.10,CNY,bank,R1\n"
        "P1,A2,2026-11-31,1.00,CNY,bank,R2\n"
        "P1,A2,2026-11-01,x,CNY,bank,R3\n"
        "P1,A9,2026-11-01,5.00,CNY,bank,R4\n"
        "P1,A2,2026-11-01,2.00,CNY,bank,R5,cut\n"
        "#TRAILER,5,18.10\n"
    )
    result = put(database, "payments", text)
    assert (result.rows, result.accepted, result.rejected, result.unchanged, result.ok) == (5, 1, 4, 0, False)
    assert [(problem.line, problem.field, problem.code) for problem in result.problems] == [
        (3, "paid_at", "bad_time"),
        (4, "amount", "bad_amount"),
        (5, "account_no", "unknown_account"),
        (6, None, "wrong_field_count"),
    ]
    in_order(database, 5, Decimal("18.10"))
    with database.reading() as session:
        kept = session.scalars(select(BatchReject).order_by(BatchReject.line)).all()
        batch = session.get_one(Batch, result.batch)
    assert [(reject.line, reject.problems[0]["code"]) for reject in kept][2] == (5, "unknown_account")
    assert kept[2].content["amount"] == "5.00"
    assert batch.control == {
        "zone": "Asia/Shanghai", "total": "18.10", "accepted": "10.10", "unchanged": "0", "rejected": "8.00",
    }  # fmt: skip


@pytest.mark.parametrize("trailer", ["", "#TRAILER,29,{total}\n", "#TRAILER,30,{more}\n"])
def test_a_bad_trailer_posts_nothing_and_a_mended_file_does(database, trailer):
    put(database, "customers", plain_customers(5))
    text, total = payments_text(30, 5)
    bad = text[: text.index("#TRAILER")] + trailer.format(total=total, more=total + 1)
    for _ in range(2):
        result = put(database, "payments", bad)
        assert (result.accepted, result.unchanged, result.refused, result.ok) == (0, 0, True, False)
        assert posted(database) == (0, 0)
        assert rejected(database) == (0, 0)
    assert put(database, "payments", text).accepted == 26
    in_order(database, 30, total)


def test_the_same_file_ten_times_under_other_names_posts_once(database):
    put(database, "customers", plain_customers(5))
    text, total = payments_text(200, 5)
    first = put(database, "payments", text, file_name="one.csv")
    for turn in range(10):
        again = put(database, "payments", text, file_name=f"other{turn}.csv")
        assert (again.batch, again.rows, again.accepted, again.unchanged, again.ok) == (first.batch, 200, 0, 200, True)
    in_order(database, 200, total)


def test_another_file_with_the_same_payments_changes_nothing(database):
    put(database, "customers", plain_customers(5))
    text, total = payments_text(20, 5, bad_every=99)
    put(database, "payments", text)
    again = put(database, "payments", text.replace("batch_no,", "Batch_No,"))
    assert (again.accepted, again.rejected, again.unchanged) == (0, 0, 20)
    changed = text.replace(",bank,R3", ",cash,R3")
    result = put(database, "payments", changed)
    assert (result.accepted, result.rejected, result.unchanged) == (0, 1, 19)
    assert [problem.code for problem in result.problems] == ["payment_differs"]
    assert posted(database) == (20, total)


def test_rejects_re_enter_once_what_they_lacked_is_there(database):
    put(database, "customers", plain_customers(5))
    text, total = payments_text(14, 5)
    first = put(database, "payments", text)
    assert first.rejected == 2
    put(database, "customers", customers_text([{"account_no": "X7", "name": "Late", "usage_point": "UX7"}]))
    again = reenter(database, SETTINGS, find_layout("payments"), first.batch, who="cli:test", now=NOW.replace(minute=1))
    assert (again.accepted, again.rejected) == (1, 1)
    in_order(database, 14, total)
    more = reenter(database, SETTINGS, find_layout("payments"), first.batch, who="cli:test", now=NOW.replace(minute=2))
    assert (more.rows, more.accepted, more.rejected) == (1, 0, 1)
    in_order(database, 14, total)


def test_a_mended_file_closes_its_rejects(database):
    put(database, "customers", plain_customers(5))
    text, total = payments_text(14, 5)
    first = put(database, "payments", text)
    mended = text.replace("X7", "A1").replace("X14", "A2")
    result = put(database, "payments", mended)
    assert (result.accepted, result.rejected, result.unchanged) == (2, 0, 12)
    assert posted(database) == (14, total)
    with database.reading() as session:
        states = session.execute(select(BatchReject.state, BatchReject.reentered_batch_id)).all()
    assert states == [("reentered", result.batch)] * 2
    assert first.batch != result.batch


def run(url: str, path: Path, chunks: int, kind: str = "payments") -> subprocess.Popen[str]:
    command = [sys.executable, "-c", POST_AND_DIE, url, str(path), str(chunks), kind]
    root = Path(__file__).parents[2]
    return subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_at_several_points_it_goes_on_exactly(database, database_url, tmp_path):
    put(database, "customers", plain_customers(20))
    text, total = payments_text(1_000, 20)
    path = tmp_path / "payments.csv"
    path.write_text(text)
    done = 0
    for chunks in (1, 3, 2):
        process = run(database_url, path, chunks)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        done += chunks * 100
        (good, _), (bad, _) = posted(database), rejected(database)
        assert good + bad == done
    result = put(database, "payments", text)
    assert (result.rows, result.accepted, result.rejected, result.unchanged) == (1_000, 858, 142, 0)
    assert len([problem for problem in result.problems if problem.severity == "error"]) == 142
    in_order(database, 1_000, total)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Batch).where(Batch.kind == "payments")) == 1


@pytest.mark.soak
def test_killed_fifty_times_it_goes_on_exactly(database, database_url, tmp_path):
    put(database, "customers", plain_customers(20))
    text, total = payments_text(10_000, 20)
    path = tmp_path / "payments.csv"
    path.write_text(text)
    for turn in range(1, 51):
        process = run(database_url, path, 1 + turn % 2)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    assert put(database, "payments", text).rows == 10_000
    in_order(database, 10_000, total)


def test_killed_at_any_moment_it_goes_on_exactly(database, database_url, tmp_path):
    put(database, "customers", plain_customers(20))
    text, total = payments_text(4_000, 20)
    path = tmp_path / "payments.csv"
    path.write_text(text)
    for pause in (0.05, 0.15, 0.3):
        process = run(database_url, path, 10_000)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and process.poll() is None and posted(database)[0] == 0:
            time.sleep(0.01)
        time.sleep(pause)
        process.kill()
        process.communicate(timeout=30)
        (good, good_sum), (bad, _) = posted(database), rejected(database)
        with database.reading() as session:
            batch = session.scalars(select(Batch).where(Batch.kind == "payments")).one()
        assert good + bad == batch.rows_done == batch.accepted + batch.rejected
        if batch.control["accepted"] != "0":
            assert Decimal(batch.control["accepted"]) == good_sum
    put(database, "payments", text)
    in_order(database, 4_000, total)


def test_two_importers_in_parallel_post_once(database, database_url, tmp_path):
    put(database, "customers", plain_customers(20))
    text, total = payments_text(3_000, 20)
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path in paths:
        path.write_text(text)
    processes = [run(database_url, path, 10_000) for path in paths]
    outputs = [process.communicate(timeout=90) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    in_order(database, 3_000, total)
    answers = [eval(out) for out, _ in outputs]
    assert sorted((answer["accepted"], answer["unchanged"]) for answer in answers) == [(0, 3_000), (2_572, 0)]
    assert len({answer["batch"] for answer in answers}) == 1


def test_customers_killed_and_in_parallel_are_there_once(database, database_url, tmp_path):
    path, other = tmp_path / "customers.csv", tmp_path / "others.csv"
    path.write_text(plain_customers(600))
    other.write_text(plain_customers(700))  # overlaps with the first, and is another file
    killed = run(database_url, path, 2, "customers")
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    processes = [run(database_url, file, 10_000, "customers") for file in (path, path, other)]
    outputs = [process.communicate(timeout=90) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    with database.reading() as session:
        counts = [session.scalar(select(func.count()).select_from(model)) for model in (
            Customer, CustomerAccount, UsagePoint, UsagePointTerms, CustomerAgreement, Meter, MeterInstallation,
        )]  # fmt: skip
        batches = session.scalars(select(Batch)).all()
    assert counts == [700] * 7
    assert sorted((batch.rows, batch.status, batch.rejected) for batch in batches) == [
        (600, "posted", 0), (700, "posted", 0),
    ]  # fmt: skip
    assert sum(batch.accepted for batch in batches) == 700


def test_a_bill_that_comes_again_is_restated(database):
    put(database, "customers", plain_customers(2))
    text = "bill_no,account_no,issued_on,amount,energy_kwh\nB1,A1,2026-02-01,10.50,20\nB2,A2,2026-02-01,1.00,\n"
    assert put(database, "bills", text).accepted == 2
    result = put(database, "bills", text.replace("10.50", "11.50"))
    assert (result.accepted, result.unchanged) == (1, 1)
    with database.reading() as session:
        assert session.scalars(select(Bill.amount).order_by(Bill.bill_no)).all() == [Decimal("11.50"), Decimal("1.00")]


def test_the_command_line_keeps_the_contract(cli: CommandLine, tmp_path: Path):
    (tmp_path / "c.csv").write_text(plain_customers(5))
    assert cli("import", "customers", tmp_path / "c.csv", "--json").json["accepted"] == 5
    text, total = payments_text(14, 5)
    (tmp_path / "p.csv").write_text(text)
    first = cli("import", "payments", tmp_path / "p.csv", "--json", expect=1).json
    assert set(first) == {"batch", "rows", "accepted", "rejected", "unchanged", "problems"}
    assert set(first["problems"][0]) == {"line", "field", "code", "severity", "message"}
    (tmp_path / "q.csv").write_text(text)
    again = cli("import", "payments", tmp_path / "q.csv", "--json").json
    assert (again["batch"], again["accepted"], again["unchanged"]) == (first["batch"], 0, 14)
    (tmp_path / "bad.csv").write_text(text.replace("#TRAILER,14", "#TRAILER,15"))
    bad = cli("import", "payments", tmp_path / "bad.csv", "--json", expect=1).json
    assert bad["accepted"] == 0
    assert bad["problems"][0]["code"] == "bad_trailer"
    odd = tmp_path / "a\x1b[31m\udcffb.csv"
    odd.write_text(text.replace("bank,R1\n", "cash,R1\n"))
    shown = cli("import", "payments", odd, "--json", expect=1).json
    assert cli("batch", "show", shown["batch"], "--json").json["file_name"] == "a\ufffd[31m\ufffdb.csv"
    cli("import", "nothing", tmp_path / "p.csv", expect=2)
    cli("import", "payments", tmp_path / "absent.csv", expect=2)
    piped = cli("import", "payments", "/dev/stdin", "--json", input=text).json
    assert (piped["batch"], piped["unchanged"]) == (first["batch"], 14)
    assert isinstance(cli("batch", "list", "--json").json, list)
    shown = cli("batch", "show", first["batch"], "--json").json
    assert shown["control"]["total"] == str(total)
    assert [reject["line"] for reject in shown["rejects"]] == [8, 15]
    cli("batch", "show", 999, expect=1)
    cli("audit", "verify")
    rejects = cli("batch", "rejects", first["batch"]).out
    (tmp_path / "mended.csv").write_text(rejects.replace("X7", "A1").replace("X14", "A2"))
    assert cli("import", "payments", tmp_path / "mended.csv", "--json").json["accepted"] == 2
    assert cli("batch", "retry", first["batch"], "--json").json["rows"] == 0


def test_without_an_audit_nothing_is_posted(cli: CommandLine, tmp_path: Path):
    (tmp_path / "c.csv").write_text(plain_customers(5))
    cli.run_dir.parent.mkdir(exist_ok=True)
    cli.run_dir.write_text("not a folder")
    cli("import", "customers", tmp_path / "c.csv", expect=1)
    database = Database(cli.database_url)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Batch)) == 0
    database.dispose()
