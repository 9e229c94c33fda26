"""The routes for the register's keepers, under ``/v1/admin``. Each needs an operator's key, and says which role."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from gateway.http.admin import (
    accounts,
    appeals,
    holds,
    licences,
    personal,
    registrants,
    sources,
    takedowns,
    verifications,
)

ROUTERS: Final[tuple[APIRouter, ...]] = tuple(
    [
        part.router
        for part in (accounts, registrants, personal, verifications, licences, sources, holds, takedowns, appeals)
    ]
)
