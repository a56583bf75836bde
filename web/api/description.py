"""OpenAPI 3.1 made of what views declare: permissions, query and body (`access`), and their answer (`described`)."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeVar

from flask import Flask
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from werkzeug.routing import Rule

from web.api.schemas import Problem
from web.gate import declared_access

PREFIX = "/api/v1"
View = TypeVar("View", bound=Callable[..., Any])
_REFERENCE = "#/components/schemas/{model}"


@dataclass(frozen=True, slots=True)
class Described:
    """What a view of the API answers."""

    summary: str
    answer: type[BaseModel]
    headers: dict[str, str]
    status: int


def described(
    summary: str, answer: type[BaseModel], *, headers: dict[str, str] | None = None, status: int = 200
) -> Callable[[View], View]:
    """Say what a view of the API answers; `headers` are those that it reads, each with its meaning."""

    def mark(view: View) -> View:
        view.described = Described(summary, answer, headers or {}, status)  # type: ignore[attr-defined]
        return view

    return mark


def description(app: Flask) -> dict[str, Any]:
    """The whole API as an OpenAPI document."""
    rules = sorted(
        (rule for rule in app.url_map.iter_rules() if _told(app, rule) is not None), key=lambda rule: rule.rule
    )
    schemas = _schemas(app, rules)
    paths: dict[str, dict[str, Any]] = {}
    for rule in rules:
        path = "".join(part if not is_name else f"{{{part}}}" for is_name, part in rule._trace).lstrip("|")
        for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "PATCH", "DELETE"}):
            paths.setdefault(path, {})[method.lower()] = _operation(app, rule, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cis-power",
            "version": version("cis-power"),
            "description": "Customers, supply, outages, telemetry and reports of an electric utility. Absent knowledge "
            "is null, times are ISO 8601 with offset, counts of customers are counts of usage points.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "cis_session"},
            },
        },
    }


def _told(app: Flask, rule: Rule) -> Described | None:
    return getattr(app.view_functions[rule.endpoint], "described", None) if rule.rule.startswith(PREFIX) else None


def _schemas(app: Flask, rules: list[Rule]) -> dict[str, Any]:
    models: dict[type[BaseModel], str] = {Problem: "serialization"}
    for rule in rules:
        told, declared = _told(app, rule), declared_access(app, rule.endpoint)
        assert told is not None
        models.setdefault(told.answer, "serialization")
        for taken in (declared.query, declared.body) if declared else ():
            if taken is not None:
                models.setdefault(taken, "validation")
    _, schemas = models_json_schema(list(models.items()), ref_template=_REFERENCE)  # type: ignore[arg-type]
    return schemas


def _operation(app: Flask, rule: Rule, schemas: dict[str, Any]) -> dict[str, Any]:
    told, declared = _told(app, rule), declared_access(app, rule.endpoint)
    assert told is not None
    operation: dict[str, Any] = {
        "operationId": rule.endpoint.replace(".", "_"),
        "summary": told.summary,
        "tags": [rule.endpoint.partition(".")[0].removeprefix("api_")],
        "parameters": [*_path_parameters(rule), *_query_parameters(declared, schemas), *_headers(told)],
        "responses": {str(told.status): _content(told.answer, "what was asked for")} | _errors(rule, declared),
    }
    if declared is not None:
        operation["x-permissions"] = sorted(declared.permissions)
    if declared is not None and declared.body is not None:
        operation["requestBody"] = {"required": True, "content": _json(declared.body)}
    return operation


def _path_parameters(rule: Rule) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in sorted(rule.arguments)
    ]


def _query_parameters(declared: Any, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if declared is None or declared.query is None:
        return []
    schema = schemas["$defs"][declared.query.__name__]
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", ""),
            "schema": {key: value for key, value in field.items() if key not in ("title", "description")},
        }
        for name, field in schema["properties"].items()
    ]


def _headers(told: Described) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "header", "required": False, "description": meaning, "schema": {"type": "string"}}
        for name, meaning in told.headers.items()
    ]


def _errors(rule: Rule, declared: Any) -> dict[str, Any]:
    words = {"400": "not understood", "401": "nobody is logged in", "403": "the role does not allow it"}
    if rule.arguments:
        words["404"] = "nothing there that this reader may see"
    if declared is not None and declared.body is not None:
        words["409"] = "it does not fit what is there"
    if declared is not None and (declared.query is not None or declared.body is not None):
        words["422"] = "wrong values, every one named"
    return {status: _content(Problem, text, "application/problem+json") for status, text in words.items()}


def _content(model: type[BaseModel], text: str, kind: str = "application/json") -> dict[str, Any]:
    return {"description": text, "content": _json(model, kind)}


def _json(model: type[BaseModel], kind: str = "application/json") -> dict[str, Any]:
    name = model.__name__.replace("[", "_").replace("]", "_")
    return {kind: {"schema": {"$ref": _REFERENCE.format(model=name)}}}
