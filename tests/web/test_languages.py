"""Nothing stays untranslated: by the catalogues, by the reports that exist, and by reading the Chinese pages."""

import ast
import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from cis_power.access.viewer import system_viewer
from reports.parameters import read_parameters
from reports.registry import build_report, reports
from reports.reliability import report
from tests.web.browsers import sign_in
from tests.web.crawl import calls
from web.catalogues import catalogue_file
from web.known_words import ERROR_WORDS, REPORT_WORDS
from web.messages import messages, other_languages, untranslated

# Units and names of indices, the same in every language.
_UNITS = {
    *("kWh", "kW", "kVA", "V", "A", "h", "s", "ln min", "saifi", "saidi", "caidi", "ctaidi", "caifi", "asai", "asifi"),
    *("asidi", "maifi", "maifie", "cemi", "cemsmi", "celid_s", "celid_t", "aihc", "aitc", "rs", "alpha", "beta", ""),
}
# Words that are the same in every language: names of formats and products, units, codes.
_NEUTRAL = re.compile(
    r"cis-power|CSV|XLSX|JSON|VIP|API|SHA-256|SAID?I|IEEE|English|kVA|kWh|kW|Asia/Shanghai|openapi\.json|[\W\d_]+", re.I
)
# Parts of pages that show what people and other systems wrote, or that are marked as English.
_DATA_TAGS = frozenset({"code", "script", "style", "time", "option", "kbd"})


class _Texts(HTMLParser):
    """The visible texts of a page that are not data: headings, labels, buttons, links of ours, table heads."""

    def __init__(self) -> None:
        super().__init__()
        self.path: list[tuple[str, bool]] = []
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("input", "meta", "link", "img", "br", "hr"):
            values = dict(attrs)
            self.found += [values[name] or "" for name in ("placeholder", "alt") if name in values]
            return
        self.path.append((tag, dict(attrs).get("lang") == "en"))

    def handle_endtag(self, tag: str) -> None:
        while self.path and self.path.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        tags = {tag for tag, _ in self.path}
        english = any(marked for _, marked in self.path)
        asked = tags & {"h2", "th", "dt", "label", "button", "caption", "nav", "summary", "footer"}
        if asked and not english and not tags & _DATA_TAGS and "td" not in tags and data.strip():
            self.found.append(data.strip())


@pytest.mark.parametrize("language", list(other_languages()))
def test_every_message_has_its_words(language: str) -> None:
    with catalogue_file(language).open("rb") as source:
        catalogue = read_po(source, locale=language)
    wanted = {message.id for message in messages() if message.id}
    known = {message.id for message in catalogue if message.id}
    assert wanted - known == set(), "run: python -m web.messages"
    assert known - wanted == set(), "no longer used, run: python -m web.messages"
    assert untranslated(catalogue) == []


def test_placeholders_are_the_same_in_every_language() -> None:
    for language in other_languages():
        with catalogue_file(language).open("rb") as source:
            for message in read_po(source, locale=language):
                source_text = message.id[-1] if isinstance(message.id, tuple | list) else str(message.id)
                forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
                for form in forms if message.id else ():
                    assert set(re.findall(r"%\(\w+\)s", str(form))) == set(re.findall(r"%\(\w+\)s", source_text))


def test_the_words_of_every_report_are_in_the_catalogues(site) -> None:
    known = set(REPORT_WORDS)
    for declaration in reports().values():
        given = {"from": (site.at - timedelta(days=300)).isoformat(), "to": site.at.isoformat()}
        parameters = read_parameters(declaration.parameters, given, (), site.settings.zone)
        with site.database.reading() as session:
            made = build_report(session, system_viewer("tests"), declaration, parameters, site.at)
        words = {declaration.title, *made.notes, *(figure.title for figure in made.figures)}
        words |= {finding.message for finding in made.data_quality.findings}
        for table in made.tables:
            words |= {
                table.title,
                *(column.name for column in table.columns),
                *(column.unit for column in table.columns),
            }
        assert words - known - _UNITS == set(), declaration.name


def test_every_finding_of_reliability_is_in_the_catalogues() -> None:
    source = ast.parse(Path(report.__file__).read_text(encoding="utf-8"))
    found = [
        str(part.elts[2].value)
        for part in ast.walk(source)
        if isinstance(part, ast.Tuple) and len(part.elts) == 3 and isinstance(part.elts[2], ast.Constant)
    ]
    assert len(found) >= 7
    assert set(found) <= set(REPORT_WORDS)


def test_words_of_errors_are_translated() -> None:
    with catalogue_file("zh_CN").open("rb") as source:
        known = {message.id for message in read_po(source, locale="zh_CN") if message.string}
    assert set(ERROR_WORDS) <= known


@pytest.mark.parametrize("role", ["agent", "engineer", "billing", "manager", "sysadmin", "secadmin", "auditor"])
def test_chinese_pages_hold_no_english(site, values, role: str) -> None:
    browser = sign_in(site.app, f"{role}-all")
    browser.get("/?lang=zh_CN")
    own = {str(text) for text in _own_texts(values)}
    read = 0
    seen: set[str] = set()
    for call in calls(site.app, values):
        if call.method != "GET" or call.rule in seen or call.path.startswith("/api/"):
            continue
        answer = browser.open(call.method, call.path)
        if answer.status_code != 200 or answer.mimetype != "text/html":
            continue
        seen.add(call.rule)
        texts = _Texts()
        texts.feed(answer.text)
        read += len(texts.found)
        left = [text for text in texts.found if _english(text) and not any(name in text for name in own if name)]
        assert left == [], f"{call.path}: {left}"
    assert read > 10


def _own_texts(values: object) -> list[str]:
    from tests.web.utility import DISTRICTS, SHARED

    return [*SHARED.values(), *(text for own in DISTRICTS for text in own.texts().values())]


def _english(text: str) -> bool:
    return bool(re.search(r"[A-Za-z]{3,}", _NEUTRAL.sub(" ", text)))
