"""What is installed is whole: the wheel, outside the checkout, and the licences of what it needs."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution, entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.xdist_group("packaging")

CHECKOUT = Path(__file__).resolve().parents[2]
PARTS = ("cis_power", "scada_bridge", "billing_bridge", "web", "reports")
CODE = (".py", ".pyc")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's wheel, built from a copy of its sources."""
    copy = tmp_path_factory.mktemp("source")
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, copy)
    for name in PARTS:
        shutil.copytree(CHECKOUT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    out = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "-w", out, copy], check=True, capture_output=True)
    return next(out.glob("*.whl"))


def _sources() -> set[str]:
    return {
        str(file.relative_to(CHECKOUT))
        for part in PARTS
        for file in (CHECKOUT / part).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_wheel_holds_every_file_of_the_source(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert _sources() - packed == set()
    assert packed - _sources() == set()
    assert any(name.startswith("cis_power/migrations/versions/") for name in packed)
    assert any(name.startswith("web/templates/") for name in packed)
    assert any(name.startswith("web/translations/zh_CN/") for name in packed)


@pytest.fixture
def installed(wheel: Path, tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a process that sees the installed wheel and its dependencies, but not the checkout."""
    place = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*pip, "--target", place, wheel], check=True, capture_output=True)
    dependencies = tmp_path / "dependencies"
    dependencies.mkdir()
    for found in Path(distribution("click").locate_file("")).iterdir():
        if not re.match(r"(__editable__|cis_power)", found.name):
            (dependencies / found.name).symlink_to(found)
    yield {"PATH": os.environ["PATH"], "PYTHONPATH": f"{place}:{dependencies}", "CIS_DATABASE": "sqlite:///cis.db"}


def test_the_installed_wheel_runs_outside_the_checkout(installed: dict[str, str], tmp_path: Path) -> None:
    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-S", *words], cwd=tmp_path, env=installed, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    where = run("-c", "import cis_power, web; print(cis_power.__file__, web.__file__)")
    assert str(CHECKOUT) not in where
    assert "upgraded" in run("-m", "cis_power", "db", "upgrade")
    assert "in order" in run("-m", "cis_power", "db", "check")
    commands = {point.name for point in entry_points(group="cis_power.commands")}
    assert commands <= set(run("-m", "cis_power", "--help").split())


def _needed(name: str, seen: dict[str, Distribution]) -> None:
    """The distributions that installing `name` brings."""
    found = distribution(name)
    seen[found.metadata["Name"].lower()] = found
    for line in found.requires or ():
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        if requirement.name.lower() not in seen:
            _needed(requirement.name, seen)


def _licence(found: Distribution) -> str:
    words = [found.metadata.get("License-Expression") or "", (found.metadata.get("License") or "")[:200]]
    words += [line for line in found.metadata.get_all("Classifier") or () if line.startswith("License")]
    return " | ".join(words)


def test_no_dependency_forbids_what_the_licence_allows() -> None:
    """GPL and AGPL would bind the whole; LGPL and weaker ones are fine for what is only imported."""
    needed: dict[str, Distribution] = {}
    _needed("cis-power", needed)
    assert len(needed) > 30
    refused = {name: text for name, found in needed.items() if _binds(text := _licence(found))}
    assert refused == {}
    assert [name for name, found in needed.items() if not _licence(found).strip(" |")] == []


def _binds(text: str) -> bool:
    gpl = re.search(r"(?<!L)(?<!Lesser )\bA?GPL|(?<!Lesser )General Public License", text)
    return bool(gpl) and not re.search(r"\bLGPL|Lesser General|\bOR\b|MIT|BSD|Apache", text)


@pytest.mark.parametrize(
    ("text", "binds"),
    [
        ("GPL-3.0-only", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("AGPL-3.0", True),
        ("LGPL-3.0-only", False),
        ("License :: OSI Approved :: GNU Lesser General Public License v3 (LGPLv3)", False),
        ("BSD-3-Clause", False),
    ],
)
def test_binding_licences_are_recognised(text: str, binds: bool) -> None:
    assert _binds(text) == binds


def test_locks_pin_every_line_by_hash_and_name_no_place() -> None:
    for file in (CHECKOUT / "requirements").glob("*.txt"):
        text = file.read_text()
        pins = re.findall(r"^[A-Za-z0-9_.\[\],-]+==\S+", text, re.M)
        assert len(pins) > 40
        assert all("--hash=sha256:" in block for block in re.split(r"\n(?=\S)", text) if "==" in block.split("\n")[0])
        assert not re.search(r"https?://|file:|--index|--find-links|/home/|/root/", text)


def test_locks_hold_every_requirement_of_the_project() -> None:
    def pinned(name: str) -> set[str]:
        text = (CHECKOUT / "requirements" / name).read_text()
        return {line.split("==")[0].split("[")[0].lower() for line in text.splitlines() if re.match(r"\w\S*==", line)}

    wanted: dict[str, set[str]] = {"run.txt": set(), "test.txt": set(), "bench.txt": set()}
    for line in distribution("cis-power").requires or ():
        requirement = Requirement(line)
        for lock, extra in (("run.txt", ""), ("test.txt", "test"), ("bench.txt", "bench")):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                wanted[lock].add(requirement.name.lower())
    for lock, names in wanted.items():
        assert names - pinned(lock) == set(), f"`make lock` brings {lock} up to date"
