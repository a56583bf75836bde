"""The audit trail (S7): six kinds of tampering are found; an act whose record cannot be written does not happen."""

import shutil
from datetime import timedelta
from threading import Thread

import pytest
from sqlalchemy import delete, select, update

from cis_power.access.models import AuditEntry, User
from cis_power.access.viewer import system_viewer
from cis_power.access.writes import add_user
from cis_power.core.errors import Unavailable

VIEWER = system_viewer("tester", kind="cli")


def write(database, trail, now, count=1, first=0):
    for number in range(first, first + count):
        with database.transaction() as session:
            detail = {"number": number, "名": "值", "share": 0.1}
            trail.append(
                session, VIEWER, "tests:act:do", now + timedelta(seconds=number, microseconds=7), detail=detail
            )


def codes(database, trail):
    with database.reading() as session:
        return [problem.code for problem in trail.verify(session)[1]]


def edit(session):
    session.execute(update(AuditEntry).where(AuditEntry.id == 3).values(detail={"number": 99}))


def delete_one(session):
    session.execute(delete(AuditEntry).where(AuditEntry.id == 3))


def reorder(session):
    for before, after in ((3, 103), (4, 3), (103, 4)):
        session.execute(update(AuditEntry).where(AuditEntry.id == before).values(id=after))


def cut_tail(session):
    session.execute(delete(AuditEntry).where(AuditEntry.id > 4))


@pytest.fixture
def six_acts(database, trail, now):
    write(database, trail, now, 6)
    assert codes(database, trail) == []
    return database


@pytest.mark.parametrize(
    ("tamper", "found"),
    [(edit, "entry_changed"), (delete_one, "entry_missing"), (reorder, "entry_changed"), (cut_tail, "tail_missing")],
)
def test_tampering_in_the_database_is_found(six_acts, trail, tamper, found):
    with six_acts.transaction() as session:
        tamper(session)
    assert found in codes(six_acts, trail)


@pytest.mark.parametrize("column", ["occurred_at", "actor", "role", "action", "object_kind", "object_id", "outcome"])
def test_no_column_can_be_changed_unseen(six_acts, trail, now, column):
    with six_acts.transaction() as session:
        session.execute(
            update(AuditEntry).where(AuditEntry.id == 2).values({column: now if column == "occurred_at" else "x"})
        )
    assert codes(six_acts, trail) == ["entry_changed"]


@pytest.mark.parametrize("appended", [1, 2, 3, 10])
def test_a_cut_tail_stays_found_when_the_system_goes_on_writing(six_acts, trail, now, appended):
    with six_acts.transaction() as session:
        cut_tail(session)
    write(six_acts, trail, now, appended, first=50)
    assert codes(six_acts, trail)[-1] in ("tail_missing", "anchor_differs")


def test_an_old_copy_of_the_database_is_found(sqlite_database, trail, now, tmp_path):
    file = sqlite_database.url.database
    write(sqlite_database, trail, now, 3)
    sqlite_database.dispose()
    shutil.copyfile(file, tmp_path / "old.db")
    write(sqlite_database, trail, now, 3, first=3)
    assert codes(sqlite_database, trail) == []
    sqlite_database.dispose()
    shutil.copyfile(tmp_path / "old.db", file)
    assert codes(sqlite_database, trail) == ["tail_missing"]
    write(sqlite_database, trail, now, 9, first=30)
    assert codes(sqlite_database, trail) == ["anchor_differs"]


def test_a_lost_anchor_is_found_and_not_replaced_in_silence(six_acts, trail, now, tmp_path):
    (tmp_path / "run" / "audit.anchor").unlink()
    write(six_acts, trail, now, 2, first=6)
    assert codes(six_acts, trail) == ["anchor_missing"]


def test_after_a_restore_somebody_vouches_for_the_present_state_by_name(six_acts, trail, now):
    with six_acts.transaction() as session:
        cut_tail(session)
    with six_acts.transaction() as session:
        trail.anchor_anew(session, VIEWER, now, reason="restored from the backup of Monday")
    assert codes(six_acts, trail) == []
    write(six_acts, trail, now, 2, first=6)
    assert codes(six_acts, trail) == []
    with six_acts.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "access:audit:anchor")).one()
    assert entry.detail == {"reason": "restored from the backup of Monday", "former_number": 6}


def test_an_entry_newer_than_the_anchor_is_no_problem(six_acts, trail, now, tmp_path):
    file = tmp_path / "run" / "audit.anchor"
    older = file.read_bytes()
    write(six_acts, trail, now, 1, first=6)
    file.write_bytes(older)  # as after a kill between the commit and the anchor
    assert codes(six_acts, trail) == []
    write(six_acts, trail, now, 1, first=7)
    assert codes(six_acts, trail) == []
    assert file.read_bytes() != older


def test_an_act_that_is_rolled_back_leaves_neither_entry_nor_anchor(six_acts, trail, now):
    with pytest.raises(ZeroDivisionError), six_acts.transaction() as session:
        trail.append(session, VIEWER, "tests:act:do", now)
        raise ZeroDivisionError
    assert codes(six_acts, trail) == []
    write(six_acts, trail, now, 1, first=6)
    assert codes(six_acts, trail) == []


def test_an_act_whose_record_cannot_be_written_does_not_happen(database, trail, now, tmp_path):
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="audit"), database.transaction() as session:
        add_user(session, VIEWER, trail, now, name="mallory", role="agent", password="correct horse")
    with database.reading() as session:
        assert session.scalars(select(User)).all() == []


def test_writers_at_the_same_time_make_one_chain(database, trail, now):
    writers = [Thread(target=write, args=(database, trail, now, 10, first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with database.reading() as session:
        count, problems = trail.verify(session)
    assert (count, problems) == (30, [])


def test_the_tail_alone_tells_of_what_happened_to_it(six_acts, trail, now, tmp_path):
    database = six_acts
    with database.reading() as session:
        for last in (1, 2, 6, 100):
            assert trail.verify_tail(session, last) == (6, []), last
    with database.transaction() as session:
        session.execute(update(AuditEntry).where(AuditEntry.id == 5).values(actor="user:9"))
    with database.reading() as session:
        assert [problem.code for problem in trail.verify_tail(session, 2)[1]] == ["entry_changed"]
    with database.transaction() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.id >= 5))
    with database.reading() as session:
        assert [problem.code for problem in trail.verify_tail(session, 2)[1]] == ["tail_missing"]
