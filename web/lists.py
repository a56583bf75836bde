"""Routes of a list: one view, four addresses: `/path`, `/path.json`, `/path.csv`, `/path.xlsx`."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint

View = TypeVar("View", bound=Callable[..., Any])


def list_route(blueprint: Blueprint, path: str) -> Callable[[View], View]:
    """Register a view that takes `file_format` (html, json, csv, xlsx) under all four addresses of a list."""

    def register(view: View) -> View:
        blueprint.add_url_rule(path, view_func=view, methods=["GET"], defaults={"file_format": "html"})
        blueprint.add_url_rule(f"{path}.<file_format:file_format>", view_func=view, methods=["GET"])
        return view

    return register
