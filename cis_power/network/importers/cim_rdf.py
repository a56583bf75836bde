"""RDF/XML of the CIM as plain objects: CIM100 in one file, CGMES split over several, also zipped. No DTDs."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from xml.sax import SAXException
from xml.sax.handler import ContentHandler, feature_namespaces
from xml.sax.xmlreader import InputSource, Locator

from defusedxml.common import DefusedXmlException
from defusedxml.sax import make_parser

from cis_power.core.errors import Problem
from cis_power.network.model import Place

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MAX_FILE_BYTES = 2_000_000_000
MAX_PACKED_RATIO = 100
MAX_TEXT = 100_000
GB_ENCODINGS = ("gbk", "gb2312", "gb18030")
Name = tuple[str | None, str]


@dataclass(slots=True)
class RdfObject:
    """One object: its class, and by property the text or the id of what it refers to (the last one given)."""

    id: str
    class_name: str
    place: Place
    values: dict[str, str] = field(default_factory=dict)
    defined: bool = True  # False: only `rdf:about`, which adds to an object that another file defines

    def get(self, *names: str) -> str | None:
        return next((self.values[name] for name in names if self.values.get(name)), None)


@dataclass(slots=True)
class RdfStore:
    """All objects of some files by id."""

    objects: dict[str, RdfObject] = field(default_factory=dict)
    namespaces: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    def of(self, *classes: str) -> Iterator[RdfObject]:
        return (item for item in self.objects.values() if item.class_name in classes)

    def follow(self, item: RdfObject | None, *names: str) -> RdfObject | None:
        """The object that one of the properties refers to."""
        reference = item.get(*names) if item is not None else None
        return self.objects.get(reference) if reference else None

    def add(self, item: RdfObject) -> None:
        known = self.objects.get(item.id)
        if known is None:
            self.objects[item.id] = item
        elif known.class_name != item.class_name or (item.defined and known.defined) or _repeated(known, item):
            where = f" (first in {known.place.file}, line {known.place.line})"
            message = f"{item.class_name} {item.id} is defined more than once{where}"
            self.problems.append(Problem("doubled_id", message, "error", item.place.file, item.place.line, "rdf:ID"))
        else:
            known.values.update(item.values)
            if item.defined:
                known.place, known.defined = item.place, True


def _repeated(known: RdfObject, item: RdfObject) -> bool:
    return known.place.file == item.place.file and not known.defined and not item.defined


def normal_id(text: str) -> str:
    """One spelling for `#_x`, `_x` and `urn:uuid:x`."""
    return text.removeprefix("#").removeprefix("urn:uuid:").removeprefix("_")


class _Handler(ContentHandler):
    """Objects are the children of the root, their properties the children of these."""

    def __init__(self, store: RdfStore, file: str) -> None:
        super().__init__()
        self.store = store
        self.file = file
        self.locator: Locator | None = None
        self.depth = 0
        self.item: RdfObject | None = None
        self.text: list[str] = []
        self.size = 0

    def setDocumentLocator(self, locator: Locator) -> None:  # noqa: N802 - SAX's own name
        self.locator = locator

    def startElementNS(self, name: Name, qname: str | None, attrs: Any) -> None:  # noqa: N802 - SAX's own name
        self.depth += 1
        if self.depth == 1 and name != (RDF, "RDF"):
            raise SAXException(f"the root is {name[1]}, not rdf:RDF")
        if self.depth == 2:
            self._begin(name, attrs)
        elif self.depth == 3:
            self.text, self.size = [], 0
            reference = attrs.get((RDF, "resource"))
            if self.item is not None and reference:
                self.item.values[name[1]] = _reference(reference)

    def _begin(self, name: Name, attrs: Any) -> None:
        defined = attrs.get((RDF, "ID"))
        identity = normal_id(defined or attrs.get((RDF, "about")) or "")
        self.store.namespaces.add(name[0] or "")
        place = Place(self.file, self.locator.getLineNumber() if self.locator else None)
        self.item = RdfObject(identity, name[1], place, defined=defined is not None) if identity else None

    def characters(self, content: str) -> None:
        if self.depth == 3 and self.size < MAX_TEXT:
            self.text.append(content)
            self.size += len(content)

    def endElementNS(self, name: Name, qname: str | None) -> None:  # noqa: N802 - SAX's own name
        if self.depth == 3 and self.item is not None:
            text = "".join(self.text).strip()
            if text:
                self.item.values[name[1]] = text
        elif self.depth == 2 and self.item is not None:
            self.store.add(self.item)
            self.item = None
        self.depth -= 1


def _reference(text: str) -> str:
    """The id of an object, or the value of an enumeration such as `…#SinglePhaseKind.A`."""
    if text.startswith(("http://", "https://")) and "#" in text:
        text = text.rpartition("#")[2]
    return normal_id(text)


def read_rdf(path: Path) -> RdfStore:
    """Objects of an .xml file, of the .xml files of a .zip file, or of those of a folder."""
    store = RdfStore()
    if path.is_dir():
        files = sorted(item for item in path.iterdir() if item.suffix.casefold() in {".xml", ".rdf", ".zip"})
        if not files:
            store.problems.append(Problem("unreadable", "the folder holds no .xml file", file=path.name))
        for file in files:
            _read_path(store, file)
    else:
        _read_path(store, path)
    return store


def _read_path(store: RdfStore, path: Path) -> None:
    store.files.append(path)
    try:
        if path.suffix.casefold() == ".zip":
            _read_zip(store, path)
        elif path.stat().st_size > MAX_FILE_BYTES:
            store.problems.append(Problem("too_large", f"at most {MAX_FILE_BYTES} bytes are read", file=path.name))
        else:
            with path.open("rb") as stream:
                _parse(store, stream, path.name)
    except OSError as error:
        store.problems.append(Problem("unreadable", error.strerror or str(error), file=path.name))


def _read_zip(store: RdfStore, path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [item for item in archive.infolist() if item.filename.casefold().endswith((".xml", ".rdf"))]
            if not members:
                store.problems.append(Problem("unreadable", "the archive holds no .xml file", file=path.name))
            for member in members:
                name = f"{path.name}/{member.filename}"
                packed = max(member.compress_size, 10_000)
                if member.file_size > min(MAX_FILE_BYTES, packed * MAX_PACKED_RATIO):
                    message = f"unpacks to {member.file_size} bytes, more than {MAX_PACKED_RATIO} times its size"
                    store.problems.append(Problem("too_large", message, file=name))
                    continue
                with archive.open(member) as stream:
                    _parse(store, stream, name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        store.problems.append(Problem("unreadable", f"not a readable archive: {error}", file=path.name))


def _parse(store: RdfStore, stream: IO[bytes], name: str) -> None:
    """Feed one file; what it held before an error is kept, so that more problems come to light."""
    parser = make_parser()
    parser.forbid_dtd = True
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(_Handler(store, name))
    line: int | None = None
    try:
        parser.parse(_source(stream))
        return
    except DefusedXmlException:
        code, message = "dtd", "a document type or entity declaration is refused"
    except SAXException as error:
        code, message = "unreadable", f"not readable as RDF/XML: {error.getMessage()}"
        line = getattr(error, "getLineNumber", lambda: None)()
    except (UnicodeDecodeError, LookupError, ValueError) as error:
        code, message = "encoding", f"not readable in its encoding: {error}"
    store.problems.append(Problem(code, message, "error", name, line))


def _source(stream: IO[bytes]) -> InputSource:
    """The stream as it is; the Chinese encodings, which the XML parser lacks, as decoded text."""
    head = stream.read(200)
    declared = head.lower().partition(b"encoding=")[2][1:20]
    rest = io.BufferedReader(_Joined(head, stream))
    source = InputSource()
    if any(declared.startswith(name.encode()) for name in GB_ENCODINGS):
        source.setCharacterStream(io.TextIOWrapper(rest, encoding="gb18030"))
    else:
        source.setByteStream(rest)
    return source


class _Joined(io.RawIOBase):
    """What was read ahead, then the rest of the stream."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head = head
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        return len(data)
