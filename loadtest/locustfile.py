"""What a chat app's bots send, for locust: a mix of allowed, held and blocked messages, and retries under one key.

The user class `Bot` checks each answer against what its text deserves; anything else is a failure. Profiles (see
`loadtest.load`): ``steady``, ``burst`` (1x, 5x, 1x), ``mixed`` and ``retries``. What is published, and as whom, is in
the file that ``LOAD_TARGET`` names, see `loadtest.target`.
"""

from __future__ import annotations

import os
import random
import uuid
from pathlib import Path
from typing import Final

from locust import LoadTestShape, constant_throughput, events, task
from locust.contrib.fasthttp import FastHttpUser

from loadtest.target import DEFAULT, BadTarget, Call, Kind, read_target

PROFILE = os.environ.get("LOAD_PROFILE", "steady")
SECONDS = int(os.environ.get("LOAD_SECONDS", "30"))
USERS = int(os.environ.get("LOAD_USERS", "20"))
KINDS: Final[tuple[Kind, ...]] = ("allowed", "held", "blocked")
TARGET = read_target(Path(os.environ.get("LOAD_TARGET") or DEFAULT))
if PROFILE == "retries" and not TARGET.can_retry:
    raise BadTarget("the profile retries needs {id} in the path, the headers, the body or retry_headers")


class Bot(FastHttpUser):
    """One bot of a chat app, five requests a second."""

    wait_time = constant_throughput(5)

    @task
    def publish(self) -> None:
        """Send a message as the profile has it."""
        if PROFILE == "retries":
            self._retry()
        elif PROFILE == "mixed":
            self._post(random.choices(KINDS, (80, 10, 10))[0])  # noqa: S311
        else:
            self._post("allowed")

    def _retry(self) -> None:
        """Send one request three times under one key: the answers must be the same to the letter."""
        sender, text = random.choice(TARGET.accounts), random.choice(TARGET.texts.allowed)  # noqa: S311
        call = TARGET.call(sender, f"{text} {uuid.uuid4().hex}", uuid.uuid4().hex, retry=True)
        first = self._send(call, TARGET.answers.allowed)
        for _ in range(2):
            again = self._send(call, TARGET.answers.allowed)
            if again != first:
                events.request.fire(  # type: ignore[no-untyped-call]
                    request_type="CHECK",
                    name="same key, same answer",
                    response_time=0,
                    response_length=0,
                    exception=AssertionError("another answer"),
                    context={},
                )

    def _post(self, kind: Kind) -> None:
        sender, text = random.choice(TARGET.accounts), random.choice(getattr(TARGET.texts, kind))  # noqa: S311
        call = TARGET.call(sender, f"{text} {uuid.uuid4().hex}", uuid.uuid4().hex)
        self._send(call, getattr(TARGET.answers, kind))

    def _send(self, call: Call, status: int) -> bytes:
        with self.client.request(
            call.method,
            call.path,
            data=call.body.decode(),
            headers=call.headers,
            name=f"expect {status}",
            catch_response=True,
            allow_redirects=False,  # the load goes to the host that was named, and nowhere else
        ) as answer:
            if answer.status_code == status:
                answer.success()
            else:
                answer.failure(f"answered {answer.status_code}: {(answer.text or '')[:200]}")
            return bytes(answer.content or b"")


class Profile(LoadTestShape):
    """How many bots there are as time goes by."""

    def tick(self) -> tuple[int, float] | None:
        """Users and spawn rate now; None at the end."""
        share = self.get_run_time() / SECONDS  # type: ignore[no-untyped-call]
        if share >= 1:
            return None
        users = USERS * 5 if PROFILE == "burst" and 1 / 3 <= share < 2 / 3 else USERS
        return users, float(users)
