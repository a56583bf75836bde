"""The words of OpenDSS scripts: comments, quotes, positions, arrays, reverse Polish."""

import pytest

from cis_power.network.importers.opendss_classes import command_name, property_name
from cis_power.network.importers.opendss_words import is_yes, logical_lines, number, split_array, split_words


def test_comments_of_every_kind_vanish_and_lines_stay_physical() -> None:
    text = (
        "! all\nnew line.a // rest\n/* one\nnew line.x */\n\n/* short */\nedit line.a ! '!'\nset file=\"a!b//c\" ! d\n"
    )
    assert list(logical_lines(text)) == [(2, "new line.a"), (7, "edit line.a"), (8, 'set file="a!b//c"')]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("new line.a bus1=x.1.2 b", [(None, "new"), (None, "line.a"), ("bus1", "x.1.2"), (None, "b")]),
        ("kV= 24.9 kW  =60", [("kV", "24.9"), ("kW", "60")]),
        ("a,b, c", [(None, "a"), (None, "b"), (None, "c")]),
        ("buses=[a b] conns=(w, d) x={1} y='p q' z=\"r s\"", [
            ("buses", "a b"), ("conns", "w, d"), ("x", "1"), ("y", "p q"), ("z", "r s"),
        ]),
        ("redirect (my file.dss)", [(None, "redirect"), (None, "my file.dss")]),
        ("mult=(file=x.txt) useactual=true", [("mult", "file=x.txt"), ("useactual", "true")]),
        ("buses=[a b", [("buses", "a b")]),
    ],
)  # fmt: skip
def test_parameters(line: str, expected: list[tuple[str | None, str]]) -> None:
    assert [(name, text) for name, text, _ in split_words(line)] == expected


def test_arrays_are_parted_by_blanks_or_commas_and_may_hold_quotes() -> None:
    assert split_array("150 150r") == ["150", "150r"]
    assert split_array("wye, delta") == ["wye", "delta"]
    assert split_array('"a b" c') == ["a b", "c"]
    assert split_array("1 | 2 3") == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4.16", 4.16),
        ("8 1000 /", 0.008),
        ("0.00625 -1 * 1 +", 0.99375),
        ("2 sqr", 4),
        ("9 sqrt 1 -", 2),
        ("-1e-3", -0.001),
    ],
)
def test_numbers_and_reverse_polish(text: str, value: float) -> None:
    assert number(text) == pytest.approx(value)


@pytest.mark.parametrize("text", ["", "x", "1 +", "1 0 /", "1 two +", "-1 sqrt", "10 99999 ^"])
def test_what_cannot_be_calculated_raises(text: str) -> None:
    with pytest.raises(ValueError):
        number(text)


def test_abbreviations_go_by_the_order_of_properties() -> None:
    assert property_name("line", "b") == "bus1"
    assert property_name("line", "Len") == "length"
    assert property_name("line", "sw") == "switch"
    assert property_name("transformer", "w") == "windings"
    assert property_name("transformer", "wdg") == "wdg"
    assert property_name("transformer", "kv") == "kv"  # itself before what begins with it
    assert property_name("line", "volume") is None


def test_commands_may_be_cut_short() -> None:
    assert [command_name(word) for word in ("~", "m", "MORE", "calcv", "Redir", "batchedit", "New")] == [
        "more", "more", "more", "calcvoltagebases", "redirect", "batchedit", "new",
    ]  # fmt: skip
    assert command_name("frobnicate") is None


def test_truth_goes_by_the_first_letter() -> None:
    assert [is_yes(text) for text in ("y", "Yes", "TRUE", "t", "no", "f", "1", "")] == [True] * 4 + [False] * 4
