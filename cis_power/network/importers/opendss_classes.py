"""Properties of the OpenDSS classes that shape a network, in their order: abbreviations and positions go by it."""

_TAIL = "normamps emergamps faultrate pctperm repair"
_LAST = "basefreq enabled like"

_PROPERTIES = {
    "line": f"""bus1 bus2 linecode length phases r1 x1 r0 x0 c1 c0 rmatrix xmatrix cmatrix switch rg xg
        rho geometry units spacing wires earthmodel cncables tscables b1 b0 seasons ratings linetype epsrmedium
        heightoffset heightunit conductors {_TAIL} {_LAST}""",
    "transformer": f"""phases windings wdg bus conn kv kva tap %r rneut xneut buses conns kvs kvas taps xhl xht
        xlt xscarray thermal n m flrise hsrise %loadloss %noloadloss normhkva emerghkva sub maxtap mintap numtaps
        subname %imag ppm_antifloat %rs bank xfmrcode xrconst x12 x13 x23 leadlag wdgcurrents core rdcohms seasons
        ratings {_TAIL} {_LAST}""",
    "autotrans": f"""phases windings wdg bus conn kv kva tap %r rdcohms core buses conns kvs kvas taps xhx
        xht xxt xscarray thermal n m flrise hsrise %loadloss %noloadloss normhkva emerghkva sub maxtap mintap
        numtaps subname %imag ppm_antifloat %rs bank xfmrcode xrconst leadlag wdgcurrents seasons ratings {_TAIL}
        {_LAST}""",
    "xfmrcode": """phases windings wdg conn kv kva tap %r rneut xneut conns kvs kvas taps xhl xht xlt
        xscarray thermal n m flrise hsrise %loadloss %noloadloss normhkva emerghkva maxtap mintap numtaps %imag
        ppm_antifloat %rs x12 x13 x23 rdcohms seasons ratings like""",
    "linecode": """nphases r1 x1 r0 x0 c1 c0 units rmatrix xmatrix cmatrix basefreq normamps emergamps
        faultrate pctperm repair kron rg xg rho neutral b1 b0 seasons ratings linetype like""",
    "linegeometry": """nconds nphases cond wire x h units normamps emergamps reduce spacing wires cncable
        tscable cncables tscables seasons ratings linetype like""",
    "load": f"""phases bus1 kv kw pf model yearly daily duty growth conn kvar rneut xneut status class
        vminpu vmaxpu vminnorm vminemerg xfkva allocationfactor kva %mean %stddev cvrwatts cvrvars kwh kwhdays
        cfactor cvrcurve numcust zipv %seriesrl relweight vlowpu puxharm xrharm spectrum {_LAST}""",
    "vsource": f"""bus1 basekv pu angle frequency phases mvasc3 mvasc1 x1r1 x0r0 isc3 isc1 r1 x1 r0 x0
        scantype sequence bus2 z1 z0 z2 puz1 puz0 puz2 basemva yearly daily duty model puzideal spectrum {_LAST}""",
    "capacitor": f"""bus1 bus2 phases kvar kv conn cmatrix cuf r xl harm numsteps states {_TAIL} {_LAST}""",
    "reactor": f"""bus1 bus2 phases kvar kv conn rmatrix xmatrix parallel r x rp z1 z2 z0 z rcurve lcurve
        lmh {_TAIL} {_LAST}""",
    "fuse": f"""monitoredobj monitoredterm switchedobj switchedterm fusecurve ratedcurrent delay action
        normal state {_LAST}""",
    "recloser": f"""monitoredobj monitoredterm switchedobj switchedterm numfast phasefast phasedelayed
        groundfast grounddelayed phasetrip groundtrip phaseinst groundinst reset shots recloseintervals delay action
        tdphfast tdgrfast tdphdelayed tdgrdelayed normal state {_LAST}""",
    "relay": f"""monitoredobj monitoredterm switchedobj switchedterm type phasecurve groundcurve
        phasetrip groundtrip tdphase tdground phaseinst groundinst reset shots recloseintervals delay overvoltcurve
        undervoltcurve kvbase breakertime 47%pickup 46baseamps 46%pickup 46isqt variable overtrip undertrip action
        normal state {_LAST}""",
    "swtcontrol": f"""switchedobj switchedterm action lock delay normal state reset {_LAST}""",
}
PROPERTIES: dict[str, tuple[str, ...]] = {name: tuple(words.split()) for name, words in _PROPERTIES.items()}

# What exists beside these and neither conducts from bus to bus nor supplies: counted, not modelled.
_OTHER_CLASSES = """
    growthshape tcc_curve spectrum wiredata cndata tsdata linespacing loadshape tshape priceshape xycurve regcontrol
    capcontrol gictransformer gicline gicsource generator gendispatcher storage storagecontroller storage2 pvsystem
    pvsystem2 indmach012 upfc upfccontrol esptcontrol espvlcontrol vccs vsconverter isource fault dynamicexp windgen
    generic5 invcontrol expcontrol fmonitor monitor energymeter sensor
"""
OTHER_CLASSES = frozenset(_OTHER_CLASSES.split())

# Commands that solve, show or set options: they change no element.
_OTHER_COMMANDS = """
    about addbusmarker addmarker aggregateprofiles alignfile allocateloads allpceatbus allpdeatbus calcincmatrix
    calcincmatrix_o calclaplacian calcvoltagebases capacity cd cktlosses cleanup classes clearbusmarkers closedi
    comparecases connect currents di_plot disconnect distribute doscmd dump estimate export fileedit finishtimestep
    formedit get help init initsnap interpolate latlongcoords losses makebuslist makeposseq meterzone next nodediff
    nodelist obfuscate panel phaselosses plot powers pstcalc puvoltages quit randomise reconductor reduce
    refine_buslevels rephase reprocessbuses reset resample rotate sample save select seqcurrents seqpowers
    seqvoltages set setbusxy setkvbase setloadandgenkv show solve steady summary tear_circuit totals updatestorage
    userclasses uuids valvarvalues variable vartype varnames varvalues visualize voltages wait yearlycurves yprim
    ysc zsc zsc012 zsc10 zscrefresh ? _initsnap _solvedirect _solvenocontrol _solvepflow _docontrolactions
    _sampcontrols _showcontrolqueue storagereport relcalc batchload exportoverloads exportvviolations abort solveall
    clone newactor gis calca remove
"""
OTHER_COMMANDS = tuple(_OTHER_COMMANDS.split())
ACTIVE_COMMANDS = (
    "new",
    "edit",
    "more",
    "batchedit",
    "redirect",
    "compile",
    "open",
    "close",
    "enable",
    "disable",
    "clear",
    "clearall",
    "buscoords",
    "var",
)


def property_name(class_name: str, word: str) -> str | None:
    """Full name of a property: itself, else the first in order that begins with `word`; None if there is none."""
    names = PROPERTIES[class_name]
    lower = word.casefold()
    if lower in names:
        return lower
    return next((name for name in names if name.startswith(lower)), None)


def command_name(word: str) -> str | None:
    """Full name of a command from a word or its beginning; the commands that build come first."""
    lower = word.casefold()
    if lower in {"~", "m", "more"}:
        return "more"
    for names in (ACTIVE_COMMANDS, OTHER_COMMANDS):
        if lower in names:
            return lower
    if len(lower) < 2:
        return None
    return next((name for names in (ACTIVE_COMMANDS, OTHER_COMMANDS) for name in names if name.startswith(lower)), None)
