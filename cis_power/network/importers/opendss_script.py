"""Runs an OpenDSS script as far as it builds a circuit: objects with their settings in order, and what stands open."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath

from cis_power.core.errors import Problem, Severity
from cis_power.network.importers.opendss_classes import OTHER_CLASSES, PROPERTIES, command_name, property_name
from cis_power.network.importers.opendss_words import Parameter, is_yes, logical_lines, split_words
from cis_power.network.importers.text import read_text
from cis_power.network.model import Place

MAX_DEPTH = 50
MAX_INCLUDES = 10_000


@dataclass(slots=True)
class DssObject:
    """One object of the script. `settings` are (property, text) in the order they were given."""

    class_name: str
    name: str
    place: Place
    settings: list[tuple[str, str]] = field(default_factory=list)
    open_conductors: set[int] = field(default_factory=set)  # 0 stands for all

    @property
    def full_name(self) -> str:
        return f"{self.class_name}.{self.name}"

    def last(self, name: str) -> str | None:
        """The text given last for a property."""
        return next((text for key, text in reversed(self.settings) if key == name), None)

    @property
    def enabled(self) -> bool:
        return is_yes(self.last("enabled") or "yes")


class Script:
    """State of a run: objects by class and name (both without regard to case), coordinates, problems."""

    def __init__(self, root: Path) -> None:
        self.root = root.parent
        self.problems: list[Problem] = []
        self.files: list[Path] = []
        self._folder = root.parent
        self._running: list[Path] = []
        self._includes = 0
        self._reset()
        self._run_file(root)

    def _reset(self) -> None:
        self.circuit: str | None = None
        self.objects: dict[tuple[str, str], DssObject] = {}
        self.coordinates: dict[str, tuple[float, float]] = {}
        self.ignored: Counter[str] = Counter()
        self._others: set[tuple[str, str]] = set()
        self._active: DssObject | None = None
        self._variables: dict[str, str] = {}

    def of(self, *classes: str) -> Iterator[DssObject]:
        """Enabled objects of some classes in the order of their making."""
        return (item for item in self.objects.values() if item.class_name in classes and item.enabled)

    def find(self, full_name: str) -> DssObject | None:
        class_name, _, name = full_name.partition(".")
        return self.objects.get((class_name.casefold(), name.casefold()))

    def note(
        self, code: str, message: str, place: Place, name: str | None = None, severity: Severity = "error"
    ) -> None:
        self.problems.append(Problem(code, message, severity, place.file, place.line, name))

    # files

    def _run_file(self, path: Path) -> None:
        self._running.append(path.resolve())
        for place, line in self._lines(path):
            self._run_line(line, place)
        self._running.pop()

    def _lines(self, path: Path) -> Iterator[tuple[Place, str]]:
        name = self._display(path)
        source = read_text(path, name)
        if source.problem is not None:
            self.problems.append(source.problem)
            return
        if path not in self.files:
            self.files.append(path)
        for number, line in logical_lines(source.text):
            yield Place(name, number), line

    def _display(self, path: Path) -> str:
        resolved = path.resolve()
        root = self.root.resolve()
        return resolved.relative_to(root).as_posix() if resolved.is_relative_to(root) else resolved.name

    def _locate(self, text: str) -> Path | None:
        """A file named in a script: relative to the current folder, either slash, without regard to case."""
        given = PureWindowsPath(text.strip())
        path = Path(given.anchor.replace("\\", "/")) if given.anchor in {"/", "\\"} else self._folder
        for part in given.parts[1 if given.anchor else 0 :]:
            step = path / part
            if part != ".." and not step.exists():
                alike = [item for item in _entries(path) if item.name.casefold() == part.casefold()]
                if not alike:
                    return None
                step = alike[0]
            path = step
        return path if path.is_file() else None

    def _include(self, verb: str, words: list[Parameter], place: Place) -> None:
        text = words[0][1] if words else ""
        path = self._locate(text)
        if path is None:
            self.note("missing_include", f"{verb} of {text!r}: there is no such file", place)
            return
        if path.resolve() in self._running or len(self._running) >= MAX_DEPTH:
            self.note("circular_include", f"{verb} of {text!r}: the file is being read already", place)
            return
        self._includes += 1
        if self._includes > MAX_INCLUDES:
            if self._includes == MAX_INCLUDES + 1:
                self.note("too_large", f"more than {MAX_INCLUDES} files are included; the rest is not read", place)
            return
        before, self._folder = self._folder, path.parent
        self._run_file(path)
        if verb == "redirect":
            self._folder = before

    def _read_coordinates(self, words: list[Parameter], place: Place) -> None:
        text = words[0][1] if words else ""
        path = self._locate(text)
        if path is None:
            self.note("missing_include", f"coordinates in {text!r}: there is no such file", place)
            return
        for row_place, line in self._lines(path):
            values = [value for _, value, _ in split_words(line)]
            try:
                self.coordinates[values[0].casefold()] = (float(values[1]), float(values[2]))
            except (IndexError, ValueError):
                self.note("bad_coordinates", f"{line!r} is not bus, x, y", row_place, severity="warning")

    # commands

    def _run_line(self, line: str, place: Place) -> None:
        if line.startswith("~"):
            line = f"more {line[1:]}"
        words = split_words(line)
        if not words:  # commas alone
            return
        if self._variables:
            words = [(name, self._variables.get(text.casefold(), text), quoted) for name, text, quoted in words]
        head, text, _ = words[0]
        if head is not None:
            self._assign(head, words, place)
            return
        command = command_name(text)
        rest = words[1:]
        if command is None:
            message = f"{text!r} is not a command of OpenDSS; the line is passed over"
            self.note("unknown_command", message, place, None, "warning")
        elif command in {"redirect", "compile"}:
            self._include(command, rest, place)
        elif command in {"open", "close", "enable", "disable"}:
            self._switch(command, rest, place)
        elif command in {"clear", "clearall"}:
            self._reset()
        elif command == "more":
            self._set(self._active, rest, place)
        elif command == "var":
            self._variables.update({name.casefold(): value for name, value, _ in rest if name})
        else:
            acts = {
                "new": self._new,
                "edit": self._edit,
                "batchedit": self._batch_edit,
                "buscoords": self._read_coordinates,
            }
            if command in acts:
                acts[command](rest, place)

    def _new(self, words: list[Parameter], place: Place) -> None:
        class_name, name = self._named(words, place)
        if not name:
            return
        key = (class_name, name.casefold())
        self._active = None
        if class_name == "circuit":
            if self.circuit is not None:
                self.note("doubled_id", f"a second circuit {name!r}; only one is read", place, "circuit")
            self.circuit = name
            key = ("vsource", "source")
            self._active = DssObject("vsource", "source", place, [("bus1", "sourcebus")])
        elif class_name in OTHER_CLASSES:
            self._others.add(key)
            self.ignored[class_name] += 1
            return
        elif class_name not in PROPERTIES:
            self.note("unknown_kind", f"{class_name!r} is not a class of OpenDSS", place, "class")
            self._others.add(key)
            return
        elif key in self.objects:
            first = self.objects[key].place
            where = f" (first in {first.file}, line {first.line})"
            self.note("doubled_id", f"{class_name}.{name} is made more than once{where}", place, "object")
        else:
            self._active = DssObject(class_name, name, place)
        if self._active is not None:
            self.objects[key] = self._active
            self._set(self._active, words[1:], place)

    def _named(self, words: list[Parameter], place: Place) -> tuple[str, str]:
        text = words[0][1] if words and (words[0][0] or "object").casefold() in {"object", "element", "name"} else ""
        class_name, _, name = text.partition(".")
        if not class_name or not name:
            self.note("missing_value", f"{text!r} is not class.name", place, "object")
            return "", ""
        return class_name.casefold(), name

    def _edit(self, words: list[Parameter], place: Place) -> None:
        class_name, name = self._named(words, place)
        if name:
            self._edit_object(class_name, name, words[1:], place)

    def _edit_object(self, class_name: str, name: str, words: list[Parameter], place: Place) -> None:
        if class_name == "circuit":
            class_name, name = "vsource", "source"
        key = (class_name, name.casefold())
        self._active = self.objects.get(key)
        if self._active is not None:
            self._set(self._active, words, place)
        elif key not in self._others:
            self.note("dangling_reference", f"{class_name}.{name} does not exist", place, "object")

    def _batch_edit(self, words: list[Parameter], place: Place) -> None:
        class_name, name = self._named(words, place)
        if not name or class_name in OTHER_CLASSES:
            return
        try:
            pattern = re.compile(name, re.IGNORECASE)
        except re.error as error:
            self.note("bad_pattern", f"{name!r} is not a regular expression: {error}", place, "object")
            return
        for item in list(self.objects.values()):
            if item.class_name == class_name and pattern.search(item.name):
                self._set(item, words[1:], place)

    def _assign(self, head: str, words: list[Parameter], place: Place) -> None:
        """`Class.Name.Property=value`, or `Property=value` of the active object."""
        class_name, _, rest = head.partition(".")
        name, dot, prop = rest.rpartition(".")
        if not rest:
            self._set(self._active, words, place)
        elif not dot:
            self.note("unknown_command", f"{head!r} is not class.name.property", place, None, "warning")
        else:
            self._edit_object(class_name.casefold(), name, [(prop, *words[0][1:]), *words[1:]], place)

    def _set(self, item: DssObject | None, words: list[Parameter], place: Place) -> None:
        if item is None:
            return
        names = PROPERTIES[item.class_name]
        pointer = -1
        for given, text, _ in words:
            if given is None:
                pointer += 1
                name = names[pointer] if pointer < len(names) else None
            else:
                name = property_name(item.class_name, given)
                pointer = names.index(name) if name else pointer
            if name is None:
                message = f"{item.full_name} has no property {given or text!r}"
                self.note("unknown_property", message, place, given, "warning")
            elif name == "like":
                self._copy(item, text, place)
            else:
                item.settings.append((name, text))

    def _copy(self, item: DssObject, name: str, place: Place) -> None:
        model = self.objects.get((item.class_name, name.casefold()))
        if model is None:
            self.note("dangling_reference", f"{item.full_name} is like {name!r}, which does not exist", place, "like")
        elif model is not item:
            item.settings.extend(model.settings)

    def _switch(self, command: str, words: list[Parameter], place: Place) -> None:
        class_name, name = self._named(words, place)
        if not name:
            return
        item = self.objects.get((class_name, name.casefold()))
        if item is None:
            if (class_name, name.casefold()) not in self._others:
                self.note(
                    "dangling_reference", f"{command} of {class_name}.{name}, which does not exist", place, "object"
                )
            return
        if command in {"enable", "disable"}:
            item.settings.append(("enabled", "yes" if command == "enable" else "no"))
            return
        conductor = self._conductor(words[1:], place)
        if command == "open":
            item.open_conductors.add(conductor)
        elif conductor == 0:
            item.open_conductors.clear()
        else:
            if 0 in item.open_conductors:
                item.open_conductors = {1, 2, 3}
            item.open_conductors.discard(conductor)

    def _conductor(self, words: list[Parameter], place: Place) -> int:
        """The conductor of an open or close statement; 0 is all. The terminal does not matter to what is supplied."""
        for number, (given, text, _) in enumerate(words):
            if (given or "").casefold().startswith("cond") or (given is None and number == 1):
                if text.isdecimal():
                    return int(text)
                self.note("bad_number", f"{text!r} is not a conductor", place, "conductor")
        return 0


def _entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
