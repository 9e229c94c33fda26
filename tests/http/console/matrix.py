"""Every route of the console, and who may call it. A route that is not here fails the tests."""

from __future__ import annotations

from typing import NamedTuple

from gateway.core.operators import Role
from gateway.core.stated import statement_id
from tests.fakes import NOW_MS

EVERYBODY = tuple(Role)
REVIEWERS = (Role.REVIEWER, Role.ADMIN)
REGISTRARS = (Role.REGISTRAR, Role.ADMIN)
POLICY = (Role.POLICY, Role.ADMIN)
ADMINS = (Role.ADMIN,)
ANYBODY = None
"""Also who has not signed in."""

TENANT = "{tenant_id}"
STATED = "{statement_id}"


class Case(NamedTuple):
    """A route below ``/console``: the address that is called (see `at`), the form that is sent, the status of success,
    who may. A form stands for the fields beside the token, None for a route that takes none."""

    method: str
    route: str
    path: str
    form: dict[str, str] | None
    status: int
    roles: tuple[Role, ...] | None

    def at(self, tenant: str) -> str:
        """The address at a tenant, of which is also the statement about its first held message."""
        stated = statement_id(NOW_MS + 1, "hold", f"m-1-{tenant}", f"d-1-{tenant}")
        return self.path.replace(TENANT, tenant).replace(STATED, stated)


