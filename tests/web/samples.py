"""What the harness puts in the place of each kind of value: own, foreign, missing, malformed."""

from tests.web.crawl import Values
from tests.web.utility import EAST, WEST

LONG = "x" * 3000
MALFORMED = (LONG, "..%2f", "a\x1fb")


def sample_values(outages: dict[str, str], reports: tuple[str, ...]) -> Values:
    """Return the values; `outages` gives the id of the open outage of each district, `reports` all reports' names."""
    own, foreign, missing, malformed = {}, {}, {}, {}
    pairs = {
        "account_no": ("account_no",),
        "usage_point": ("usage_point",),
        "device": ("device", "transformer"),
        "feeder": ("feeder",),
        "substation": ("substation",),
        "point_id": ("point_id",),
        "phone": ("phone",),
        "place": ("place",),
        "district": ("district",),
        "districts": ("district",),
    }
    for kind, fields in pairs.items():
        own[kind] = tuple(EAST.texts()[field] for field in fields)
        foreign[kind] = tuple(WEST.texts()[field] for field in fields)
        missing[kind] = tuple(f"N{text[1:]}" for text in foreign[kind])
        malformed[kind] = MALFORMED
    own["outage_id"] = (outages[EAST.district], EAST.outage_no)
    foreign["outage_id"] = (outages[WEST.district], WEST.outage_no)
    missing["outage_id"] = ("9" * len(outages[WEST.district]), "NOUT8842")
    malformed["outage_id"] = MALFORMED
    searched = ("account_no", "name", "phone", "address", "place", "meter_no", "usage_point", "transformer", "feeder")
    own["search"] = tuple(EAST.texts()[field] for field in searched)
    foreign["search"] = tuple(WEST.texts()[field] for field in searched)
    missing["search"] = ("N8842001", "段霁雪", "13599990777", "霁雪弄 9953 号", "Nowhere Court", "NMT8842", "NUP8842",
                         "NTX8842", "NFDR8842")  # fmt: skip
    malformed["search"] = ("%", "_", "' OR 1=1 --", '" OR *', "\\", "𓂀𓂀", "x" * 199)
    own["source"], missing["source"] = ("rtu1",), ("rtu9",)
    own["layout"], missing["layout"] = ("customers",), ("no-such-layout",)
    own["report"] = reports
    missing["report"] = ("no-such-report",)
    own["instant"] = ("2026-03-02T08:30:00+08:00", "2026-05-04")
    malformed["instant"] = ("yesterday", "2026-02-30", "0000-00-00", "9999-12-31T23:59:59-23:59", "+")
    own["period_from"], own["period_to"] = ("2026-03-01",), ("2026-05-05",)
    malformed["period_from"] = malformed["period_to"] = (*malformed["instant"], "2026-03-01")
    own["date"] = ("2026-03-01",)
    malformed["date"] = ("2026-02-30", "1", "99999-01-01")
    own["number"] = ("1",)
    missing["number"] = ("999999999999999999",)
    malformed["number"] = ("-1", "1e9", "٣", "0" * 30)
    own["user"], missing["user"] = ("agent-own",), ("no-such-user",)
    own["new_user"], malformed["new_user"] = ("somebody-new",), ("", " ", LONG)
    own["password"], malformed["password"] = ("another horse",), ("short", LONG)
    own["role"], malformed["role"] = ("agent",), ("system", "king")
    own["limit"], malformed["limit"] = ("1",), ("0", "-1", "x", "1e3", "99999999999999999999")
    own["cursor"], malformed["cursor"] = (), ("x", "W10.abc", LONG)
    own["text"], malformed["text"] = ("some words",), (LONG,)
    return Values(own=own, foreign=foreign, missing=missing, malformed=malformed)
