"""Files mangled at random: every importer answers a model and problems, none ever raises."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cis_power.core.errors import Problem
from cis_power.network.checks import check
from cis_power.network.importers import READERS, content_hash
from cis_power.network.importers.opendss_words import split_words

SCRIPT = b"""clear
new circuit.c bus1=src basekv=10 phases=3
new linecode.one nphases=(1 1 *) r1=.1
new line.A src n1.1.2.3 linecode=one switch=y
~ length=[1 2] like=A
new transformer.T windings=2 wdg=1 bus=n1 kv=10 kva=400 wdg=2 bus=n2.1.0 kv=.4
new xfmrcode.x phases=1
new load.L bus1=n2.1 kw=3 kvar=4 phases=1 conn=delta
new fuse.f line.A
open line.A 2 1
batchedit load..* kw=(2 3 *)
Line.A.phases=2 ! done
"""
NODES = b"node,x,y,nominal_v\nS,0,0,10000\nA,1,2,10000\n"
EQUIPMENT = (
    b"device,kind,from_node,to_node,normal_open,telemetered,phases,rated_kva,feeder,substation,district,name\n"
    b'CB,breaker,S,A,false,1,ABC,,F1,SS,D,"a ""name"" of\ntwo lines"\nT,transformer,A,S,0,0,,400,F1,SS,D,\n'
)
TERMINAL = b"""<cim:Terminal rdf:ID="_t%d"><cim:Terminal.ConductingEquipment rdf:resource="#_b"/>
<cim:Terminal.ConnectivityNode rdf:resource="#_n%d"/></cim:Terminal>
"""
RDF = (
    b"""<?xml version="1.0" encoding="utf-8"?>
<rdf:RDF xmlns:cim="http://iec.ch/TC57/CIM100#" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<cim:BaseVoltage rdf:ID="_v"><cim:BaseVoltage.nominalVoltage>10000</cim:BaseVoltage.nominalVoltage></cim:BaseVoltage>
<cim:ConnectivityNode rdf:ID="_n1"/><cim:ConnectivityNode rdf:ID="_n2"/>
<cim:Breaker rdf:ID="_b"><cim:IdentifiedObject.name>b</cim:IdentifiedObject.name>
<cim:ConductingEquipment.BaseVoltage rdf:resource="#_v"/>
<cim:Switch.normalOpen>true</cim:Switch.normalOpen></cim:Breaker>
"""
    + TERMINAL % (1, 1)
    + TERMINAL % (2, 2)
    + b"</rdf:RDF>\n"
)
INSERTS = st.sampled_from(
    [
        b"",
        b"\x00",
        b"\xff",
        b"\xc4\xe3",
        b'"',
        b"(",
        b"]",
        b"=",
        b",",
        b"\n",
        b"~",
        b".",
        b"-",
        b"9e999",
        b"nan",
        b"/*",
        b"<",
        b"&",
    ]
)


@st.composite
def mangled(draw: st.DrawFn, whole: bytes) -> bytes:
    """Some bytes taken out, some put in, some lines swapped."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 12))] = draw(INSERTS)
    lines = bytes(data).split(b"\n")
    if draw(st.booleans()):
        lines = draw(st.permutations(lines))
    return b"\n".join(lines)


def survives(format_name: str, path: Path) -> None:
    model = READERS[format_name](path)
    problems = check(model)
    assert all(isinstance(problem, Problem) and problem.message for problem in problems)
    assert all(problem.line is None or problem.line > 0 for problem in problems)
    assert model.counts()["node"] == len(model.nodes)
    assert len(content_hash(format_name, model.files)) == 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mangled")


@given(mangled(SCRIPT))
@settings(max_examples=300, deadline=None)
def test_scripts(folder: Path, data: bytes) -> None:
    (folder / "main.dss").write_bytes(data)
    survives("opendss", folder / "main.dss")


@given(mangled(RDF))
@settings(max_examples=300, deadline=None)
def test_rdf(folder: Path, data: bytes) -> None:
    (folder / "network.xml").write_bytes(data)
    survives("cim", folder / "network.xml")


@given(mangled(NODES), mangled(EQUIPMENT))
@settings(max_examples=300, deadline=None)
def test_folders(folder: Path, nodes: bytes, equipment: bytes) -> None:
    for name, data in (("nodes", nodes), ("equipment", equipment), ("sources", b"node\nS\n")):
        (folder / f"{name}.csv").write_bytes(data)
    survives("csv", folder)


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_line_is_split_to_its_end(line: str) -> None:
    assert all(isinstance(text, str) for _, text, _ in split_words(line))
