"""WeChat's access tokens, for clients that ask for one before they call anything else, and WeChat's way to say no.

A token is not kept anywhere: it is what it stands for, sealed. It ends with its time, or when the application key it
was given for is no longer known.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Mapping
from enum import IntEnum
from typing import Any
from urllib.parse import parse_qsl

import msgspec
import orjson
from fastapi import APIRouter, Request, Response

from gateway.core.records import Tenant
from gateway.http.api import Serving, json_response
from gateway.http.budget import Budget
from gateway.http.intercept import Service
from gateway.http.problems import Answer, Problem
from gateway.http.requests import Disconnected, hash_key, whole_body
from gateway.platforms.strict_json import BadJson, loads
from gateway.ports import Clock, Fault, Sealer, StoreUnavailable

SECONDS = 7200
"""The life of a token; WeChat's own."""
_BODY_LIMIT = 64 * 1024
"""Bytes of a request for a token, which anybody may send."""
_FIELDS = 50
"""Arguments in a query or a form."""
_CONTEXT = "access token for the WeChat-compatible text check"

router = APIRouter()


class Code(IntEnum):
    """WeChat's error codes, as far as they are answered here. The HTTP status is 200 with all of them."""

    BUSY = -1
    CREDENTIAL = 40001
    GRANT_TYPE = 40002
    OPENID = 40003
    APPID = 40013
    SCENE = 40129
    TOKEN_MISSING = 41001
    APPID_MISSING = 41002
    SECRET_MISSING = 41004
    TOKEN_EXPIRED = 42001
    POST_NEEDED = 43002
    EMPTY = 44002
    TOO_LARGE = 45002
    FORMAT = 47001
    NOT_SERVED = 48001
    RISKY = 87014


class WeChatError(Exception):
    """A request that ends with this error. ``message`` is for people."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Access(msgspec.Struct, frozen=True, array_like=True):
    """What a token stands for: an account, and the application key (its SHA-256, hex) that it was given for.
    ``expires_ms`` is unix time in milliseconds."""

    account_id: str
    key_hash: str
    expires_ms: int


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Access)


class Tokens:
    """Gives tokens, and reads them. Every process with the same keys reads all of them."""

    def __init__(self, sealer: Sealer, clock: Clock) -> None:
        self._sealer = sealer
        self._clock = clock

    def issue(self, account_id: str, key_hash: str) -> str:
        """A new token, good for `SECONDS`."""
        access = Access(account_id, key_hash, self._clock.now_ms() + SECONDS * 1000)
        return base64.urlsafe_b64encode(self._sealer.seal(_encoder.encode(access), _CONTEXT)).decode()

    def read(self, token: str) -> Access:
        """What a token stands for. Raises `WeChatError` for one that is not ours, or has ended."""
        try:
            sealed = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
            access = _decoder.decode(self._sealer.open(sealed, _CONTEXT))
        except (binascii.Error, Fault, msgspec.DecodeError) as error:
            raise WeChatError(Code.CREDENTIAL, "invalid credential: access_token was not given out here") from error
        if access.expires_ms <= self._clock.now_ms():
            raise WeChatError(Code.TOKEN_EXPIRED, "access_token expired")
        return access


def tokens_of(request: Request) -> Tokens:
    """The tokens. Raises `WeChatError` where none can be given, for want of keys."""
    tokens: Tokens | None = request.app.state.wechat_tokens
    if tokens is None:
        raise WeChatError(
            Code.NOT_SERVED,
            "api unauthorized: the gateway has no keys for access tokens; "
            "make a file with `gateway keys new` and set GATEWAY_KEYS_FILE",
        )
    return tokens


@router.get("/cgi-bin/token", summary="An access token, in WeChat's way")
@router.post("/cgi-bin/token", summary="An access token, in WeChat's way")
async def token(request: Request, service: Serving) -> Response:
    """``appid`` is an account, ``secret`` the application key: in the query, or in a form."""
    return await answered(_token(request, service))


@router.get("/cgi-bin/stable_token", summary="Not served: a stable token needs POST")
@router.post("/cgi-bin/stable_token", summary="An access token, in WeChat's way, with the secret out of the address")
async def stable_token(request: Request, service: Serving) -> Response:
    """The same from a JSON object. ``force_refresh`` changes nothing: every token is new, and the others stay good."""
    return await answered(_stable_token(request, service))


async def _token(request: Request, service: Service) -> Answer:
    form = await _stranger_body(request, service) if request.method == "POST" else b""
    return await _issue(request, service, arguments(request.scope["query_string"], form))


async def _stable_token(request: Request, service: Service) -> Answer:
    need_post(request)
    return await _issue(request, service, object_in(await _stranger_body(request, service)))


async def _stranger_body(request: Request, service: Service) -> bytes:
    return await body_of(request, service, _BODY_LIMIT, request.app.state.token_budget)


async def _issue(request: Request, service: Service, given: Mapping[str, object]) -> Answer:
    tokens = tokens_of(request)
    if given.get("grant_type") != "client_credential":
        raise WeChatError(Code.GRANT_TYPE, "invalid grant_type: send client_credential")
    appid, secret = given.get("appid"), given.get("secret")
    if not isinstance(appid, str) or not appid:
        raise WeChatError(Code.APPID_MISSING, "appid missing: send an account id")
    if not isinstance(secret, str) or not secret:
        raise WeChatError(Code.SECRET_MISSING, "appsecret missing: send the application key")
    key_hash = hash_key(secret)
    tenant = await tenant_of(service, key_hash)
    if "\0" in appid or await service.registry.account(tenant.tenant_id, appid) is None:  # no database takes a NUL
        raise WeChatError(Code.APPID, "invalid appid: this application has no such account")
    return json_answer({"access_token": tokens.issue(appid, key_hash), "expires_in": SECONDS})


async def tenant_of(service: Service, key_hash: str) -> Tenant:
    """The tenant of an application key. Raises `WeChatError`, `StoreUnavailable`."""
    tenant = await service.registry.tenant_by_key(key_hash)
    if tenant is None:
        raise WeChatError(Code.CREDENTIAL, "invalid credential: the application key is not known")
    return tenant


async def answered(work: Awaitable[Answer]) -> Response:
    """The answer, or the error, in WeChat's format."""
    try:
        answer = await work
    except WeChatError as error:
        answer = error_answer(error.code, error.message)
    except StoreUnavailable:
        answer = error_answer(Code.BUSY, "system busy: the store is away, try again")
    except Problem as problem:
        code = Code.TOO_LARGE if problem.code == "body_too_large" else Code.FORMAT
        answer = error_answer(code, f"data format error: {problem.detail}")
    except Disconnected:  # nobody reads this answer
        answer = error_answer(Code.EMPTY, "empty post data: it ended before it was whole")
    return json_response(answer)


