"""Whether a network can be worked with. Pure: a model in, problems out; an error refuses it, a warning never does."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from cis_power.core.errors import Problem, Severity
from cis_power.core.phases import format_phases
from cis_power.network.model import KINDS, Branch, Equipment, NetworkModel, Place

NAMED_AT_MOST = 5


def check(model: NetworkModel, supplied: Collection[str] | None = None) -> tuple[Problem, ...]:
    """Every problem of a model: the importer's own, then references, and only where these hold, its shape.

    `supplied` are the nodes where customers are connected; without it those of the model's loads, if it has any.
    """
    if supplied is None and model.loads:
        supplied = {load.node for load in model.loads}
    problems = [*model.problems, *_references(model)]
    if not any(problem.severity == "error" for problem in problems):
        problems.extend(_shape(model, supplied))
    return tuple(dict.fromkeys(problems))


def _problem(code: str, message: str, place: Place, field: str | None = None, severity: Severity = "error") -> Problem:
    return Problem(code, message, severity, place.file, place.line, field)


def _references(model: NetworkModel) -> Iterator[Problem]:
    """Doubled ids, unknown kinds, and references to nodes that are not there."""
    known = {node.code for node in model.nodes}
    yield from _doubled("node", ((node.code, node.place) for node in model.nodes))
    yield from _doubled("device", ((item.code, item.place) for item in model.equipment))
    yield from _doubled("load", ((load.code, load.place) for load in model.loads))
    for item in model.equipment:
        if item.kind and item.kind not in KINDS:
            yield _problem("unknown_kind", f"{item.kind!r} is none of {', '.join(KINDS)}", item.place, "kind")
        for number, branch in enumerate(item.branches()):
            for field, code in (("from_node", branch.from_node), ("to_node", branch.to_node)):
                if code and code not in known and (number == 0 or field == "to_node"):
                    message = f"{item.code} refers to node {code!r}, which does not exist"
                    yield _problem("dangling_reference", message, item.place, field)
    for source in model.sources:
        if source.node and source.node not in known:
            message = f"the source refers to node {source.node!r}, which does not exist"
            yield _problem("dangling_reference", message, source.place, "node")
    for load in model.loads:
        if load.node not in known:
            message = f"load {load.code} refers to node {load.node!r}, which does not exist"
            yield _problem("dangling_reference", message, load.place, "node")
    if not model.sources:
        yield _problem("no_source", "no node is fed from outside: the network has no source", Place())


def _doubled(what: str, codes: Iterable[tuple[str, Place]]) -> Iterator[Problem]:
    first: dict[str, Place] = {}
    for code, place in codes:
        if code in first:
            earlier = first[code].line
            where = f", first in line {earlier}" if earlier else ""
            yield _problem("doubled_id", f"{what} {code!r} occurs more than once{where}", place, what)
        elif code:
            first[code] = place


def _shape(model: NetworkModel, supplied: Collection[str] | None) -> Iterator[Problem]:
    """Self loops, parallel edges, islands, parts dead in the normal state, loops, transformers without customers."""
    graph = _Graph(model)
    yield from graph.self_loops_and_parallels()
    yield from graph.unsupplied()
    yield from graph.loops()
    yield from graph.phases_that_never_arrive()
    if supplied is not None:
        yield from _idle_transformers(model, graph, supplied)


class _Graph:
    """The model as arrays. Node `len(model.nodes)` stands for the world outside and touches every source."""

    def __init__(self, model: NetworkModel) -> None:
        self.model = model
        self.codes = [node.code for node in model.nodes]
        index = {code: number for number, code in enumerate(self.codes)}
        self.size = len(self.codes) + 1
        rows: list[tuple[Equipment, Branch, int]] = [
            (item, branch, branch.phases & ~item.open_phases) for item in model.equipment for branch in item.branches()
        ]
        self.items = [item for item, _, _ in rows]
        self.head = np.array([index[branch.from_node] for _, branch, _ in rows], dtype=np.int64)
        self.tail = np.array([index[branch.to_node] for _, branch, _ in rows], dtype=np.int64)
        self.phases = np.array([branch.phases for _, branch, _ in rows], dtype=np.uint8)
        self.closed = np.array([closed for _, _, closed in rows], dtype=np.uint8)
        self.sources = np.array([index[source.node] for source in model.sources], dtype=np.int64)
        self.source_phases = np.array([source.phases for source in model.sources], dtype=np.uint8)

    def labels(self, keep: np.ndarray, sources: np.ndarray | None = None) -> np.ndarray:
        """Component of every node over the kept edges, the outside world included."""
        fed = self.sources if sources is None else sources
        head = np.concatenate([self.head[keep], fed])
        tail = np.concatenate([self.tail[keep], np.full(len(fed), self.size - 1)])
        graph = coo_array((np.ones(len(head)), (head, tail)), shape=(self.size, self.size))
        return np.asarray(connected_components(graph, directed=False)[1])

    def self_loops_and_parallels(self) -> Iterator[Problem]:
        seen: dict[tuple[int, int], list[int]] = {}
        for number, (head, tail) in enumerate(zip(self.head.tolist(), self.tail.tolist(), strict=True)):
            item = self.items[number]
            if head == tail:
                message = f"{item.code} begins and ends at node {self.codes[head]}"
                yield _problem("self_loop", message, item.place, "to_node", "warning")
                continue
            others = seen.setdefault((min(head, tail), max(head, tail)), [])
            for other in others:
                twin = self.items[other]
                if twin is not item and self.phases[other] & self.phases[number]:
                    message = f"{item.code} is parallel to {twin.code}"
                    yield _problem("parallel_edge", message, item.place, "to_node", "warning")
                    break
            others.append(number)

    def unsupplied(self) -> Iterator[Problem]:
        """Islands no switching can supply, and parts that are dead while every switch stands as normal."""
        joined = self.labels(self.phases > 0)
        normal = self.labels(self.closed > 0)
        outside = self.size - 1
        island = joined[:outside] != joined[outside]
        dead = (normal[:outside] != normal[outside]) & ~island
        for code, mask, labels, words in (
            ("island", island, joined, "without any way to a source"),
            ("dead_part", dead, normal, "without supply in the normal state"),
        ):
            numbers = np.flatnonzero(mask)
            numbers = numbers[np.argsort(labels[numbers], kind="stable")]
            bounds = np.flatnonzero(np.diff(labels[numbers])) + 1
            for part in np.split(numbers, bounds) if len(numbers) else ():
                place = self.model.nodes[int(part[0])].place
                yield _problem(code, f"{self._named(part)} {words}", place, "node", "warning")

    def _named(self, numbers: np.ndarray) -> str:
        shown = ", ".join(self.codes[number] for number in numbers[:NAMED_AT_MOST].tolist())
        more = ", …" if len(numbers) > NAMED_AT_MOST else ""
        return f"{len(numbers)} node{'s' if len(numbers) > 1 else ''} ({shown}{more})"

    def loops(self) -> Iterator[Problem]:
        """One warning an element that closes a loop in the normal state, sources counted as joined outside."""
        closing: dict[str, tuple[Equipment, int]] = {}
        for bit in (1, 2, 4):
            for number in self._chords(bit):
                item = self.items[number]
                closing[item.code] = (item, closing.get(item.code, (item, 0))[1] | bit)
        for item, phases in closing.values():
            which = "" if phases == item.phases else f" in phase {format_phases(phases)}"
            message = f"{item.code} closes a loop in the normal state{which}"
            yield _problem("loop", message, item.place, None, "warning")

    def phases_that_never_arrive(self) -> Iterator[Problem]:
        """Loads that take a phase which does not reach their node in the normal state, though another one does."""
        live = np.zeros(self.size, np.uint8)
        for bit in (1, 2, 4):
            fed = self.sources[(self.source_phases & bit) > 0]
            labels = self.labels((self.closed & bit) > 0, fed)
            live[labels == labels[self.size - 1]] |= bit
        index = {code: number for number, code in enumerate(self.codes)}
        for load in self.model.loads:
            arrives = int(live[index[load.node]])
            missing = load.phases & ~arrives
            if arrives and missing:
                message = f"load {load.code} takes phase {format_phases(missing)}, which does not reach {load.node}"
                yield _problem("phase_missing", message, load.place, "phases", "warning")

    def _chords(self, bit: int) -> list[int]:
        """Edges left over by a spanning forest of one phase in the normal state."""
        keep = np.flatnonzero((self.closed & bit) > 0)
        fed = self.sources[(self.source_phases & bit) > 0]
        labels = self.labels((self.closed & bit) > 0, fed)
        joined = len(keep) + len(fed)
        if joined == self.size - len(np.unique(labels)):
            return []
        head = np.concatenate([self.head[keep], fed])
        tail = np.concatenate([self.tail[keep], np.full(len(fed), self.size - 1)])
        _, first = np.unique(labels, return_index=True)
        roots = first[first != self.size - 1]
        roots = roots[labels[roots] != labels[self.size - 1]]
        head = np.concatenate([head, roots])
        tail = np.concatenate([tail, np.full(len(roots), self.size - 1)])
        graph = coo_array((np.ones(len(head)), (head, tail)), shape=(self.size, self.size)).tocsr()
        _, before = breadth_first_order(graph, self.size - 1, directed=False)
        spare: list[int] = []
        used: set[tuple[int, int]] = set()
        for number in keep[(before[self.tail[keep]] == self.head[keep]) | (before[self.head[keep]] == self.tail[keep])]:
            ends = (int(min(self.head[number], self.tail[number])), int(max(self.head[number], self.tail[number])))
            if ends in used:
                spare.append(int(number))
            used.add(ends)
        loose = (before[self.tail[keep]] != self.head[keep]) & (before[self.head[keep]] != self.tail[keep])
        loose &= self.head[keep] != self.tail[keep]
        return sorted([*spare, *keep[loose].tolist()])


def _idle_transformers(model: NetworkModel, graph: _Graph, supplied: Collection[str]) -> Iterator[Problem]:
    """Transformers behind whose secondary no customer is connected on the same voltage level, nor a transformer."""
    index = {code: number for number, code in enumerate(graph.codes)}
    level = graph.labels(
        np.array([item is not None and item.kind != "transformer" for item in graph.items], dtype=bool)
    )
    loaded = {int(level[index[node]]) for node in supplied if node in index}
    feeds = Counter(
        int(level[index[branch.from_node]])
        for item in model.equipment
        if item.kind == "transformer"
        for branch in item.branches()
    )
    for item in model.equipment:
        if item.kind != "transformer":
            continue
        levels = {int(level[index[branch.to_node]]) for branch in item.branches()}
        if not levels & loaded and not any(feeds[number] for number in levels):
            message = f"no customer is connected behind transformer {item.code}"
            yield _problem("idle_transformer", message, item.place, None, "warning")
