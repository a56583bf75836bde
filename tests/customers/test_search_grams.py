"""Cutting texts into grams and packing lists of rows, against plain definitions."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cis_power.customers.search_grams import (
    BLOCK_ROWS,
    Group,
    block_of,
    first_row,
    lists_of,
    needle_grams,
    posting_id,
    text_grams,
    unpacked,
)
from cis_power.customers.search_plan import Plan, Wanted
from cis_power.customers.search_text import EDGE, TermKind, document

_TERMS = st.text(alphabet="ab1 -2王明路\U00020000é", max_size=8)
_DOCUMENTS = st.lists(st.lists(_TERMS, max_size=3).map(document), max_size=5)
_ROWS = st.integers(0, 3 * BLOCK_ROWS)


def plain_grams(text: str) -> set[str]:
    """Pairs where one is not ASCII or a term begins, triples of ASCII; none over a blank or from term to term."""
    pairs = {text[i : i + 2] for i in range(len(text) - 1)}
    triples = {text[i : i + 3] for i in range(len(text) - 2)}
    kept = {gram for gram in pairs if not gram.isascii() or gram[0] == EDGE}
    kept |= {gram for gram in triples if gram.isascii()}
    return {gram for gram in kept if " " not in gram and EDGE + EDGE not in gram}


@given(_DOCUMENTS)
def test_documents_are_cut_one_by_one(documents: list[str]) -> None:
    grams, places = text_grams(documents)
    cut = set(zip(grams.tolist(), places.tolist(), strict=True))
    expected = {(needle_grams(gram)[-1], i) for i, text in enumerate(documents) for gram in plain_grams(text)}
    assert cut == expected


@given(st.lists(st.tuples(st.sampled_from(list(Group)), st.integers(0, 3), _ROWS), max_size=40))
def test_lists_hold_each_row_once_in_its_block(entries: list[tuple[Group, int, int]]) -> None:
    by_group = {
        group: tuple(np.array([e[1:] for e in entries if e[0] is group], np.int64).reshape(-1, 2).T) for group in Group
    }
    ids, members = lists_of(by_group)
    assert ids == sorted(set(ids))
    expected: dict[int, set[int]] = {}
    for group, gram, row in entries:
        expected.setdefault(posting_id(group, gram, block_of(row)), set()).add(row - first_row(block_of(row)))
    assert {key: unpacked(told).tolist() for key, told in zip(ids, members, strict=True)} == {
        key: sorted(rows) for key, rows in expected.items()
    }


@given(
    st.lists(st.tuples(_ROWS, _TERMS.map(lambda term: document([term])), st.integers(1, 2)), max_size=30),
    st.lists(st.lists(_TERMS.map(str.strip).filter(lambda n: len(n) > 2 and " " not in n), min_size=1), max_size=2),
    st.sampled_from([None, (), (1,), (1, 2)]),
)
def test_the_plan_proposes_every_row_that_holds_the_needles(rows, alternatives, districts) -> None:
    texts = {row: (text, district) for row, text, district in rows}
    grams, places = text_grams([text for text, _ in texts.values()])
    keys = np.array(list(texts), np.int64)
    marks = np.array([district for _, district in texts.values()], np.int64)
    lists = dict(zip(*lists_of({Group.NAME: (grams, keys[places]), Group.DISTRICT: (marks, keys)}), strict=True))
    wanted = tuple(tuple(Wanted(n, (TermKind.NAME,), needle_grams(n)) for n in every) for every in alternatives)
    plan = Plan(wanted, districts)
    needed = {key: lists[key] for key in plan.keys(range(4)) if key in lists}
    proposed = [int(row) for block in range(4) for row in plan.rows(needed, block)]
    meant = {
        row
        for row, (text, district) in texts.items()
        if any(all(n in text for n in every) for every in alternatives) and (districts is None or district in districts)
    }
    assert proposed == sorted(proposed)
    assert meant <= set(proposed) <= set(texts)
    assert all(
        set(needle_grams(n)) <= set(needle_grams(texts[row][0]))
        for row in proposed
        for n in min(alternatives, key=len, default=[])
        if len(alternatives) == 1
    )