def need_post(request: Request) -> None:
    """Raise `WeChatError` for any other method."""
    if request.method != "POST":
        raise WeChatError(Code.POST_NEEDED, "require POST method")


def json_answer(value: object, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """An answer in JSON."""
    return Answer(200, orjson.dumps(value), headers=headers)


def error_answer(code: Code, message: str) -> Answer:
    """An error in WeChat's format."""
    return json_answer({"errcode": code, "errmsg": message})


def arguments(*encoded: bytes) -> dict[str, str]:
    """The arguments of queries and forms. Raises `WeChatError` for one that is given twice, and for too
    many."""
    found: dict[str, str] = {}
    for part in encoded:
        try:
            pairs = parse_qsl(part.decode("latin-1"), keep_blank_values=True, max_num_fields=_FIELDS)
        except ValueError as error:
            raise WeChatError(Code.FORMAT, f"data format error: more than {_FIELDS} arguments") from error
        for name, value in pairs:
            if name in found:
                raise WeChatError(Code.FORMAT, f"data format error: {name} is given twice")
            found[name] = value
    return found


async def body_of(request: Request, service: Service, limit: int | None = None, budget: Budget | None = None) -> bytes:
    """The body, whatever type it says it is, of at most ``limit`` bytes if that is less than any body may have. It
    counts to ``budget``, or to that of publish requests where its sender has shown a key.

    Raises `WeChatError`, `Problem`, `Disconnected`.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise WeChatError(Code.FORMAT, "data format error: Content-Encoding: send the body as it is")
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isdecimal() else None
    most = service.body_limit if limit is None else min(limit, service.body_limit)
    async with whole_body(request.receive, announced, most, service.read_seconds, budget or service.budget) as body:
        return body


def object_in(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises `WeChatError`, also where parsers could differ on it."""
    if not body.strip():
        raise WeChatError(Code.EMPTY, "empty post data: send a JSON object")
    try:
        value = loads(body)
    except BadJson as error:
        raise WeChatError(Code.FORMAT, f"data format error: {error}") from error
    if not isinstance(value, dict):
        raise WeChatError(Code.FORMAT, "data format error: send a JSON object")
    return value
