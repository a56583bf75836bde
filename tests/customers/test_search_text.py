"""How a query is understood, apart from any database."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cis_power.customers.pinyin import spellings
from cis_power.customers.search_grams import chosen_grams, needle_grams
from cis_power.customers.search_text import (
    EDGE,
    TermKind,
    document,
    matches,
    name_terms,
    normalise,
    parse_query,
    phone_terms,
)

_ALPHABET = st.text(alphabet="ab1 -2王明路'\"*%_\\\né", min_size=1, max_size=8)


def found(typed: str, *, name: str = "", phone: str = "", number: str = "") -> bool:
    documents = [
        (TermKind.ACCOUNT, document([number])),
        (TermKind.NAME, document(name_terms(name))),
        (TermKind.PHONE, document(phone_terms(phone))),
    ]
    return matches(parse_query(typed, "CN"), documents)


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        ("王小明", "wangxiaoming", "wxm"),
        ("单田芳", "shantianfang", "stf"),
        ("曾国藩", "zengguofan", "zgf"),
        ("尉迟恭", "yuchigong", "ycg"),
        ("解缙", "xiejin", "xj"),
        ("重庆银行股份有限公司", "chongqingyinhanggufenyouxiangongsi", "cqyhgfyxgs"),
    ],
)
def test_names_are_spelled(name: str, pinyin: str, initials: str) -> None:
    assert spellings(name) == (pinyin, initials)


def test_a_latin_name_has_no_spelling() -> None:
    assert spellings("Smith") == ()


@pytest.mark.parametrize(
    "typed",
    [
        "13800138000",
        "138 0013 8000",
        "+86 138-0013-8000",
        "0086 13800138000",
        "8000",
        "１３８００１３８０００",
        "138-0013-8000",
    ],
)
def test_a_mobile_number_is_found_in_any_notation(typed: str) -> None:
    assert found(typed, phone="+8613800138000")


@pytest.mark.parametrize("typed", ["010-62345678", "(010) 6234 5678", "+86 10 6234 5678", "62345678", "5678"])
def test_a_landline_is_found_with_and_without_its_area(typed: str) -> None:
    assert found(typed, phone="+861062345678")


def test_an_unreadable_number_is_found_by_its_digits() -> None:
    assert found("5551234", phone="ask for Li: 555 1234")


def test_a_foreign_number_is_found_with_its_country_only() -> None:
    assert found("+1 212 555 1234", phone="+12125551234")
    assert not found("+44 20 7946 0018", phone="+12079460018")


@pytest.mark.parametrize("typed", ["13800138001", "0139", "3-8001", "138-0013-800 1"])
def test_another_number_is_not_found(typed: str) -> None:
    assert not found(typed, phone="+8613800138000")


@pytest.mark.parametrize("typed", ["小明", "王小", "王", "WXM", "wx", "xiaoming", "wangxiaoming", "王小明 1001"])
def test_a_name_is_found_by_parts_pinyin_and_initials(typed: str) -> None:
    assert found(typed, name="王小明", number="A-1001")


@pytest.mark.parametrize("typed", ["王明", "明", "xm", "王小明 1002", ""])
def test_other_names_are_not_found(typed: str) -> None:
    assert not found(typed, name="王小明", number="A-1001")


@given(st.lists(_ALPHABET, max_size=4), _ALPHABET)
@example(["-1"], "-1")
@example(["明"], "明")
def test_the_index_proposes_every_text_that_holds_the_needle(terms: list[str], typed: str) -> None:
    text = document(terms)
    for clauses in parse_query(typed, "CN").alternatives:
        for clause in clauses:
            proposed = chosen_grams(clause.needle)
            assert proposed, "a needle without grams cannot be looked up"
            if clause.needle in text:
                assert set(proposed) <= set(needle_grams(text))


@given(_ALPHABET, st.data())
def test_every_part_of_a_term_is_found(term: str, data: st.DataObject) -> None:
    normalised = normalise(term)
    if not normalised:
        return
    first = data.draw(st.integers(0, len(normalised) - 1))
    part = normalised[first : first + data.draw(st.integers(1, 8))].strip()
    token_lengths = {len(token) for token in part.split()}
    if part and min(token_lengths) >= 3:
        assert matches(parse_query(part, "CN"), [(TermKind.NAME, document([term]))])


@given(st.text(max_size=300))
def test_no_query_breaks_the_reader(typed: str) -> None:
    query = parse_query(typed, "CN")
    assert all(EDGE + EDGE not in clause.needle for clauses in query.alternatives for clause in clauses)
