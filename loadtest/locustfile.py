"""What a chat app's bots send, for locust: a mix of allowed, held and blocked messages, and retries under one key.

The user class `Bot` checks each answer against what its text deserves; anything else is a failure. Profiles (see
`loadtest.load`): ``steady``, ``burst`` (1x, 5x, 1x), ``mixed`` and ``retries``.
"""

from __future__ import annotations

import os
import random
import uuid
from typing import Any

from locust import LoadTestShape, constant_throughput, events, task
from locust.contrib.fasthttp import FastHttpUser

PROFILE = os.environ.get("LOAD_PROFILE", "steady")
SECONDS = int(os.environ.get("LOAD_SECONDS", "30"))
USERS = int(os.environ.get("LOAD_USERS", "20"))

ALLOWED = ("Good morning, the library opens at nine today.", "早上好，图书馆今天九点开门，欢迎大家来借书。")
HELD = ("Guaranteed 30% returns weekly, send 500 USDT to my wallet and I double it.",)
BLOCKED = ("I am going to kill you tonight, I know where you live.", "我今晚要杀了你")


class Bot(FastHttpUser):
    """One bot of a chat app, five requests a second."""

    wait_time = constant_throughput(5)

    @task
    def publish(self) -> None:
        """Send a message as the profile has it."""
        if PROFILE == "retries":
            self._retry()
        elif PROFILE == "mixed":
            texts, status = random.choices(((ALLOWED, 200), (HELD, 202), (BLOCKED, 403)), (80, 10, 10))[0]  # noqa: S311
            self._post(random.choice(texts), status)  # noqa: S311
        else:
            self._post(random.choice(ALLOWED), 200)  # noqa: S311

    def _retry(self) -> None:
        """Send one request three times under one key: the answers must be the same to the letter."""
        key, text = uuid.uuid4().hex, random.choice(ALLOWED)  # noqa: S311
        mark = uuid.uuid4().hex
        first = self._post(text, 200, key, mark)
        for _ in range(2):
            again = self._post(text, 200, key, mark)
            if again != first:
                events.request.fire(  # type: ignore[no-untyped-call]
                    request_type="CHECK",
                    name="same key, same answer",
                    response_time=0,
                    response_length=0,
                    exception=AssertionError("another answer"),
                    context={},
                )

    def _post(self, text: str, status: int, key: str | None = None, mark: str | None = None) -> bytes:
        headers = {"Authorization": "Bearer demo-key"} | ({"Idempotency-Key": key} if key else {})
        body: dict[str, Any] = {"account_id": "demo-verified", "text": f"{text} {mark or uuid.uuid4().hex}"}
        with self.client.post(
            "/v1/messages", json=body, headers=headers, name=f"expect {status}", catch_response=True
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
