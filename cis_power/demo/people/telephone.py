"""The telephone system and the agents: calls and CTI events over HTTP with a machine key."""

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from cis_power.core.errors import CisError, Unavailable
from cis_power.demo.people.acts import Call

_SECONDS = 10.0
_TRIES = 3
HOTLINE = "95598"


class Telephone:
    """One connection to the web. `agent` and `dispatcher` are machine keys of these roles."""

    def __init__(self, url: str, agent: str, dispatcher: str) -> None:
        self._address = urlsplit(url)
        self._agent, self._dispatcher = agent, dispatcher

    def call(self, call: Call) -> str:
        """The telephone rings, an agent enters the call, they hang up; answers how that ended."""
        shown = {"from": call.shown or "", "to": HOTLINE, "direction": "in", "callId": call.key, "queue": "outage"}
        self._post("/api/v1/cti/events", {"event": "newCall"} | shown)
        body = call.about | {"trouble_code": call.trouble_code, "text": call.text or None, "channel": "phone"}
        if call.shown and "phone" not in call.about:
            body["caller_phone"] = call.shown
        status, answer = self._post("/api/v1/calls", body, call.key)
        self._post("/api/v1/cti/events", {"event": "hangup"} | shown)
        if status in (200, 201):
            known = answer.get("outage_id")
            return ("known before" if status == 200 else "taken") + (f", outage {known}" if known else "")
        return f"HTTP {status}: {answer.get('detail', '')}"

    def outages(self, query: dict[str, str]) -> list[dict[str, Any]]:
        """Outages as a dispatcher sees them; without a query the open ones. Raises CisError."""
        path = "/api/v1/outages?" + urlencode(query | {"limit": "500"})
        status, answer = self._ask("GET", path, self._dispatcher)
        if status != 200:
            raise CisError(f"outages: HTTP {status}")
        found: list[dict[str, Any]] = answer["items"]
        return found

    def answers(self) -> bool:
        """Whether the web is there."""
        try:
            return self._ask("GET", "/healthz", None)[0] == 200
        except Unavailable:
            return False

    def _post(self, path: str, body: dict[str, Any], key: str | None = None) -> tuple[int, dict[str, Any]]:
        plain = {name: value for name, value in body.items() if value is not None}
        return self._ask("POST", path, self._agent, json.dumps(plain, ensure_ascii=False).encode(), key)

    def _ask(
        self, method: str, path: str, bearer: str | None, body: bytes | None = None, key: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Ask again where the line broke: a call has its key, so that it is taken once. Raises Unavailable."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        headers |= {"Idempotency-Key": key} if key else {}
        trouble: Exception | None = None
        for _ in range(_TRIES):
            connection = http.client.HTTPConnection(str(self._address.hostname), self._address.port, timeout=_SECONDS)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                content = answer.read()
                return answer.status, _plain(content)
            except (OSError, http.client.HTTPException) as error:
                trouble = error
            finally:
                connection.close()
        raise Unavailable(f"the web does not answer: {trouble}")


def _plain(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
