"""The routes for the register's keepers, under ``/v1/admin``. Each needs an operator's key, and says which role."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from gateway.http.admin import (
    accounts,
    appeals,
    flaggers,
    holds,
    licences,
    personal,
    registrants,
    reports,
    sanctions,
    sources,
    takedowns,
    verifications,
)

_PARTS: Final = (
    accounts,
    registrants,
    personal,
    verifications,
    licences,
    sources,
    holds,
    takedowns,
    appeals,
    reports,
    flaggers,
    sanctions,
)
ROUTERS: Final[tuple[APIRouter, ...]] = tuple([part.router for part in _PARTS])
