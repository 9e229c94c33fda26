"""The OpenAPI document of the routes that speak another product's language: WeChat's and OpenAI's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.json_schema import JsonSchemaMode

from gateway.http.moderations import CATEGORIES, CHARACTERS, INPUTS, NOT_TOLD_APART
from gateway.http.moderations import PATH as MODERATIONS
from gateway.http.wechat_check import LABELS, NORMAL, OTHER
from gateway.http.wechat_check import PATH as CHECK
from gateway.http.wechat_tokens import SECONDS, Code

TOKEN, STABLE_TOKEN = "/cgi-bin/token", "/cgi-bin/stable_token"
_CODES = ", ".join(f"{code.value} {code.name.lower()}" for code in Code)
_LABELS = ", ".join(map(str, sorted({NORMAL, OTHER, *LABELS.values()})))


class WeChatErrorOut(BaseModel):
    """WeChat's form of an error; also version 1's answer, which is 0 (ok) or 87014 (risky)."""

    model_config = ConfigDict(extra="forbid")

    errcode: int = Field(description=_CODES)
    errmsg: str


class WeChatTokenBody(BaseModel):
    """What a token is asked for with. ``appid`` is an account id, ``secret`` the application key."""

    grant_type: Literal["client_credential"]
    appid: str = Field(min_length=1)
    secret: str = Field(min_length=1)
    force_refresh: bool | None = Field(None, description="Changes nothing: every token is new, the others stay good.")


class WeChatTokenOut(BaseModel):
    """An access token, and its life in seconds."""

    model_config = ConfigDict(extra="forbid")

    access_token: str
    expires_in: int = Field(description=f"{SECONDS}")


class WeChatCheckBody(BaseModel):
    """A text to check. Texts in fields that are not listed here are judged as well."""

    model_config = ConfigDict(extra="allow")

    content: str = Field(min_length=1)
    version: Literal[1, 2] = 1
    scene: Literal[1, 2, 3, 4] | None = Field(None, description="Needed in version 2.")
    openid: str | None = Field(None, description="Needed in version 2.", pattern="^[0-9A-Za-z_-]{1,128}$")
    title: str | None = None
    nickname: str | None = None
    signature: str | None = None


class WeChatDetailOut(BaseModel):
    """One reason. It is no finding about the text where ``errcode`` is not 0."""

    strategy: str = Field(description="`content_model`, or who else found it: `identity`, `standing`...")
    errcode: int
    suggest: Literal["pass", "review", "risky"]
    label: int = Field(description=_LABELS)
    prob: int | None = Field(None, ge=0, le=100)
    keyword: str | None = Field(None, description="The words that moved it, separated by commas.")


class WeChatResultOut(BaseModel):
    """The whole result: `pass` for an allowed message, `review` for a held, `risky` for a blocked one."""

    suggest: Literal["pass", "review", "risky"]
    label: int = Field(description=_LABELS)


class WeChatCheckOut(BaseModel):
    """Version 2's answer; ``trace_id`` is the id of the decision."""

    errcode: Literal[0]
    errmsg: str
    detail: list[WeChatDetailOut]
    trace_id: str
    result: WeChatResultOut


