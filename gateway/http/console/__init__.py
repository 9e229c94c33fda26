"""The web console: pages that are made on the server, for those who look after the gateway.

`shell` says who calls and makes pages, `forms` reads what is sent, `route` puts the same strict headers on every
answer, `rendering` and `templates/macros.html` have what pages are built of, `texts` what they say, `static/console.js`
the shortcuts. Without JavaScript everything works but the shortcuts.

**Adding a part**, `queue` say:

1. ``queue.py`` here, with its routes::

       router = pages("/queue")                                 # below /console; headers and error pages come with it

       class RejectFields(Fields):                              # a form's fields, as pydantic reads them
           reason: Reason

       RejectForm = Annotated[Form[RejectFields], Depends(form_of(RejectFields))]

       @router.get("")
       async def show(by: ByReviewer, shell: Shown, after: str = "") -> Response:
           \"""The queue.\"""
           found = ...                                          # only what `by.tenant_id` allows, if it is set
           return await shell.page("queue.html", entries=found)

       @router.post("/{tenant_id}/{message_id}/reject")
       async def reject(by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: str, form: RejectForm) -> ...:
           \"""Reject a held message.\"""
           if form.value is None:
               return await shell.page("message.html", status=422, form=form, ...)
           ...
           return shell.go("/console/queue", "rejected")        # shows the text ``done.rejected`` there

       PART = Part("queue", router, "/console/queue", Role.REVIEWER, count=waiting)

   Who may call a route stands first in its signature (`ByViewer` ... `ByAdmin`, `ByAnybody`). A ``tenant_id`` in the
   path is checked there, too: 404 for one that the operator does not keep. Every POST reads a `Form`, which is how it
   is sure that this console's own page sent it. Wrong is said by ``raise Problem(status, code, detail)``; the page says
   ``problem.CODE``. What a part is served with, ports say, is a field of `shell.Console`, or of the application's
   state.
2. ``templates/queue.html``, which begins with ``{% extends "layout.html" %}`` and ``{% import "macros.html" as ui with
   context %}``, and fills the blocks ``title`` and ``main``. Texts of others go through ``|shown`` (one line) or
   ``ui.message_text(text, marks)``; both escape them, isolate their direction, and show what cannot be seen.
   No ``style`` attributes and no inline handlers: the content security policy lets none through.
3. ``texts/queue.yaml``, each key in both languages, among them ``nav.queue``.
4. ``queue.PART`` in `PARTS`, in the order of the navigation.
5. Its cells in ``tests/http/console/matrix.py``, and its pages in ``tests/browser/pages.py``. A route that is in no
   cell fails the tests.

Shortcuts are data: ``data-list`` on a list, ``data-item`` on what ``j`` and ``k`` go through, ``data-open`` on its link
(Enter), ``{{ ui.key('release') }}`` on a button or link that the key of that name in `keys.KEYS` presses (inside the
chosen item, else on the page); ``data-search`` on the field that ``/`` goes to, where it is not the filter's first;
``data-live="5"`` on what is fetched again each five seconds, and needs an ``id``; ``data-toast`` on what `ui.undo`
makes.

A form acts by its buttons and their keys: Enter in a field sends none but filters and the sign-in, see ``ui.token``. A
decision that brings an account something shows that first, see `consequences`.
"""

from typing import Final

from gateway.http.console import (
    accounts,
    appeals,
    audit,
    files,
    overview,
    policy,
    profile,
    queue,
    reports,
    sanctions,
    sign_in,
    staff,
    statements,
    takedowns,
)
from gateway.http.console.part import Part
from gateway.http.console.shell import Console

PARTS: Final[tuple[Part, ...]] = (
    overview.PART,
    queue.PART,
    reports.PART,
    takedowns.PART,
    appeals.PART,
    statements.PART,
    sanctions.PART,
    accounts.PART,
    policy.PART,
    audit.PART,
    staff.PART,
    profile.PART,
    sign_in.PART,
    files.PART,
    overview.NOWHERE,  # last: it takes every address that none of the others has
)

__all__ = ["PARTS", "Console", "Part"]
