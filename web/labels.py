"""What codes are called in the reader's language, and how alarming each is. Codes themselves are the same in all."""

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

Words = dict[str, str | LazyString]

LABELS: dict[str, Words] = {
    "personal_field": {
        "name": _l("Name"),
        "phones": _l("Phone"),
        "emails": _l("E-mail"),
        "address": _l("Address"),
    },
    "role": {
        "agent": _l("Call-centre agent"),
        "billing": _l("Billing clerk"),
        "marketing": _l("Marketing"),
        "engineer": _l("Engineer"),
        "dispatcher": _l("Dispatcher"),
        "manager": _l("Manager"),
        "sysadmin": _l("System administrator"),
        "secadmin": _l("Security administrator"),
        "auditor": _l("Auditor"),
    },
    "customer_kind": {
        "residential": _l("residential"),
        "commercial": _l("commercial"),
        "industrial": _l("industrial"),
        "agricultural": _l("agricultural"),
        "public": _l("public"),
    },
    "party_kind": {"person": _l("person"), "organisation": _l("organisation")},
    "account_status": {
        "active": _l("active"),
        "disconnected": _l("disconnected"),
        "closed": _l("account closed"),
        "vacant": _l("vacant"),
    },
    "service_priority": {
        "special": _l("special"),
        "first": _l("first grade"),
        "second": _l("second grade"),
        "temporary": _l("temporary important"),
        "critical": _l("critical"),
        "life_support": _l("life support"),
        "ordinary": _l("ordinary"),
    },
    "party": {"owner": _l("owner"), "tenant": _l("tenant"), "landlord": _l("landlord")},
    "connection_role": {"main": _l("main"), "standby": _l("standby")},
    "transfer": {"auto": _l("automatic transfer"), "manual": _l("manual transfer")},
    "metering": {"metered": _l("metered"), "unmetered": _l("unmetered"), "bulk": _l("bulk")},
    "energized": {
        "full": _l("in supply"),
        "partial": _l("partly without supply"),
        "none": _l("without supply"),
        "unknown": _l("not known"),
    },
    "supply_reason": {
        "outage": _l("outage"),
        "planned": _l("planned work"),
        "disconnected": _l("disconnected"),
        "none": _l("no interruption"),
        "unknown": _l("not known"),
    },
    "evidence": {
        "signal": _l("signal"),
        "switching": _l("switching"),
        "call": _l("call"),
        "meter": _l("meter"),
        "plan": _l("plan"),
    },
    "outage_kind": {"planned": _l("planned"), "unplanned": _l("unplanned")},
    "sub_kind": {
        "fault": _l("fault"),
        "planned": _l("planned work"),
        "temporary": _l("temporary work"),
        "rationing": _l("rationing"),
    },
    "outage_status": {
        "predicted": _l("predicted"),
        "confirmed": _l("confirmed"),
        "partially_restored": _l("partly restored"),
        "restored": _l("restored"),
        "cancelled": _l("cancelled"),
    },
    "responsibility": {
        "distribution": _l("distribution"),
        "loss_of_supply": _l("loss of supply"),
        "rationing": _l("rationing"),
        "customer": _l("customer"),
        "third_party": _l("third party"),
    },
    "estimate_source": {
        "crew": _l("crew"),
        "dispatcher": _l("dispatcher"),
        "plan": _l("plan"),
        "learnt": _l("learnt from past outages"),
    },
    "quality": {
        "good": _l("good"),
        "substituted": _l("substituted"),
        "stale": _l("stale"),
        "suspect": _l("suspect"),
        "bad": _l("bad"),
        "missing": _l("missing"),
    },
    "point_kind": {"analog": _l("analog"), "discrete": _l("discrete"), "accumulator": _l("accumulator")},
    "source_state": {"up": _l("answers"), "down": _l("does not answer"), "unknown": _l("not known")},
    "batch_status": {
        "posting": _l("being posted"),
        "posted": _l("posted"),
        "refused": _l("refused"),
        "reentered": _l("re-entered"),
        "delivered": _l("delivered"),
    },
    "reject_state": {"open": _l("to be mended"), "reentered": _l("re-entered"), "withdrawn": _l("withdrawn")},
    "batch_control": {
        "zone": _l("Time zone"),
        "total": _l("Total of the file"),
        "accepted": _l("Total accepted"),
        "rejected": _l("Total rejected"),
        "unchanged": _l("Total unchanged"),
        "rejects_of": _l("Rejects of batch"),
    },
    "batch_direction": {"in": _l("in"), "out": _l("out")},
    "layout": {
        "agreements": _l("supply agreements"),
        "bills": _l("bills"),
        "connections": _l("supply connections"),
        "contacts": _l("contacts"),
        "customers": _l("customers"),
        "districts": _l("districts"),
        "interruptions": _l("interruptions"),
        "meters": _l("meters"),
        "payments": _l("payments"),
        "places": _l("places"),
        "points": _l("points"),
        "readings": _l("readings"),
        "terms": _l("contract terms"),
    },
    "job": {
        "core.forget-job-runs": _l("Forgetting old runs"),
        "customers.balances": _l("Balances of accounts"),
        "outages.engine": _l("Outage engine"),
        "scada.forget": _l("Forgetting loaded batches"),
        "scada.load": _l("Loading telemetry"),
        "scada.pull": _l("Pulling history"),
        "series.fold": _l("Packing history"),
    },
    "audit_outcome": {"done": _l("done"), "refused": _l("refused"), "failed": _l("failed")},
    "job_status": {"running": _l("running"), "done": _l("done"), "failed": _l("failed")},
    "severity": {"error": _l("error"), "warning": _l("warning")},
    "equipment_kind": {
        "breaker": _l("breaker"),
        "recloser": _l("recloser"),
        "fuse": _l("fuse"),
        "load_break_switch": _l("load break switch"),
        "switch": _l("switch"),
        "line": _l("line"),
        "transformer": _l("transformer"),
    },
    "quantity": {
        "energy": _l("energy"),
        "reactive_energy": _l("reactive energy"),
        "demand": _l("demand"),
        "voltage": _l("voltage"),
        "current": _l("current"),
        "power": _l("power"),
        "position": _l("position"),
        "operations": _l("operations"),
    },
    "direction": {"import": _l("received"), "export": _l("delivered to the network")},
    "channel_kind": {"interval": _l("interval values"), "register": _l("register")},
    "position": {"open": _l("open"), "closed": _l("closed"), "partly_open": _l("partly open")},
    "contact_channel": {
        "phone": _l("phone"),
        "ivr": _l("voice menu"),
        "mail": _l("mail"),
        "web": _l("web form"),
        "counter": _l("counter"),
        "field": _l("field visit"),
        "social": _l("social media"),
        "cti": _l("telephone system"),
    },
    "contact_kind": {
        "trouble": _l("trouble call"),
        "enquiry": _l("enquiry"),
        "request": _l("request"),
        "complaint": _l("complaint"),
        "suggestion": _l("suggestion"),
        "notice": _l("notice"),
        "visit": _l("visit"),
        "other": _l("other"),
    },
    "contact_direction": {"in": _l("from the customer"), "out": _l("to the customer")},
    "bill_state": {
        "settled": _l("settled"),
        "part": _l("partly paid"),
        "open": _l("to be paid"),
        "overdue": _l("overdue"),
        "credit": _l("credit note"),
    },
    "arrears": {"yes": _l("in arrears"), "no": _l("nothing overdue")},
    "call_channel": {"phone": _l("phone"), "ivr": _l("voice menu"), "web": _l("web"), "cti": _l("telephone system")},
    "trouble_code": {
        "no_power": _l("no power"),
        "part_power": _l("part of the power"),
        "flicker": _l("flickering"),
        "low_voltage": _l("low voltage"),
        "high_voltage": _l("high voltage"),
        "wire_down": _l("wire down"),
        "fire": _l("fire"),
        "pole_damage": _l("damaged pole"),
        "noise": _l("noise"),
        "other": _l("other"),
    },
}

