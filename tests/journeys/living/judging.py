"""What was so against what the system says, by usage point; every difference has a class, or is a defect."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from cis_power.demo.people.truth import Happening
from tests.journeys.living.days import Watched
from tests.journeys.living.oracle import Moved, Oracle, Spell
from tests.journeys.living.shape import MASK, Shape

EXACT, POLLING, COMMUNICATION, REPORT = "exact", "polling", "communication", "report"
A_ROUND = timedelta(seconds=0.2)
AFTER_SILENCE = timedelta(seconds=60)  # a device that fell silent is asked ever more seldom, then found again


@dataclass
class Verdict:
    """Differences by class with their seconds; `defects` in words."""

    differences: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    defects: list[str] = field(default_factory=list)
    true_spells: int = 0
    ledger_rows: int = 0
    samples: int = 0

    def note(self, what: str, kind: str, seconds: float = 0.0) -> None:
        self.differences.setdefault((what, kind), []).append(seconds)

    def table(self) -> str:
        lines = [f"{'difference':<22}{'explained by':<16}{'count':>7}{'median s':>10}{'largest s':>11}"]
        for (what, kind), seconds in sorted(self.differences.items()):
            lines.append(f"{what:<22}{kind:<16}{len(seconds):>7}{median(seconds):>10.1f}{max(seconds):>11.1f}")
        lines.append(
            f"{self.true_spells} true spells, {self.ledger_rows} ledger rows, {self.samples} answers over HTTP"
        )
        lines.append(f"{len(self.defects)} defects")
        return "\n".join(lines)


def true_moves(truth: Iterable[Happening]) -> list[Moved]:
    """Moves of the field by its own log; a fuse blows in the phases of its fault."""
    faults: dict[object, Happening] = {}
    moves = []
    for told in truth:
        match told.event:
            case "fault":
                faults[told["id"]] = told
                if told["kind"] == "broken_conductor":
                    moves.append(Moved(told.at, told["equipment"], MASK[told["phases"]], "broken"))
            case "repaired":
                fault = faults[told["id"]]
                if fault["kind"] == "broken_conductor":
                    moves.append(Moved(told.at, fault["equipment"], 0, "mended"))
            case "open":
                mask = MASK[faults[told["fault"]]["phases"]] if told["by"] == "fuse" else 7
                moves.append(Moved(told.at, told["device"], mask, told["by"]))
            case "close":
                moves.append(Moved(told.at, told["device"], 0, told["by"]))
    return moves


def lost_by_log(truth: Iterable[Happening], until: datetime) -> dict[str, list[tuple[datetime, datetime | None]]]:
    """Spells of darkness as the log tells them."""
    open_now: dict[str, datetime] = {}
    found: dict[str, list] = {}
    for told in truth:
        if told.event == "lost":
            open_now |= dict.fromkeys(told["usage_points"], told.at)
        elif told.event == "restored":
            for point in told["usage_points"]:
                found.setdefault(point, []).append((open_now.pop(point), told.at))
    for point, began in open_now.items():
        found.setdefault(point, []).append((began, None))
    return found


class Judge:
    """Compares one run. `ledger`: usage point → (began, restored) in order."""

    def __init__(self, shape: Shape, watched: Watched, begin: datetime, end: datetime, poll_seconds: float) -> None:
        self._shape, self._watched, self._begin, self._end = shape, watched, begin, end
        self._poll = timedelta(seconds=poll_seconds)
        self._oracle = Oracle(shape)
        self._told = {edge.code for edge in shape.edges if edge.told}
        self._source = {}
        self.verdict = Verdict()

    def judge(self, ledger: dict[str, list[tuple[datetime, datetime | None]]]) -> Verdict:
        watched, oracle = self._watched, self._oracle
        truly = true_moves(watched.truth)
        self._check_simulator(oracle.spells(truly, self._end, dark=True))
        visible = [*watched.polled, *(moved for _, moved in watched.told)]
        expected = {p: s for p, s in oracle.spells(visible, self._end).items() if p in self._shape.served}
        self._check_ledger(expected, ledger)
        self._check_answers()
        self._check_delays(truly)
        true = {p: s for p, s in oracle.spells(truly, self._end).items() if p in self._shape.served}
        self.verdict.true_spells = sum(map(len, true.values()))
        for point in sorted(true.keys() | expected.keys()):
            self._compare(true.get(point, []), expected.get(point, []))
        return self.verdict

    # what must be equal

    def _check_simulator(self, dark: dict[str, list[Spell]]) -> None:
        told = lost_by_log(self._watched.truth, self._end)
        found = {point: [(one.began, one.ended) for one in spells] for point, spells in dark.items() if spells}
        for point in told.keys() | found.keys():
            if [one for one in told.get(point, []) if one[0] != one[1]] != found.get(point, []):
                self._defect(f"the truth log tells {told.get(point)} of {point}, a walk finds {found.get(point)}")

    def _check_ledger(self, expected: dict[str, list[Spell]], ledger: dict[str, list]) -> None:
        self.verdict.ledger_rows = sum(map(len, ledger.values()))
        for point in sorted(expected.keys() | ledger.keys()):
            wanted = [(one.began, one.ended) for one in expected.get(point, [])]
            if wanted != ledger.get(point, []):
                self._defect(
                    f"{point}: by polls and reports {_words(wanted)}, the ledger says {_words(ledger.get(point, []))}"
                )

    def _check_answers(self) -> None:
        """Answers over HTTP equal what polls and entered reports said by then."""
        for now, account, point, answer in self._watched.samples:
            if point not in self._shape.served:
                continue
            known = [move for move in self._watched.polled if move.at <= now]
            known += [move for entered, move in self._watched.told if entered <= now]
            standing = {move.device: move.open_mask for move in sorted(known, key=lambda move: move.at)}
            missing = self._oracle.missing(standing).get(point)
            wanted = "full" if missing is None else "none" if missing[1] else "partial"
            self.verdict.samples += 1
            if answer != wanted:
                self._defect(f"{now}: {account} {point} was answered {answer}, it was known to be {wanted}")

    def _check_delays(self, truly: list[Moved]) -> None:
        """What polls saw had happened by then."""
        for seen in self._watched.polled:
            before = [move for move in truly if move.device == seen.device and move.at <= seen.at]
            if not before:
                self._defect(f"{seen.device} was seen to move at {seen.at}, and never did")

    # what may differ

    def _compare(self, true: list[Spell], known: list[Spell]) -> None:
        """Put together what overlaps; compare both ends, and what is missing within."""
        for mine, theirs in self._together(true, known):
            if not theirs:
                self._unseen(mine[0])
            elif not mine:
                self._imagined(theirs[0])
            else:
                self._edge("began", mine[0].began, theirs[0].began, theirs[0].by)
                self._edge("ended", mine[-1].ended, theirs[-1].ended, theirs[-1].ended_by)
                self._within(mine, theirs)

    def _together(self, true: list[Spell], known: list[Spell]) -> Iterator[tuple[list[Spell], list[Spell]]]:
        both = [(one.began, one, True) for one in true] + [(one.began, one, False) for one in known]
        mine: list[Spell] = []
        theirs: list[Spell] = []
        reach = self._begin
        for began, one, is_true in sorted(both, key=lambda row: row[0]):
            if began >= reach and (mine or theirs):
                yield mine, theirs
                mine, theirs = [], []
            (mine if is_true else theirs).append(one)
            reach = max(reach, one.ended or self._end)
        if mine or theirs:
            yield mine, theirs

    def _imagined(self, known: Spell) -> None:
        """A spell that never was: told with a wrong time, or seen and then lost sight of."""
        ended = known.ended or self._end
        moves = (*known.by, *known.ended_by)
        kind = REPORT if any(move.by == "report" for move in moves) else None
        if kind is None and self._was_silent(known.began - AFTER_SILENCE, ended):
            kind = COMMUNICATION
        kind = kind or (REPORT if self._reports_between(known.began, ended) else self._odd(known.began, ended, moves))
        self.verdict.note("known, not so", kind, (ended - known.began).total_seconds())

    def _within(self, mine: list[Spell], theirs: list[Spell]) -> None:
        """Returns of supply between spells that overlap the same ones: not known, or known and not so."""
        for before, after in pairwise(mine):
            assert before.ended is not None
            if not any(one.ended and before.began < one.ended <= after.began + AFTER_SILENCE for one in theirs):
                lasted = (after.began - before.ended).total_seconds()
                self.verdict.note("return not known", self._class_of_unseen(before.ended, after), lasted)
        for before, after in pairwise(theirs):
            assert before.ended is not None
            if not any(one.ended and abs(one.ended - before.ended) < AFTER_SILENCE for one in mine):
                kind = self._class_of(before.ended, after.began, after.by)
                self.verdict.note("return, not so", kind, (after.began - before.ended).total_seconds())

    def _edge(self, what: str, true: datetime | None, known: datetime | None, by: tuple[Moved, ...]) -> None:
        true, known = true or self._end, known or self._end
        off = (known - true).total_seconds()
        self.verdict.note(what, EXACT if off == 0 else self._class_of(true, known, by), abs(off))

    def _class_of(self, true: datetime, known: datetime, by: tuple[Moved, ...]) -> str:
        """Why a change was known at another time than it was so."""
        if any(move.by == "report" for move in by) or (not by and known == self._end):
            return REPORT
        if timedelta(0) <= known - true <= self._poll + A_ROUND:
            return POLLING
        if self._was_silent(true - AFTER_SILENCE, known):
            return COMMUNICATION
        return REPORT if self._reports_between(min(true, known), max(true, known)) else self._odd(true, known, by)

    def _unseen(self, spell: Spell) -> None:
        """A spell that the system never knew of."""
        ended = spell.ended or self._end
        lasted = (ended - spell.began).total_seconds()
        self.verdict.note("never known", self._class_of_unseen(spell.began, spell), lasted)

    def _class_of_unseen(self, began: datetime, until: Spell) -> str:
        """Why nobody knew of what was so from `began` on: until the end of a spell, or until it began."""
        ended = until.began if began < until.began else until.ended or self._end
        if not self._polls_within(began, ended):
            return POLLING
        if any(move.device not in self._told or move.by in ("broken", "mended") for move in until.by):
            return REPORT
        if self._was_silent(began - AFTER_SILENCE, ended):
            return COMMUNICATION
        return REPORT if self._reports_between(began, ended) else self._odd(began, ended, until.by)

    def _polls_within(self, began: datetime, ended: datetime) -> bool:
        """Whether all sources were polled in between."""
        polls = -(-(began - self._begin) // self._poll)
        return self._begin + polls * self._poll + A_ROUND <= ended

    def _was_silent(self, first: datetime, last: datetime) -> bool:
        troubles = [told for told in self._watched.truth if told.event == "comm" and told.at <= last]
        standing: dict[str, str] = {}
        for told in troubles:
            if told.at < first:
                standing[told["source"]] = told["fault"]
        return any(kind != "none" for kind in standing.values()) or any(told.at >= first for told in troubles)

    def _reports_between(self, first: datetime, last: datetime) -> bool:
        return any(first <= moved.at <= last for _, moved in self._watched.told)

    def _odd(self, true: datetime, known: datetime, by: tuple[Moved, ...]) -> str:
        self._defect(f"so at {true}, known at {known} by {[move.device for move in by]}: nothing explains it")
        return "nothing"

    def _defect(self, words: str) -> None:
        self.verdict.defects.append(words)


def _words(spells: list) -> str:
    return (
        ", ".join(
            f"{began:%H:%M:%S.%f}-{ended:%H:%M:%S.%f}" if ended else f"{began:%H:%M:%S.%f}-" for began, ended in spells
        )
        or "nothing"
    )


def count_calls(watched: Watched) -> Counter:
    """How calls were answered, by status."""
    return Counter(status for _, status, _ in watched.calls)
