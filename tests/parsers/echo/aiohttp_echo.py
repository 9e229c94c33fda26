"""Answers with what aiohttp reads in a multipart body: names and texts, and names and SHA-256 of files."""

from __future__ import annotations

import hashlib
import sys

from aiohttp import web


async def echo(request: web.Request) -> web.Response:
    """Names and values, as far as the body could be read."""
    fields: list[tuple[str, str]] = []
    try:
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                fields.append((name, "sha256:" + hashlib.sha256(value.file.read()).hexdigest()))
            else:
                fields.append((name, value if isinstance(value, str) else bytes(value).decode("utf-8", "replace")))
    except (ValueError, web.HTTPException, AssertionError):
        pass
    return web.json_response(fields)


application = web.Application()
application.router.add_post("/", echo)
web.run_app(application, host="127.0.0.1", port=int(sys.argv[1]), print=None)
