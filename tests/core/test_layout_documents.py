"""Template and docs come from the declaration."""

from zoneinfo import ZoneInfo

import pytest

from cis_power.core.layouts import layouts, parse, template
from docs.interfaces import FILE, with_layouts


@pytest.mark.parametrize("name", list(layouts()))
def test_the_template_is_a_good_file_of_its_layout(name):
    parsed = parse(layouts()[name], template(layouts()[name]).encode(), ZoneInfo("Asia/Shanghai"))
    assert parsed.problems == []


def test_every_layout_is_documented_as_it_is_declared():
    text = FILE.read_text(encoding="utf-8")
    assert text == with_layouts(text), "run `python -m docs.interfaces`"
