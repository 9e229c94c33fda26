"""The stylesheet, the script and the icon, as browsers fetch them."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from gateway.http.console.assets import asset
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import ByAnybody
from gateway.http.problems import Problem

router = pages("/static")
PART: Final = Part("files", router)


@router.get("/{name}")
async def file(by: ByAnybody, name: str) -> Response:
    """A file by the name that has its content's hash in it, so it may be kept for good."""
    found = asset(name)
    if found is None:
        raise Problem(404, "path", "path: there is no such file.")
    keep = {"Cache-Control": "public, max-age=31536000, immutable"}
    return Response(found.content, media_type=found.content_type, headers=keep)
