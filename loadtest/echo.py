"""The floor: an ordinary FastAPI endpoint that takes the body of a publish request and returns it."""

from __future__ import annotations

import argparse

import uvicorn
from fastapi import FastAPI

from gateway.platforms.native import MessageBody

app = FastAPI()


@app.post("/echo")
async def echo(body: MessageBody) -> MessageBody:
    """The body again."""
    return body


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
