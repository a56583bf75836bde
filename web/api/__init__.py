"""The API under `/api/v1`. A blueprint that is listed here is served."""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