class ModerationTextPart(BaseModel):
    """A piece of a text. Image parts are refused: they cannot be judged."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["text"]
    text: str = Field(max_length=CHARACTERS)


_Text = Annotated[str, Field(max_length=CHARACTERS)]


class ModerationBody(BaseModel):
    """What is to be classified: one text, several, or one in pieces."""

    model_config = ConfigDict(extra="forbid")

    input: (
        _Text
        | Annotated[list[_Text], Field(min_length=1, max_length=INPUTS)]
        | Annotated[list[ModerationTextPart], Field(min_length=1, max_length=INPUTS)]
    )
    model: str | None = Field(None, description="Any; it changes nothing.")


_NAMES = (*CATEGORIES, *NOT_TOLD_APART)
_NONE = f"Not told apart, and so false, with no applied input type: {', '.join(NOT_TOLD_APART)}."
_Strict = ConfigDict(extra="forbid")


def _each(model: str, kind: Any, doc: str) -> type[BaseModel]:
    """A model with one field of this kind for each category."""
    fields: dict[str, Any] = {f"field_{n}": (kind, Field(alias=name)) for n, name in enumerate(_NAMES)}
    return create_model(model, __config__=_Strict, __doc__=doc, **fields)


ModerationCategories = _each("ModerationCategories", bool, "True from the policy's hold threshold on. " + _NONE)
ModerationScores = _each("ModerationScores", Annotated[float, Field(ge=0, le=1)], "The classifiers' own probabilities.")
ModerationTypes = _each("ModerationTypes", list[Literal["text"]], "Empty for a category that nobody looked for.")


class ModerationResultOut(BaseModel):
    """What was found in one text. ``flagged`` when any category is true."""

    model_config = ConfigDict(extra="forbid")

    flagged: bool
    categories: ModerationCategories  # type: ignore[valid-type]
    category_scores: ModerationScores  # type: ignore[valid-type]
    category_applied_input_types: ModerationTypes  # type: ignore[valid-type]


class ModerationOut(BaseModel):
    """A result for each text, in order; ``model`` names the classifiers and their versions."""

    model_config = ConfigDict(extra="forbid")

    id: str
    model: str
    results: list[ModerationResultOut]


class OpenAIFaultOut(BaseModel):
    """What is wrong; ``param`` names the field."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorOut(BaseModel):
    """OpenAI's form of an error."""

    model_config = ConfigDict(extra="forbid")

    error: OpenAIFaultOut


MODELS: list[tuple[type[BaseModel], JsonSchemaMode]] = [
    (WeChatTokenBody, "validation"),
    (WeChatCheckBody, "validation"),
    (ModerationBody, "validation"),
    (WeChatErrorOut, "serialization"),
    (WeChatTokenOut, "serialization"),
    (WeChatCheckOut, "serialization"),
    (ModerationOut, "serialization"),
    (OpenAIErrorOut, "serialization"),
]
SECURITY: dict[str, Any] = {
    "wechat_token": {"type": "apiKey", "in": "query", "name": "access_token", "description": f"From `{TOKEN}`."}
}


def describe(paths: dict[str, Any]) -> None:
    """Complete what the framework says of these routes."""
    tokens = {"200": _json("A token, or an error", "WeChatTokenOut", "WeChatErrorOut")}
    error = {"200": _json("The error 43002", "WeChatErrorOut")}
    asked: list[dict[str, Any]] = [
        {"name": name, "in": "query", "required": True, "schema": schema}
        for name, schema in (
            ("grant_type", {"const": "client_credential"}),
            ("appid", {"type": "string", "description": "An account id."}),
            ("secret", {"type": "string", "description": "The application key."}),
        )
    ]
    paths[TOKEN]["get"] |= {"parameters": asked, "responses": tokens}
    form = {"application/x-www-form-urlencoded": {"schema": _ref("WeChatTokenBody")}}
    optional = [{**argument, "required": False} for argument in asked]
    paths[TOKEN]["post"] |= {"parameters": optional, "requestBody": {"content": form}, "responses": tokens}
    paths[STABLE_TOKEN]["get"]["responses"] = error
    paths[STABLE_TOKEN]["post"] |= {"requestBody": _body("WeChatTokenBody"), "responses": tokens}
    paths[CHECK]["get"]["responses"] = error
    paths[CHECK]["post"] |= {
        "security": [{"wechat_token": []}],
        "requestBody": _body("WeChatCheckBody"),
        "responses": {
            "200": _json(
                "The decision; in version 2, `Location` names a held message", "WeChatCheckOut", "WeChatErrorOut"
            )
        },
    }
    paths[MODERATIONS]["post"] |= {"requestBody": _body("ModerationBody"), "responses": _moderations()}


def _moderations() -> dict[str, Any]:
    errors = {
        "400": "Not readable; `param` names the field",
        "401": "Unknown application key",
        "408": "The body came too slowly",
        "413": "Too large",
        "415": "Not JSON in UTF-8 without content coding",
        "429": "Too many texts are being examined",
        "503": "A classifier was silent, so nothing can be said; or the store is away",
    }
    described = {status: _json(description, "OpenAIErrorOut") for status, description in errors.items()}
    return {"200": _json("A result for each text", "ModerationOut"), **described}


def _body(model: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _ref(model)}}}


def _json(description: str, *models: str) -> dict[str, Any]:
    schema = _ref(models[0]) if len(models) == 1 else {"oneOf": [_ref(model) for model in models]}
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _ref(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}
