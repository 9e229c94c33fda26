"""The part of the policy that says how our restrictions are told to the DSA Transparency Database, and the words and
values that stand there unless it says otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator, model_validator

from classifiers.contract import CATEGORIES
from gateway.core.dsa_fields import EEA
from gateway.core.policy_part import Part
from gateway.core.statement import UPDATES, Automation, Restriction, Source

OTHER: Final = "other"
"""What stands for a category where there is none: who may publish, and what may be published by whom."""
HOLD: Final = "hold"
"""The ground of every hold: nobody has found yet that the message is what it may be."""

_VIOLATIONS: Final = sorted(CATEGORIES - {"news"})

CATEGORY: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "sexual": ("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", ("KEYWORD_ADULT_SEXUAL_MATERIAL",)),
    "sexual_minors": ("STATEMENT_CATEGORY_PROTECTION_OF_MINORS", ("KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL",)),
    "violence": ("STATEMENT_CATEGORY_VIOLENCE", ()),
    "terrorism": ("STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY", ("KEYWORD_TERRORIST_CONTENT",)),
    "hate": ("STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH", ("KEYWORD_HATE_SPEECH",)),
    "harassment": ("STATEMENT_CATEGORY_CYBER_VIOLENCE", ("KEYWORD_CYBER_HARASSMENT",)),
    "self_harm": ("STATEMENT_CATEGORY_SELF_HARM", ()),
    "spam": ("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", ("KEYWORD_OTHER",)),
    "fraud": ("STATEMENT_CATEGORY_SCAMS_AND_FRAUD", ()),
    "gambling": ("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", ("KEYWORD_GOODS_SERVICES_NOT_PERMITTED",)),
    "illegal_goods": ("STATEMENT_CATEGORY_UNSAFE_AND_PROHIBITED_PRODUCTS", ("KEYWORD_PROHIBITED_PRODUCTS",)),
    OTHER: ("STATEMENT_CATEGORY_OTHER_VIOLATION_TC", ()),
}
"""The database's category, and its keywords, for each of ours. A keyword is given where it says all that ours means:
violence, for one, may be a threat as well as a picture."""

KEYWORD: Final[Mapping[str, str]] = {"spam": "Spam: unsolicited bulk content or manipulation of the platform"}
"""What is meant by the keyword "other" of a category."""

FACTS: Final[Mapping[str, str]] = {
    Restriction.HOLD: "A message of a public account was kept from publication until a person has reviewed it.",
    Restriction.BLOCK: "A message of a public account was not published.",
    Restriction.TAKEDOWN: "A published message of a public account was removed.",
    Restriction.RESTRICT: "Publishing by a public account was limited for a time.",
    Restriction.SUSPEND_RENEWAL: "A public account can no longer be renewed: it runs to the end of its term.",
    UPDATES: "A public account cannot publish anything new for a time: its updates are suspended.",
    Restriction.SUSPEND: "A public account was suspended.",
    Restriction.CLOSE: "A public account was closed.",
    Source.OWN: "It was found by the provider's own examination, which every message undergoes.",
    Source.REPORT: "It was brought to the provider's attention by a notice.",
    Source.TRUSTED_FLAGGER: "It was brought to the provider's attention by a notice of a trusted flagger.",
    "detected": "Automated means were used to identify it.",
    "not_detected": "No automated means were used to identify it.",
    Automation.FULLY: "The decision was taken by automated means.",
    Automation.PARTIALLY: "The decision was taken by a person with the support of automated means.",
    Automation.NOT: "The decision was taken by a person.",
    "imposed": "A person decided on what led to it; that it follows from that was decided by automated means.",
    "released": "After review the restriction was lifted.",
    "reversed": "The restriction was lifted upon a complaint.",
}
"""What the facts of a record are put together from."""


def _said(text: str) -> str:
    if not text.strip():
        raise ValueError("give at least 1 character")
    return text


_SAID: Final = AfterValidator(_said)


class Ground(Part):
    """On what ground content of a category is restricted.

    ``illegal``: because it is illegal, under the law named in ``ground``; else because it is incompatible with the
    terms, at the place named there. ``url`` leads to the law or the terms.
    """

    illegal: bool = False
    ground: Annotated[str, Field(max_length=500), _SAID]
    explanation: Annotated[str, Field(max_length=2000), _SAID]
    url: Annotated[str, Field(max_length=500)] | None = None

    @field_validator("url")
    @classmethod
    def _address(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "")  # a bad one raises ValueError by itself
        plain = url is None or (url.isprintable() and " " not in url)
        if url is not None and not (plain and parts.scheme == "https" and parts.hostname):
            raise ValueError("give an https address")
        return url


def _terms(of: str, what: str) -> Ground:
    return Ground(ground=f"Terms of service: {of}", explanation=f"The terms do not permit {what}.")


GROUNDS: Final[Mapping[str, Ground]] = {
    "sexual": _terms("sexual content", "sexual content in public accounts"),
    "sexual_minors": Ground(
        illegal=True,
        ground="Directive 2011/93/EU, article 5, as transposed into national law",
        explanation="Content that sexualises minors is considered to be child sexual abuse material.",
    ),
    "violence": _terms("violence", "threats of violence, and calls to it or depictions that glorify it"),
    "terrorism": Ground(
        illegal=True,
        ground="Regulation (EU) 2021/784, article 2, point 7",
        explanation="The content is considered to incite, to solicit or to threaten terrorist offences.",
    ),
    "hate": _terms("hate", "content that attacks people for what they are, such as origin, religion or sex"),
    "harassment": _terms("harassment", "content that harasses, threatens or degrades individual people"),
    "self_harm": _terms("self-harm", "content that encourages suicide or self-harm"),
    "spam": _terms("spam", "unsolicited bulk content"),
    "fraud": _terms("fraud", "content that is to mislead people into losing money or data"),
    "gambling": _terms("gambling", "the promotion of games of chance"),
    "illegal_goods": _terms("prohibited goods", "offers of prohibited or restricted goods"),
    OTHER: Ground(
        ground="Terms of service: who may publish, and what",
        explanation="What the terms require of an account, or of what it publishes, was not fulfilled.",
    ),
    HOLD: Ground(
        ground="Terms of service: review before publication",
        explanation="The terms permit to keep a message from publication until it has been reviewed.",
    ),
}
"""The grounds that stand where the policy gives none."""


class Transparency(Part):
    """What is told to the DSA Transparency Database, Regulation (EU) 2022/2065, article 24(5).

    ``territorial_scope``: where restrictions apply, as 2-letter codes of countries of the European Economic Area.
    ``grounds``: for each category, for ``other`` (no category) and for ``hold``, those that are not as in `GROUNDS`.
    ``facts``: sentences, in English, in place of those in `FACTS`; none may name anybody. A hold that was
    released within ``hold_grace_minutes`` is no restriction that is told.
    """

    territorial_scope: tuple[str, ...] = Field(EEA, min_length=1, strict=False)
    grounds: dict[str, Ground] = Field({})
    facts: dict[str, Annotated[str, Field(max_length=800), _SAID]] = Field({})
    hold_grace_minutes: int = Field(60, ge=0, le=10_080)

    @model_validator(mode="after")
    def _known(self) -> Self:
        for field, given, known in (
            ("territorial_scope", self.territorial_scope, EEA),
            ("grounds", self.grounds, (*_VIOLATIONS, OTHER, HOLD)),
            ("facts", self.facts, FACTS),
        ):
            if unknown := sorted(set(given) - set(known)):
                raise ValueError(f"{field}: unknown: {', '.join(unknown)}; known are {', '.join(known)}")
        if len(set(self.territorial_scope)) < len(self.territorial_scope):
            raise ValueError("territorial_scope: give each country once")
        return self

    @property
    def grace_ms(self) -> int:
        """``hold_grace_minutes`` in milliseconds."""
        return self.hold_grace_minutes * 60_000

    def ground(self, name: str) -> Ground:
        """The ground for a category, for `OTHER` or for `HOLD`."""
        return self.grounds.get(name) or GROUNDS[name]

    def fact(self, name: str) -> str:
        """The sentence for a restriction, a source, a degree of automation, and so on."""
        return self.facts.get(name) or FACTS[name]
