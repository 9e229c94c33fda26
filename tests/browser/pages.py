"""The pages of the console that people look at."""

from __future__ import annotations

from typing import NamedTuple


class Shown(NamedTuple):
    """A page: its name, its address, and whether it is for who has not signed in; and what is clicked there, one after
    the other, to get to it where its address is made of ids."""

    name: str
    path: str
    outside: bool = False
    click: tuple[str, ...] = ()


PAGES = [
    Shown("sign-in", "/console/sign-in", outside=True),
    Shown("overview", "/console/"),
    Shown("queue", "/console/queue"),
    Shown("reports", "/console/reports"),
    Shown("takedowns", "/console/takedowns"),
    Shown("appeals", "/console/appeals"),
    Shown("appeal", "/console/appeals", click=("[data-open]",)),
    Shown("decided-appeals", "/console/appeals?which=decided"),
    Shown("decided-appeal", "/console/appeals?which=decided", click=("[data-open]",)),
    Shown("statement", "/console/appeals", click=("[data-open]", "main a[href*='/console/statements/']")),
    Shown("stated", "/console/appeals", click=("[data-open]", "main a[data-key=o]")),
    Shown("accounts", "/console/accounts?tenant=demo"),
    Shown("account", "/console/accounts/demo/demo-news"),
    Shown("sanctions", "/console/sanctions"),
    Shown("policy", "/console/policy"),
    Shown("audit", "/console/audit"),
    Shown("operators", "/console/operators"),
    Shown("profile", "/console/profile"),
    Shown("nowhere", "/console/nowhere"),
]