# Only what is not as it should be is marked.
SEVERITIES: dict[str, dict[str, str]] = {
    "account_status": {"disconnected": "warn", "closed": "off", "vacant": "off"},
    "service_priority": {
        "special": "warn", "first": "warn", "second": "warn", "temporary": "warn", "critical": "warn",
        "life_support": "warn", "ordinary": "off",
    },
    "energized": {"none": "alarm", "partial": "warn", "unknown": "unknown"},
    "outage_status": {
        "predicted": "warn", "confirmed": "alarm", "partially_restored": "warn", "restored": "off", "cancelled": "off",
    },
    "quality": {"substituted": "warn", "stale": "warn", "suspect": "warn", "bad": "alarm", "missing": "alarm"},
    "source_state": {"down": "alarm", "unknown": "unknown"},
    "batch_status": {"refused": "alarm", "posting": "off"},
    "bill_state": {"overdue": "alarm", "part": "off", "open": "off", "credit": "off"},
    "arrears": {"yes": "warn"},
    "contact_kind": {"complaint": "warn"},
    "job_status": {"failed": "alarm", "running": "off"},
    "audit_outcome": {"refused": "warn", "failed": "alarm"},
    "severity": {"error": "alarm", "warning": "warn"},
    "position": {"open": "off"},
}  # fmt: skip


def label(kind: str, code: str | None) -> str | LazyString:
    """The name of a code; one that is not in the table stands for itself, because codes may be the utility's own."""
    if code is None:
        return ""
    return LABELS[kind].get(code, code)


def severity(kind: str, code: str | None) -> str:
    """`alarm`, `warn`, `unknown`, `off`, or nothing for what is as it should be."""
    return SEVERITIES.get(kind, {}).get(code or "", "")
