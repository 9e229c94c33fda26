"""A chat app as such things are: FastAPI on uvicorn, with three routes of Matrix that answer at once."""

from __future__ import annotations

import argparse
from typing import Any

import uvicorn
from fastapi import FastAPI

app = FastAPI()


@app.get("/_matrix/client/v3/profile/{user}")
async def profile(user: str) -> dict[str, str]:
    """Someone's profile."""
    return {"displayname": user, "avatar_url": "mxc://matrix.test/SEsfnsuifSDFSSEF"}


@app.get("/_matrix/client/v3/account/whoami")
async def whoami() -> dict[str, str]:
    """Whose credential it is: always the same account's."""
    return {"user_id": "demo-verified"}


@app.put("/_matrix/client/v3/rooms/{room}/send/{kind}/{transaction}")
async def send(room: str, kind: str, transaction: str, content: dict[str, Any]) -> dict[str, str]:
    """Publish an event."""
    return {"event_id": f"${room}-{kind}-{transaction}-{len(content)}"}


def main() -> None:
    """The command line. The server is set up as the gateway's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(
        app, host="127.0.0.1", port=options.port, loop="uvloop", http="httptools", access_log=False, log_config=None
    )


if __name__ == "__main__":
    main()
