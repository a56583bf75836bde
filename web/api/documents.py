"""The API's own description, for programs and for people."""

from flask import Blueprint, Response, current_app, jsonify, render_template

from web.api.description import PREFIX, description
from web.gate import access

api_documents = Blueprint("api_documents", __name__, url_prefix=PREFIX)


@api_documents.get("/openapi.json")
@access("session:self:use")
def openapi() -> Response:
    """OpenAPI 3.1."""
    return jsonify(description(current_app))


@api_documents.get("/docs")
@access("session:self:use")
def docs() -> Response:
    """The same to read, without scripts of others."""
    return Response(render_template("api.html", api=description(current_app)))
