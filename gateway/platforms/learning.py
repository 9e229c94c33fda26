"""What the platform's own answers tell: whose a credential is, what was published, and under which id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from gateway.core.records import Verdict
from gateway.platforms.call import BadRequest, Call
from gateway.platforms.fields import Fields, select
from gateway.platforms.reading import SEPARATOR, joined_values
from gateway.platforms.recognise import Match
from gateway.platforms.schema import Platform, Verdicts
from gateway.platforms.selectors import Selector
from gateway.platforms.strict_json import BadJson, loads
from gateway.platforms.watching import watched

MAX_REMEMBERED = 100


@dataclass(frozen=True, slots=True)
class Ask:
    """A request to the platform. ``target`` is path and query, ready to send."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]


def remembered(platform: Platform, match_route_id: str, content_type: str, body: bytes) -> tuple[str, ...]:
    """The ids in the upstream's answer by which a later request publishes this content; at most `MAX_REMEMBERED`."""
    route = platform.route(match_route_id)
    fields = answer_fields(body) if route.remember else None
    if fields is None:
        return ()
    found = [value for joined in route.remember for value in _values(joined, fields)]
    return tuple(dict.fromkeys(found))[:MAX_REMEMBERED]


def check_watch(platform: Platform, match: Match, call: Call) -> None:
    """Whether a request for a credential says in one way for which account it is; to be asked before it is sent.

    Raises `BadRequest` if it names none or several, or cannot be read: the platform could take another account than the
    one to which the credential would be counted.
    """
    learn = match.route.learn
    if learn is not None and learn.account is not None:
        watched(platform, match, call, learn.account)


def learned(
    platform: Platform, match: Match, call: Call, status: int, content_type: str, answer_body: bytes
) -> tuple[str, str, float | None] | None:
    """The credential that an answer hands out, its account, and for how many seconds it is good (None: not said).

    None if the answer hands out none, or is not one of success. Raises `BadRequest` if the request cannot be read in
    one way.
    """
    learn = match.route.learn
    answered = answer_fields(answer_body)
    if learn is None or answered is None or not 200 <= status < 300:
        return None
    credential = next(iter(_values(learn.credential, answered)), None)
    accounts = _values(learn.answer_account, answered) if learn.answer_account else []
    if not accounts and learn.account:
        accounts = [watched(platform, match, call, learn.account)]
    if not credential or not accounts:
        return None
    expires = next(iter(_values((learn.expires,), answered)), None) if learn.expires else None
    return credential, _account(accounts[0]), _seconds(expires)


def whoami_request(platform: Platform, credential: str) -> Ask | None:
    """The request that asks the platform whose a credential is; None if it cannot be asked."""
    ask = platform.learn_account
    if ask is None or credential.startswith(ask.not_for) or not _is_sendable(credential):
        return None
    first, *others = credential.split(SEPARATOR)
    values = {"credential": first, "credential.0": first}
    values |= {f"credential.{index}": value for index, value in enumerate(others, start=1)}
    in_path = {name: quote(value, safe=":") for name, value in values.items()}
    query = {name: str(filled.render(values)) for name, filled in ask.query.items()}
    target = str(ask.path.render(in_path))
    if encoded := urlencode({name: value for name, value in query.items() if value}):
        target += f"?{encoded}"
    headers = [(name.lower().encode(), str(filled.render(values)).encode()) for name, filled in ask.headers.items()]
    return Ask(ask.method, target.encode(), tuple(headers))


def whoami_account(platform: Platform, status: int, body: bytes) -> str | None:
    """The account in the platform's answer to `whoami_request`; None if it names none."""
    ask, fields = platform.learn_account, answer_fields(body)
    if ask is None or fields is None or not 200 <= status < 300:
        return None
    accounts = _values(ask.account, fields)
    return _account(accounts[0]) if accounts else None


def whoami_refuses(platform: Platform, status: int, body: bytes) -> bool:
    """Whether an answer to `whoami_request` that names no account says that the credential is nobody's, and not that
    the platform cannot tell."""
    if 300 <= status < 400:
        return False
    return verdict(platform, status, "", body) in (Verdict.EXPIRED, Verdict.REFUSED)


def verdict(platform: Platform, status: int, content_type: str, body: bytes) -> Verdict:
    """Whether the upstream published what was forwarded to it."""
    rules = platform.verdicts
    fields = answer_fields(body)
    told = [] if fields is None else _told(rules, fields)
    if status in rules.expired_statuses or any(_among(value, rules.expired) for value in told):
        return Verdict.EXPIRED
    if status in rules.repeated_statuses or any(_among(value, rules.repeated) for value in told):
        return Verdict.ACCEPTED
    if status in rules.later_statuses or any(_among(value, rules.later) for value in told):
        return Verdict.LATER
    if status >= 500 or status == 408 or status < 200:
        return Verdict.UNSURE
    if status >= 300:
        return Verdict.REFUSED
    if rules.field is None:
        return Verdict.ACCEPTED
    if fields is None:
        return Verdict.ACCEPTED if rules.text_is_good else Verdict.UNSURE
    given = next((found.value for found in select(rules.field, fields)), None)
    return Verdict.ACCEPTED if _among(given, rules.good) else Verdict.REFUSED


def _told(rules: Verdicts, fields: Fields) -> list[Any]:
    """What an answer's ``field`` and ``error`` say."""
    where: list[Selector] = [selector for selector in (rules.field, rules.error) if selector is not None]
    return [found.value for selector in where for found in select(selector, fields)]


def _among(value: Any, values: tuple[Any, ...]) -> bool:
    """Whether a value is one of some; True is not 1 here."""
    return any(value == item and isinstance(value, bool) == isinstance(item, bool) for item in values)


def answer_fields(body: bytes) -> Fields | None:
    """The JSON of an answer, or None if it is none. Its Content-Type does not matter: platforms are not exact."""
    try:
        value = loads(body)
    except BadJson:
        return None
    return Fields(value=value)


def _values(joined: Sequence[Selector], answered: Fields) -> list[str]:
    """What selectors find in an answer; nothing if the answer cannot be read."""
    try:
        return joined_values(joined, answered)
    except BadRequest:
        return []


def _account(joined: str) -> str:
    return joined.replace(SEPARATOR, ":")


def _is_sendable(credential: str) -> bool:
    return all(" " <= char <= "~" or char == SEPARATOR for char in credential)


def _seconds(text: str | None) -> float | None:
    try:
        return None if text is None else max(0.0, float(text))
    except ValueError:
        return None