ACCOUNT = "/accounts/{tenant_id}/{account_id}"
SANCTION = "/sanctions/{tenant_id}/{sanction_id}"
HELD = "/queue/{tenant_id}/{message_id}"
REPORT = "/reports/{tenant_id}/{report_id}"
TAKEDOWN = "/takedowns/{tenant_id}/{message_id}"
WHY = {"reason": "ticket 7"}
APPEAL = "/appeals/{tenant_id}/{appeal_id}"
CASES = [
    Case("GET", "", "", None, 303, ANYBODY),
    Case("GET", "/", "/", None, 200, EVERYBODY),
    Case("GET", "/{path:path}", "/nothing/here", None, 404, ANYBODY),
    Case("GET", "/static/{name}", "/static/none.css", None, 404, ANYBODY),
    Case("GET", "/sign-in", "/sign-in", None, 200, ANYBODY),
    Case("POST", "/sign-in", "/sign-in", {"name": "nobody", "password": "not the one"}, 401, ANYBODY),
    Case("GET", "/sign-in/oidc", "/sign-in/oidc", None, 404, ANYBODY),
    Case("GET", "/sign-in/oidc/return", "/sign-in/oidc/return", None, 404, ANYBODY),
    Case("POST", "/sign-out", "/sign-out", {}, 303, ANYBODY),
    Case("POST", "/preferences", "/preferences", {"theme": "dark"}, 303, ANYBODY),
    Case("GET", "/profile", "/profile", None, 200, EVERYBODY),
    Case("POST", "/profile/password", "/profile/password", {}, 422, EVERYBODY),
    Case("POST", "/profile/sign-out-elsewhere", "/profile/sign-out-elsewhere", {}, 303, EVERYBODY),
    Case("GET", "/accounts", "/accounts", None, 200, EVERYBODY),
    Case("GET", ACCOUNT, f"/accounts/{TENANT}/acc-1", None, 200, EVERYBODY),
    Case("POST", f"{ACCOUNT}/reveal", f"/accounts/{TENANT}/acc-1/reveal", {"reason": "ticket 7"}, 200, ADMINS),
    Case("POST", f"{ACCOUNT}/agree-private", f"/accounts/{TENANT}/acc-1/agree-private", {}, 422, REGISTRARS),
    Case("POST", f"{ACCOUNT}/withdraw-private", f"/accounts/{TENANT}/acc-1/withdraw-private", {}, 422, REGISTRARS),
    Case("GET", "/queue", "/queue", None, 200, EVERYBODY),
    Case("POST", "/queue/next", "/queue/next", {}, 303, REVIEWERS),
    Case("GET", HELD, f"/queue/{TENANT}/m-1-{TENANT}", None, 200, EVERYBODY),
    Case("POST", f"{HELD}/claim", f"/queue/{TENANT}/m-1-{TENANT}/claim", {}, 303, REVIEWERS),
    Case("POST", f"{HELD}/let-go", f"/queue/{TENANT}/m-1-{TENANT}/let-go", {}, 303, REVIEWERS),
    Case("POST", f"{HELD}/decide", f"/queue/{TENANT}/m-1-{TENANT}/decide", {}, 422, REVIEWERS),
    Case("POST", f"{HELD}/undo", f"/queue/{TENANT}/m-1-{TENANT}/undo", {}, 409, REVIEWERS),
    Case("GET", "/reports", "/reports", None, 200, EVERYBODY),
    Case("POST", "/reports/next", "/reports/next", {}, 303, REVIEWERS),
    Case("GET", REPORT, f"/reports/{TENANT}/r-1-{TENANT}", None, 200, EVERYBODY),
    Case("POST", f"{REPORT}/claim", f"/reports/{TENANT}/r-1-{TENANT}/claim", {}, 303, REVIEWERS),
    Case("POST", f"{REPORT}/let-go", f"/reports/{TENANT}/r-1-{TENANT}/let-go", {}, 303, REVIEWERS),
    Case("POST", f"{REPORT}/decide", f"/reports/{TENANT}/r-1-{TENANT}/decide", {}, 422, REVIEWERS),
    Case("POST", f"{REPORT}/reveal", f"/reports/{TENANT}/r-1-{TENANT}/reveal", WHY, 200, ADMINS),
    Case("GET", "/takedowns", "/takedowns", None, 200, EVERYBODY),
    Case(
        "POST",
        f"{TAKEDOWN}/take-down",
        f"/takedowns/{TENANT}/p-1-{TENANT}/take-down",
        {"category": "fraud", **WHY},
        303,
        REVIEWERS,
    ),
    Case("POST", f"{TAKEDOWN}/restore", f"/takedowns/{TENANT}/p-1-{TENANT}/restore", WHY, 409, REVIEWERS),
    Case("POST", f"{ACCOUNT}/impose", f"/accounts/{TENANT}/acc-1/impose", {}, 422, REVIEWERS),
    Case("GET", "/sanctions", "/sanctions", None, 200, EVERYBODY),
    Case("GET", SANCTION, f"/sanctions/{TENANT}/s-close", None, 200, EVERYBODY),
    Case("POST", f"{SANCTION}/agree", f"/sanctions/{TENANT}/s-close/agree", {}, 422, REVIEWERS),
    Case("POST", f"{SANCTION}/decline", f"/sanctions/{TENANT}/s-close/decline", {}, 422, REVIEWERS),
    Case("POST", f"{SANCTION}/lift", f"/sanctions/{TENANT}/s-warn/lift", {}, 422, REVIEWERS),
    Case("GET", "/policy", "/policy", None, 200, EVERYBODY),
    Case("POST", "/policy/try", "/policy/try", {}, 422, POLICY),
    Case("GET", "/appeals", "/appeals", None, 200, EVERYBODY),
    Case("GET", "/appeals", "/appeals?which=decided", None, 200, EVERYBODY),
    Case("GET", APPEAL, f"/appeals/{TENANT}/a-1-{TENANT}", None, 200, REVIEWERS),
    Case("POST", f"{APPEAL}/decide", f"/appeals/{TENANT}/a-1-{TENANT}/decide", {}, 422, REVIEWERS),
    Case("GET", "/statements/{tenant_id}/{statement_id}", f"/statements/{TENANT}/{STATED}", None, 200, EVERYBODY),
    Case("GET", "/audit", "/audit", None, 200, EVERYBODY),
    Case("GET", "/operators", "/operators", None, 200, ADMINS),
]

PAGES = [case for case in CASES if case.method == "GET" and case.status == 200]
"""What people look at."""
