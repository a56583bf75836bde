"""Which opened edge answers for a loss of supply, phase by phase."""

from collections.abc import Callable

import numpy as np

from cis_power.outages.attribution import NormalTree, topmost
from cis_power.outages.grid import Flags, Grid, Index, Mask

_PHASES = (1, 2, 4)
Arrays = tuple[Flags, Flags, Flags]


class Blame:
    """Answers, for one change of the network, which edge keeps whom out. Works only when asked.

    First question: which edge opened in this step cut a newly dead node off, on the way it was fed until then?
    Second, for those whom no opening of this step explains: which abnormally open edge keeps the node out now?
    """

    def __init__(
        self, grid: Grid, tree: NormalTree, live_before: Mask, live: Mask, open_before: Mask | None, open_now: Mask
    ) -> None:
        self._grid, self._tree = grid, tree
        self._live_before, self._live = live_before, live
        self._open_before, self._open_now = open_before, open_now
        self._opened: dict[int, Index] | None = None
        self._kept: dict[int, Index] | None = None

    def of_rows(self, who: Index, subjects: Index, nodes: Index, lost: Mask, *, opened: bool = True) -> Index:
        """Edge for each subject in `who`, -1 where nobody is to blame; the first row of a subject that knows one wins.

        Rows say at which node a subject hangs and which phases it lost there. `opened`: ask the first question too.
        """
        answer = np.full(int(subjects.max(initial=-1)) + 1, -1, np.int64)
        wanted = np.zeros(len(answer), bool)
        wanted[who[who < len(answer)]] = True
        rows = np.flatnonzero(wanted[subjects] & (nodes >= 0) & (lost != 0))
        for labels in (self._by_opening, self._by_keeping) if opened else (self._by_keeping,):
            missing = rows[answer[subjects[rows]] < 0]
            if len(missing):
                found = _label(labels(), nodes[missing], lost[missing])
                known = np.flatnonzero(found >= 0)[::-1]  # backwards, so that the first row is written last
                answer[subjects[missing[known]]] = found[known]
        return answer[who]

    def _by_opening(self) -> dict[int, Index]:
        if self._opened is None:
            before = self._open_before
            self._opened = {} if before is None else self._phases(lambda bit: (
                (self._live_before & ~self._live & bit) != 0,
                (self._grid.edge_phases & ~before & bit) != 0,
                (self._grid.edge_phases & ~before & self._open_now & bit) != 0,
            ))  # fmt: skip
        return self._opened

    def _by_keeping(self) -> dict[int, Index]:
        if self._kept is None:
            normally = self._grid.edge_normal
            self._kept = self._phases(lambda bit: (
                (self._live & bit) == 0,
                (self._grid.edge_phases & ~(self._open_now & normally) & bit) != 0,
                (self._grid.edge_phases & self._open_now & ~normally & bit) != 0,
            ))  # fmt: skip
        return self._kept

    def _phases(self, arrays: Callable[[int], Arrays]) -> dict[int, Index]:
        """Labels of nodes by phase; phases whose arrays are alike are worked out once."""
        answer: dict[int, Index] = {}
        done: list[tuple[Arrays, Index]] = []
        for bit in _PHASES:
            these = arrays(bit)
            for others, labels in done:
                if all(np.array_equal(one, other) for one, other in zip(these, others, strict=True)):
                    answer[bit] = labels
                    break
            else:
                answer[bit] = topmost(self._grid, self._tree, *these)
                done.append((these, answer[bit]))
        return answer


def _label(by_phase: dict[int, Index], nodes: Index, lost: Mask) -> Index:
    """The label of each node on the first of its lost phases that has one."""
    found = np.full(len(nodes), -1, np.int64)
    for bit, labels in by_phase.items():
        unknown = (found < 0) & ((lost & bit) != 0)
        found[unknown] = labels[nodes[unknown]]
    return found
