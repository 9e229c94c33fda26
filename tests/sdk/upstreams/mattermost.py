"""The Mattermost server API, version 4."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from tests.sdk.upstreams.server import Platform, Received, Reply


class Mattermost(Platform):
    """Knows the own user, creating and patching posts, and ping."""

    GOOD = ("mattermost-good-token", "goodgoodgoodgoodgoodgoodgo")
    RESTRICTED = ("mattermost-restricted", "restrictedrestrictedrestri")

    def __init__(self) -> None:
        super().__init__()
        self._ids = count(1)

    def publishes(self, request: Received) -> bool:
        return request.method in ("POST", "PUT") and bool(re.match(r"/api/v4/posts(/|$)", request.path))

    def answer(self, request: Received) -> Reply:
        account = self.accounts.get(request.header("authorization").removeprefix("Bearer "))
        if account is None:
            message = "Invalid or expired session, please login again."
            error = {"id": "api.context.session_expired.app_error", "message": message, "detailed_error": ""}
            return Reply({**error, "request_id": "r1", "status_code": 401}, 401)
        if request.path == "/api/v4/users/me":
            return Reply({"id": account, "username": "news", "email": "", "roles": "system_user", "is_bot": True})
        if request.path == "/api/v4/posts":
            return Reply(self._post(account, **request.json()), 201)
        if (found := re.fullmatch(r"/api/v4/posts/(\w+)/patch", request.path)) is not None:
            return Reply({**self._post(account, channel_id="c1", **request.json()), "id": found[1]})
        return Reply({"id": "api.context.404.app_error", "message": "Not found.", "status_code": 404}, 404)

    def _post(self, account: str, *, channel_id: str, message: str, **_other: Any) -> dict[str, Any]:
        moment = 1_700_000_000_000
        times = {"create_at": moment, "update_at": moment, "edit_at": 0, "delete_at": 0}
        where = {"user_id": account, "channel_id": channel_id, "root_id": "", "original_id": ""}
        return {"id": f"post{next(self._ids):022}", **times, **where, "message": message, "type": "", "props": {}}
