"""The bodies of the routes for the register's keepers, and their answers. Times are unix milliseconds."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Self

import msgspec
import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from gateway.core.model import STANDARD, Account, AccountState, Degree, NewsKind, RegistrantKind, VerificationState
from gateway.core.model import Registrant as RegistrantValue
from gateway.core.personal import FIELDS, INDEXED
from gateway.core.records import AuditRow
from gateway.http.admin.desk import ID
from gateway.ports import Registered


def _plain(text: str) -> str:
    # Whoever lists names and reasons in a terminal sees one line for each, and as it was written.
    if not text.strip() or any(unicodedata.category(sign) == "Cc" for sign in text):
        raise ValueError("give some text on one line, without control characters")
    return text


Id = Annotated[str, Field(min_length=1, max_length=255, pattern=ID)]
Name = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Time = Annotated[int, Field(ge=0, le=2**53)]
ReasonText = Annotated[
    str,
    Field(max_length=500, description="Why. Kept in the audit chain for good, so it may name no registrant."),
    AfterValidator(_plain),
]


PersonalFields = Annotated[
    dict[str, str],
    Field(
        json_schema_extra={"propertyNames": {"enum": list(FIELDS)}},
        description="Kept encrypted, each field for itself. Identifiers have to pass their check digits.",
    ),
]


class Given(BaseModel):
    """What is not listed is refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ReasonBody(Given):
    """Why something is done."""

    reason: ReasonText


class CreateAccountBody(ReasonBody):
    """An account to register, for a registrant that is there. Without ``term_ends_at`` it has no end. ``private`` is
    only proposed: another person has to agree, and until then it is public."""

    account_id: Id
    registrant_id: Id
    name: Name | None = None
    account_class: Id = STANDARD
    term_ends_at: Time | None = None
    private: bool = False


class RenewBody(ReasonBody):
    """When the account's term ends from now on."""

    term_ends_at: Time


class CloseBody(ReasonBody):
    """After a ``violation`` the registrant may not register another account for a time."""

    violation: bool = False


class ChangeAccountBody(ReasonBody):
    """What is left out stays as it is. ``private: true`` is only proposed: another person has to agree; ``false`` takes
    one person, and withdraws a proposal."""

    name: Name = Field(default_factory=str)
    account_class: Id = Field(default_factory=str)
    private: bool = Field(default_factory=bool)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.model_fields_set <= {"reason"}:
            raise ValueError("give at least one of name, account_class and private")
        return self

    def given(self, field: str) -> Any:
        """What was given for a field; None for nothing."""
        return getattr(self, field) if field in self.model_fields_set else None


class CreateRegistrantBody(ReasonBody):
    """A person or an organisation to register."""

    registrant_id: Id
    kind: Annotated[RegistrantKind, Field(strict=False)]

    personal: PersonalFields | None = None


class PersonalBody(ReasonBody):
    """All personal data that is to be kept of a registrant, in place of what was."""

    personal: PersonalFields


class SearchBody(ReasonBody):
    """What to look for: it is compared by its digest, however it is spelt."""

    field: Annotated[str, Field(json_schema_extra={"enum": list(INDEXED)})]
    personal: Annotated[str, Field(description="The value of the field.")]

    @field_validator("field")
    @classmethod
    def _indexed(cls, field: str) -> str:
        if field not in INDEXED:
            raise ValueError(f"give one of: {', '.join(INDEXED)}")
        return field


class RevealBody(ReasonBody):
    """Which fields to tell; all without ``fields``."""

    fields: Annotated[list[str], Field(max_length=len(FIELDS))] | None = None

    @field_validator("fields")
    @classmethod
    def _known(cls, fields: list[str] | None) -> list[str] | None:
        if fields is not None and not set(fields) <= set(FIELDS):
            raise ValueError(f"give some of: {', '.join(FIELDS)}")
        return fields


class EraseBody(ReasonBody):
    """With ``close``, the accounts that it still has are closed too."""

    close: bool = False


class FoundOut(BaseModel):
    """The ids of the registrants that have it, at most 100."""

    registrant_ids: list[str]


