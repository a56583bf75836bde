"""Roles and what they may do: the whole table, as data, in one place.

A permission reads `scope:resource:action`. What a role may see of a *field* stands in `masking.py`, and of a *place* in
`territory.py`; here it is decided whether the role may come in at all.
"""

SYSTEM_ROLE = "system"

PERMISSIONS: dict[str, str] = {
    "customers:record:read": "customers, accounts, premises and meters of the own territory, personal fields by role",
    "customers:record:write": "enter and correct customer data",
    "customers:place:find": "call-taking: find a supply point of the whole utility by number, name, place or device",
    "customers:supply:read": "the supply answer of a customer, with its evidence",
    "customers:personal:unmask": "see one masked field, with a reason, as a logged act",
    "customers:segment:read": "classes and segments of customers",
    "customers:segment:export": "lists of the customers of a segment",
    "money:status:read": "whether an account is in arrears or disconnected",
    "money:account:read": "bills and payments of one account",
    "money:class:read": "sums of bills and payments by customer class",
    "money:total:read": "sums of bills and payments of the utility or a district",
    "network:path:read": "the path of supply of one usage point, and how a device's name is found",
    "network:model:read": "substations, feeders, devices and their state",
    "network:switching:write": "enter switching, tags and hand-set states",
    "network:model:write": "import and activate network versions",
    "telemetry:point:read": "telemetered points, their values, quality and history",
    "telemetry:point:write": "import point lists, tag and set points",
    "outages:outage:read": "outages and the usage points in them",
    "outages:count:read": "numbers of outages and customers, without the customers",
    "outages:minutes:read": "outage minutes of an account or usage point",
    "outages:outage:write": "correct, merge, split and sign outages",
    "outages:call:read": "trouble calls",
    "outages:call:write": "take a trouble call",
    "service:contact:read": "contacts, requests and feedback of customers",
    "service:contact:write": "record a contact or request",
    "load:curve:read": "load and voltage of usage points, transformers and feeders",
    "exchange:batch:read": "what was imported and exported, with its problems",
    "exchange:file:import": "import business files",
    "exchange:file:export": "export business files",
    "reports:load:read": "load, energy and loss reports",
    "reports:voltage:read": "voltage reports",
    "reports:reliability:read": "reliability indices",
    "reports:outage:read": "outage reports",
    "reports:business:read": "bills, payments, growth and service times",
    "reports:marketing:read": "classes, segments, sales",
    "system:source:read": "data sources, their state and gaps",
    "system:job:read": "jobs and their runs",
    "system:setting:read": "settings, secrets left out",
    "system:health:read": "health and metrics",
    "access:user:read": "users, their roles and districts",
    "access:user:write": "create and disable users, grant roles and districts, never to oneself",
    "access:key:read": "machine keys, without the key itself",
    "access:key:write": "issue and revoke machine keys",
    "access:audit:read": "the audit trail and its verification",
    "session:self:use": "the start page and signing out",
}


def _grants(*words: str) -> frozenset[str]:
    names = frozenset(" ".join(words).split())
    unknown = names - PERMISSIONS.keys()
    if unknown:
        raise KeyError(f"not in the table of permissions: {sorted(unknown)}")
    return names


_OUTAGE_READER = "outages:outage:read outages:count:read outages:minutes:read"
_NETWORK_READER = "network:path:read network:model:read telemetry:point:read load:curve:read"
_TECHNICAL_REPORTS = "reports:load:read reports:voltage:read reports:reliability:read reports:outage:read"

ROLES: dict[str, frozenset[str]] = {
    "agent": _grants(
        "session:self:use customers:record:read customers:record:write customers:place:find customers:supply:read",
        "money:status:read network:path:read load:curve:read service:contact:read service:contact:write",
        "outages:call:read outages:call:write",
        _OUTAGE_READER,
    ),
    "billing": _grants(
        "session:self:use customers:record:read customers:record:write outages:minutes:read",
        "money:status:read money:account:read money:class:read money:total:read",
        "exchange:batch:read exchange:file:import exchange:file:export reports:business:read",
    ),
    "marketing": _grants(
        "session:self:use customers:record:read customers:segment:read customers:segment:export",
        "money:class:read load:curve:read outages:count:read reports:marketing:read",
    ),
    "engineer": _grants(
        "session:self:use customers:record:read customers:supply:read customers:personal:unmask exchange:file:export",
        _NETWORK_READER,
        _OUTAGE_READER,
        _TECHNICAL_REPORTS,
    ),
    "dispatcher": _grants(
        "session:self:use customers:record:read customers:supply:read customers:personal:unmask",
        "network:switching:write telemetry:point:write outages:outage:write outages:call:read outages:call:write",
        "reports:outage:read",
        _NETWORK_READER,
        _OUTAGE_READER,
    ),
    "manager": _grants(
        "session:self:use customers:record:read customers:supply:read customers:segment:read service:contact:read",
        "money:class:read money:total:read reports:business:read reports:marketing:read",
        _NETWORK_READER,
        _OUTAGE_READER,
        _TECHNICAL_REPORTS,
    ),
    "sysadmin": _grants("session:self:use system:source:read system:job:read system:setting:read system:health:read"),
    "secadmin": _grants("session:self:use access:user:read access:user:write access:key:read access:key:write"),
    "auditor": _grants("session:self:use access:audit:read"),
    SYSTEM_ROLE: frozenset(PERMISSIONS),
}

GRANTABLE_ROLES: tuple[str, ...] = tuple(role for role in ROLES if role != SYSTEM_ROLE)


def may(role: str, permission: str) -> bool:
    """Say whether a role holds a permission; `KeyError` for a role or permission that is not in the table."""
    if permission not in PERMISSIONS:
        raise KeyError(permission)
    return permission in ROLES[role]
