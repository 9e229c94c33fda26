"""One's own place: language and theme, password, sessions."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import Depends, Response
from pydantic import Field

from gateway.core.registration import By
from gateway.core.sessions import LONGEST_PASSWORD, problem_of
from gateway.http.console import cookies
from gateway.http.console.forms import EMPTY, Fields, Form, form_of
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import ByAnybody, ByViewer, Shell, Shown, inside
from gateway.http.console.sign_in import Button

router = pages()
PART: Final = Part("profile", router)
PATH: Final = "/console/profile"


class PreferenceFields(Fields):
    """A choice of theme or language, and the page that it was made on."""

    theme: Literal["auto", "light", "dark"] | None = None
    language: Literal["en", "zh"] | None = None
    next: str = Field("", max_length=2000)


class PasswordFields(Fields):
    """The password that one has, and the new one twice. The name is there for browsers that keep passwords."""

    username: str = ""
    old: str = Field(max_length=LONGEST_PASSWORD)
    new: str
    again: str


PreferenceForm = Annotated[Form[PreferenceFields], Depends(form_of(PreferenceFields))]
PasswordForm = Annotated[Form[PasswordFields], Depends(form_of(PasswordFields))]


@router.post("/preferences")
async def prefer(by: ByAnybody, shell: Shown, form: PreferenceForm) -> Response:
    """Choose theme or language; the browser keeps the choice."""
    response = shell.go(inside(form.given.get("next", "")))
    if form.value is not None and form.value.theme is not None:
        cookies.put(response, cookies.THEME, form.value.theme)
    if form.value is not None and form.value.language is not None:
        cookies.put(response, cookies.LANGUAGE, form.value.language)
    return response


@router.get("/profile")
async def show(by: ByViewer, shell: Shown) -> Response:
    """Who one is here."""
    return await _page(shell, EMPTY)


@router.post("/profile/password")
async def change_password(by: ByViewer, shell: Shown, form: PasswordForm) -> Response:
    """Change one's password. Sessions elsewhere end."""
    if form.value is None:
        return await _page(shell, form, 422)
    console, fields = shell.console, form.value
    what = console.tries.of(by.name, shell.client_address)
    if not await console.sessions.count(what, console.tries.window_ms, shell.now_ms):
        return await _page(shell, form.wrong("old", shell.say("sign_in.throttled")), 429)
    if not await console.passwords.matches(await console.sessions.password(by.name), fields.old):
        return await _page(shell, form.wrong("old", shell.say("profile.old_wrong")), 422)
    for of_name, _ in what[1:]:
        await console.sessions.forgive(of_name)
    if problem_of(fields.new) is not None:
        return await _page(shell, form.wrong("new", shell.say("profile.new_bad")), 422)
    if fields.again != fields.new:
        return await _page(shell, form.wrong("again", shell.say("profile.again_differs")), 422)
    password_hash = await console.passwords.hashed(fields.new)
    why = By(by.name, "changed it in the console")
    await console.sessions.set_password(by.name, password_hash, why, shell.now_ms, shell.token_hash)
    return shell.go(PATH, "password_changed")


@router.post("/profile/sign-out-elsewhere")
async def sign_out_elsewhere(by: ByViewer, shell: Shown, form: Button) -> Response:
    """End all other sessions."""
    await shell.console.sessions.end_others(by.name, shell.token_hash)
    return shell.go(PATH, "elsewhere_ended")


async def _page(shell: Shell, form: Form[PasswordFields], status: int = 200) -> Response:
    operator = shell.operator
    return await shell.page(
        "profile.html",
        status=status,
        form=Form(form.value, form.errors),  # what was typed is shown to nobody
        has_password=await shell.console.sessions.password(operator.name) is not None,
        session=shell.signed.session if shell.signed else None,
        ends_ms=shell.console.lifetimes.ends_ms(shell.signed.session) if shell.signed else None,
    )
