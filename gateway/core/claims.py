"""Verified claims about a registrant, as OpenID Connect for Identity Assurance 1.0 (Final, 2024) writes them.

``verified_claims{verification{trust_framework, assurance_level, time, verification_process, evidence[]}, claims}``.
Framework and level stay as they were given: levels of two frameworks are not comparable, so none is converted. What the
claims say is personal data: no text made here, no error and no ``repr`` has any value of it, only names of fields.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from gateway.core.check_digits import problem_of
from gateway.core.model import RegistrantKind
from gateway.core.wording import told

Text = Annotated[str, Field(min_length=1, max_length=500)]


class ClaimsError(ValueError):
    """Claims that cannot be used: every problem, as the path of the field and what to give. No value is in it."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in problems))
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(sorted(self.model_fields_set))})"

    __str__ = __repr__


class Evidence(_Part):
    """What the verifier looked at. Its details are kept as given; images are not taken: store their digest elsewhere
    and name it in ``attachments``."""

    model_config = ConfigDict(extra="allow")

    type: Literal["document", "electronic_record", "vouch", "electronic_signature"]
    attachments: tuple[dict[str, Any], ...] = Field((), strict=False)

    @field_validator("attachments")
    @classmethod
    def _no_images(cls, attachments: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
        if any("digest" not in attachment or "content" in attachment for attachment in attachments):
            raise ValueError("give each attachment's url and digest, and not its content")
        return attachments


class Process(_Part):
    """How and when which framework's assurance was reached. ``time`` has an offset from UTC."""

    model_config = ConfigDict(extra="allow")  # the specification adds to it: assurance_process and others

    trust_framework: Text
    assurance_level: Text | None = None
    time: str
    verification_process: Text | None = None
    evidence: tuple[Evidence, ...] = Field((), strict=False)

    @field_validator("time")
    @classmethod
    def _iso_time(cls, text: str) -> str:
        if _time(text) is None:
            raise ValueError("give date, time and offset, such as 2026-03-01T09:30:00Z")
        return text


class Representative(_Part):
    """Who acts for the organisation."""

    name: Text
    role: Text | None = None
    resident_id: Text | None = None


class Authority(_Part):
    """What shows that the representative may: a power of attorney, an extract of a register, a board's resolution."""

    type: Text
    reference: Text | None = None
    valid_until: date | None = Field(None, strict=False)


class OrganisationClaims(_Part):
    """An organisation, under at least one number of a public register."""

    legal_name: Text
    uscc: Text | None = None
    lei: Text | None = None
    vat: Text | None = None
    representative: Representative
    proof_of_authority: Authority

    @model_validator(mode="after")
    def _has_number(self) -> Self:
        if self.uscc is None and self.lei is None and self.vat is None:
            raise ValueError("give one of uscc, lei and vat")
        return self


class PersonClaims(_Part):
    """A person: a whole name, or given and family name, and what OpenID Connect has more (Core 1.0, section 5.1, and
    Identity Assurance, section 4)."""

    name: Text | None = None
    given_name: Text | None = None
    family_name: Text | None = None
    birthdate: date | None = Field(None, strict=False)
    nationalities: tuple[Annotated[str, Field(pattern="^[A-Z]{2,3}$")], ...] = Field((), strict=False)
    resident_id: Text | None = None
    email: Text | None = None
    phone_number: Text | None = None

    @model_validator(mode="after")
    def _has_name(self) -> Self:
        if self.name is None and (self.given_name is None or self.family_name is None):
            raise ValueError("give name, or given_name and family_name")
        return self


class VerifiedClaims(_Part):
    """A verification's outcome. Its claims are personal data, see `fields`."""

    verification: Process
    claims: OrganisationClaims | PersonClaims

    @property
    def verified_ms(self) -> int:
        """When it was verified, in unix milliseconds."""
        moment = _time(self.verification.time)
        if moment is None:
            raise RuntimeError("the time was not validated")
        return int(moment.timestamp() * 1000)

    def fields(self) -> dict[str, str]:
        """The claims that the register keeps apart, by its names for them. For the encrypted register only."""
        claims = self.claims
        if isinstance(claims, OrganisationClaims):
            authority = claims.proof_of_authority
            found: dict[str, str | None] = {
                "legal_name": claims.legal_name,
                "uscc": claims.uscc,
                "lei": claims.lei,
                "vat": claims.vat,
                "representative": claims.representative.name,
                "id_number": claims.representative.resident_id,
                "proof_of_authority": " ".join(filter(None, (authority.type, authority.reference))),
            }
        else:
            found = {
                "legal_name": claims.name or f"{claims.given_name} {claims.family_name}",
                "id_number": claims.resident_id,
                "birthdate": claims.birthdate.isoformat() if claims.birthdate else None,
                "email": claims.email,
                "phone": claims.phone_number,
            }
        return {name: text for name, text in found.items() if text is not None}


def read_claims(value: object, kind: RegistrantKind) -> VerifiedClaims:
    """The claims in a decoded JSON value, which is ``verified_claims`` itself or an object that has it.

    Raises `ClaimsError` naming each field that is wrong and what to give: a missing or unknown one, a time without an
    offset, a number whose check digits do not fit, an image.
    """
    if isinstance(value, Mapping) and set(value) == {"verified_claims"}:
        value = value["verified_claims"]
    if not isinstance(value, Mapping):
        raise ClaimsError([("verified_claims", "give one object")])
    problems: list[tuple[str, str]] = []
    parts: dict[str, Any] = {}
    claims = OrganisationClaims if kind is RegistrantKind.ORGANISATION else PersonClaims
    models: dict[str, type[_Part]] = {"verification": Process, "claims": claims}
    for name, model in models.items():
        if name not in value:
            problems.append((name, "this field is required"))
            continue
        try:
            parts[name] = model.model_validate(value[name])
        except ValidationError as error:
            problems += [
                (".".join((name, *map(str, e["loc"]))), told(e).removeprefix("Value error, "))
                for e in error.errors(include_input=False, include_url=False)
            ]
    if any(name not in models for name in value):
        problems.append(("verified_claims", "it has verification and claims, and no other field"))
    if "claims" in parts:
        problems += _numbers(parts["claims"])
    if problems:
        raise ClaimsError(problems)
    return VerifiedClaims(**parts)


def _numbers(claims: OrganisationClaims | PersonClaims) -> Iterator[tuple[str, str]]:
    """The numbers whose check digits do not fit."""
    for path, text in _flat(("claims",), claims.model_dump(mode="json", exclude_none=True)):
        field = path.rpartition(".")[2]
        if problem := problem_of(field, text):
            yield path, problem.removeprefix(f"{field}: ")


def _flat(path: tuple[str, ...], value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat((*path, name), item)
    elif isinstance(value, list):
        if value:
            yield ".".join(path), " ".join(value)
    else:
        yield ".".join(path), str(value)


def _time(text: str) -> datetime | None:
    """The moment of a date and time of ISO 8601 with an offset (section 5.1 there); None for any other text."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
