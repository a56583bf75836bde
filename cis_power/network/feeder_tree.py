"""A feeder as a forest for drawing: who hangs on whom in the normal state, what is parallel, what is folded away. Pure.

Nothing here knows a database or a page: branches between named nodes go in, trees of edges come out.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

LINE, TRANSFORMER, BREAKER = "line", "transformer", "breaker"
_DEVICE_WEIGHT = 4  # a device weighs as much as so many lines


@dataclass(frozen=True, slots=True)
class Branch:
    """A conducting element between two nodes; `open`: it stands open in the normal state. Legs of one transformer
    come as several branches of one device.
    """

    device: str
    kind: str
    start: str
    end: str
    open: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """One or several parallel devices of a kind, seen from `node`; `far` is the other end.

    `below`: the tree goes on at `far`. Else it is a stub: an open tie, or what closes a loop.
    `folded`: devices of the low-voltage network behind a transformer, which are not drawn.
    """

    devices: tuple[str, ...]
    kind: str
    node: str
    far: str
    below: bool
    folded: tuple[str, ...] = ()


@dataclass(slots=True)
class Forest:
    """`roots` in the order of drawing; `edges` of each node, the one with most behind it first, stubs last."""

    roots: list[str] = field(default_factory=list)
    edges: dict[str, list[Edge]] = field(default_factory=dict)


def grow(branches: Iterable[Branch], roots: Sequence[str] = (), low: Collection[str] = ()) -> Forest:
    """The forest of a feeder: trees from `roots` first, then one for each part that they do not reach.

    `low`: nodes of low voltage; what hangs on a transformer's low side is folded, where there are several such.
    Every device of `branches` is in exactly one edge.
    """
    bundles, further_legs = _bundles(branches)
    forest, above = _span(bundles, further_legs, roots)
    _hang_stubs(forest, bundles, above)
    _fold(forest, low)
    weight = _weights(forest, above)
    for edges in forest.edges.values():
        edges.sort(key=lambda edge: (not edge.below, -weight[edge.far] if edge.below else 0, edge.devices))
    return forest


@dataclass(frozen=True, slots=True)
class _Bundle:
    """Parallel devices between the same two nodes; `devices` is empty for a further leg of a transformer."""

    devices: tuple[str, ...]
    kind: str
    start: str
    end: str
    open: bool

    def other(self, node: str) -> str:
        return self.end if node == self.start else self.start


def _bundles(branches: Iterable[Branch]) -> tuple[list[_Bundle], list[_Bundle]]:
    """Parallel branches put together, and further legs: the low sides of one transformer hang together."""
    seen: dict[str, Branch] = {}
    together: dict[tuple[frozenset[str], str, bool], list[Branch]] = defaultdict(list)
    legs = []
    for branch in sorted(branches, key=lambda item: (item.device, item.start, item.end)):
        first = seen.setdefault(branch.device, branch)
        if first is branch:
            together[frozenset((branch.start, branch.end)), branch.kind, branch.open].append(branch)
        elif branch.end != first.end:
            legs.append(_Bundle((), LINE, first.end, branch.end, open=False))
    bundles = [
        _Bundle(tuple(item.device for item in items), kind, items[0].start, items[0].end, opened)
        for (_, kind, opened), items in together.items()
    ]
    return bundles, legs


def _span(
    bundles: Sequence[_Bundle], legs: Sequence[_Bundle], roots: Sequence[str]
) -> tuple[Forest, dict[str, _Bundle | None]]:
    """Breadth-first trees over closed bundles; answers also the bundle above each node, None at a root."""
    around: dict[str, list[_Bundle]] = defaultdict(list)
    for bundle in (*bundles, *legs):
        if not bundle.open and bundle.start != bundle.end:
            around[bundle.start].append(bundle)
            around[bundle.end].append(bundle)
    forest = Forest()
    above: dict[str, _Bundle | None] = {}
    for root in (*(name for name in roots if name in around), *_heads(bundles, around)):
        if root in above:
            continue
        forest.roots.append(root)
        above[root] = None
        queue = deque([root])
        while queue:
            node = queue.popleft()
            forest.edges.setdefault(node, [])
            for bundle in around[node]:
                far = bundle.other(node)
                if far not in above:
                    above[far] = bundle
                    queue.append(far)
                    forest.edges[node].append(Edge(bundle.devices, bundle.kind, node, far, below=True))
    return forest, above


def _heads(bundles: Sequence[_Bundle], around: dict[str, list[_Bundle]]) -> Iterator[str]:
    """Where parts without a known root may begin: a breaker nobody feeds, any node nobody feeds, any node."""
    ends = {bundle.end for bundle in bundles if not bundle.open}
    yield from sorted({item.start for item in bundles if item.kind == BREAKER and not item.open} - ends)
    yield from sorted(around.keys() - ends)
    yield from sorted(around)


def _weights(forest: Forest, above: dict[str, _Bundle | None]) -> dict[str, int]:
    """How much hangs on each node: what decides which way the trunk goes."""
    weight = dict.fromkeys(above, 1)
    for node in reversed(above):
        for edge in forest.edges.get(node, ()):
            weight[node] += (weight[edge.far] if edge.below else 0) + (0 if edge.kind == LINE else _DEVICE_WEIGHT)
    return weight


def _hang_stubs(forest: Forest, bundles: Sequence[_Bundle], above: dict[str, _Bundle | None]) -> None:
    """Ties and what closes loops: at the end that lies deeper, or at the one that is known."""
    depth: dict[str, int] = {}
    for node in above:  # parents come before their children
        for edge in forest.edges.get(node, ()):
            depth[edge.far] = depth.get(node, 0) + 1
    used = {edge.devices for edges in forest.edges.values() for edge in edges if edge.devices}
    for bundle in bundles:
        if bundle.devices in used:
            continue
        ends = [node for node in (bundle.start, bundle.end) if node in above]
        node = max(ends, key=lambda end: depth.get(end, 0)) if ends else bundle.start
        if not ends:
            forest.roots.append(node)
            above[node] = None
        stub = Edge(bundle.devices, bundle.kind, node, bundle.other(node), below=False)
        forest.edges.setdefault(node, []).append(stub)


def _fold(forest: Forest, low: Collection[str]) -> None:
    """Take what hangs on low sides of transformers out of the forest and into their edges."""
    heads = [
        edge
        for node, edges in forest.edges.items()
        for edge in edges
        if edge.below and edge.kind == TRANSFORMER and edge.far in low and node not in low
    ]
    if len(heads) < 2:
        return
    for edge in heads:
        if edge.node not in forest.edges:
            continue  # it is folded into another one
        folded = tuple(sorted(_taken_out(forest, edge.far)))
        edges = forest.edges[edge.node]
        edges[edges.index(edge)] = Edge(edge.devices, edge.kind, edge.node, edge.far, below=False, folded=folded)


def _taken_out(forest: Forest, top: str) -> Iterator[str]:
    waiting = [top]
    while waiting:
        for edge in forest.edges.pop(waiting.pop(), ()):
            yield from edge.devices
            yield from edge.folded
            if edge.below:
                waiting.append(edge.far)


def parents(branches: Iterable[Branch], roots: Sequence[str]) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Node → the node above it in the normal state and the parallel devices between the two; roots are left out."""
    bundles, legs = _bundles(branches)
    _, above = _span(bundles, legs, roots)
    return {node: (bundle.other(node), bundle.devices) for node, bundle in above.items() if bundle is not None}
