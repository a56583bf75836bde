"""A person's browser, for journeys and pictures: it signs in, opens pages, and watches for broken rules."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
"""
DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
# Words of ours in an address; everything else in it names a thing.
_OURS = re.compile(r"([a-z][a-z-]*(\.(json|csv|xlsx|pdf))?)?")


@dataclass
class Desk:
    """A page of a browser that watches for violations, errors and foreign hosts.

    `wrong` gathers what was found; a strict desk fails at once.
    """

    page: Any
    address: str
    wrong: list[str] = field(default_factory=list)
    strict: bool = True

    def watch(self) -> None:
        self.page.add_init_script(WATCH)
        self.page.on("pageerror", lambda error: self.wrong.append(f"error: {error}"))
        self.page.on("request", self._check_host)

    def _check_host(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != urlsplit(self.address).netloc:
            self.wrong.append(f"another host: {request.url}")

    def _found(self, words: str) -> None:
        """A rule is broken: a test ends here, a walk for pictures goes on."""
        assert not self.strict, words
        self.wrong.append(words)

    def open(self, path: str, status: int = 200) -> None:
        answer = self.page.goto(self.address + path)
        if answer.status != status:
            self._found(f"{path}: {answer.status}")
        self.check()

    def check(self) -> None:
        violations = self.page.evaluate("window.violations")
        if violations:
            self._found(f"{self.page.url}: {violations}")
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if wide > 0:
            self._found(f"{self.page.url} is {wide} px wider than the screen")
        assert not (self.strict and self.wrong), self.wrong

    def on_a_phone(self, *paths: str) -> None:
        """Open pages at a phone's width: nothing is cut off, nothing breaks the rules."""
        self.page.set_viewport_size(PHONE)
        for path in paths:
            self.open(path)

    def sign_in(self, name: str, password: str, language: str = "en") -> None:
        self.page.goto(f"{self.address}/login?lang={language}")
        self.page.locator("input[name=username]").fill(name)
        self.page.locator("input[name=password]").fill(password)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.address}/")
        self.check()

    def walk(self, *begin: str, passing: Iterable[str] = ()) -> Iterator[str]:
        """Open every kind of page that links lead to, one of each kind; each is open while its path is yielded.

        Two addresses are of one kind when only names of things or filters differ. Kinds in `passing` are passed over.
        """
        waiting, known = list(begin), {kind_of(path) for path in begin} | set(passing)
        while waiting:
            path = waiting.pop(0)
            self.open(path)
            links = self.page.eval_on_selector_all("a[href^='/']", "all => all.map((a) => a.getAttribute('href'))")
            yield path
            for link in links:
                kind = kind_of(link)
                if (
                    kind not in known
                    and not re.search(r"\.(json|csv|xlsx|pdf)$", urlsplit(link).path)
                    and "lang=" not in link
                ):
                    known.add(kind)
                    waiting.append(link)


def kind_of(path: str) -> str:
    """The kind of page at an address: names of things become `*`, filters are left out."""
    segments = urlsplit(path).path.strip("/").split("/")
    return "/" + "/".join(part if _OURS.fullmatch(part) else "*" for part in segments)