class KeptOut(BaseModel):
    """What is kept now; ``restarted``: something that was verified changed, so it has to be verified again."""

    fields: list[str]
    restarted: bool


class PersonalOut(BaseModel):
    """Personal data. It is for the eyes of whoever asked, and for nothing else."""

    personal: dict[str, str]


class ErasedOut(BaseModel):
    """The accounts that were closed, until when its identifiers may not register again (null: they may now), and how
    many messages of its accounts were erased."""

    closed: list[str]
    barred_until_ms: int | None
    messages: int


class RegistrantOut(BaseModel):
    """What is known of a registrant, without personal data. ``framework`` and ``level`` are as the verifier gave
    them."""

    registrant_id: str
    kind: RegistrantKind
    state: VerificationState
    framework: str | None
    level: str | None
    expires_at: int | None

    @classmethod
    def of(cls, registrant: RegistrantValue) -> Self:
        """A registrant as an answer."""
        return cls(**msgspec.structs.asdict(registrant))


class KnownRegistrantOut(RegistrantOut):
    """``kept`` names the fields of personal data; null where this gateway has no master key."""

    kept: list[str] | None = None


class NewsOut(BaseModel):
    """What a licence lets the account do; ``licence_id`` is null for one that came with the account itself."""

    scheme: str
    kind: NewsKind
    valid_from: int
    valid_to: int
    active: bool
    licence_id: str | None
    domains: list[str]


class SanctionOut(BaseModel):
    """A sanction; ``ends_at`` is null while it has no end. ``sanction_id`` names one that was imposed here."""

    degree: Degree
    starts_at: int
    ends_at: int | None
    sanction_id: str | None


class PrivateProposalOut(BaseModel):
    """Who proposes that an account become private, why, and since when. It waits for another person's agreement."""

    actor: str
    reason: str
    at_ms: int


class AccountOut(BaseModel):
    """An account; ``private_proposal`` is null where nobody proposes that it become private."""

    account_id: str
    name: str | None
    state: AccountState
    account_class: str
    term_ends_at: int | None
    private: bool
    private_proposal: PrivateProposalOut | None
    registrant: RegistrantOut | None
    news: list[NewsOut]
    sanctions: list[SanctionOut]

    @classmethod
    def of(cls, registered: Registered) -> Self:
        """An account as an answer."""
        account: Account = registered.account
        return cls(
            account_id=account.account_id,
            name=registered.name,
            state=account.state,
            account_class=account.account_class,
            term_ends_at=account.term_ends_at,
            private=account.private,
            private_proposal=PrivateProposalOut(**msgspec.structs.asdict(registered.proposal))
            if registered.proposal
            else None,
            registrant=RegistrantOut.of(account.registrant) if account.registrant else None,
            news=[NewsOut(**{**msgspec.structs.asdict(one), "domains": list(one.domains)}) for one in account.news],
            sanctions=[SanctionOut(**msgspec.structs.asdict(one)) for one in account.sanctions],
        )


class AccountsOut(BaseModel):
    """A page of accounts, by id; ``next`` is where to go on (``after``), null at the end."""

    accounts: list[AccountOut]
    next: str | None


class ActOut(BaseModel):
    """One thing that was done. What else it has depends on what it was."""

    model_config = ConfigDict(extra="allow")

    seq: int
    at_ms: int
    actor: str

    @classmethod
    def of(cls, row: AuditRow) -> Self:
        """A row of the audit chain as an answer."""
        body = {key: value for key, value in orjson.loads(row.body).items() if key != "tenant_id"}
        return cls(**{**body, "seq": row.seq, "at_ms": row.at_ms})


class HistoryOut(BaseModel):
    """A page of what was done, oldest first; ``next`` is where to go on (``after``), null at the end."""

    history: list[ActOut]
    next: int | None

    @classmethod
    def of(cls, rows: list[AuditRow], limit: int) -> Self:
        """A page of at most ``limit`` rows as an answer."""
        return cls(history=[ActOut.of(row) for row in rows], next=rows[-1].seq if len(rows) == limit else None)
