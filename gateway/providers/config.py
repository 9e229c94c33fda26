"""Which identity providers are used, for whom, and what their word is worth: one YAML file, validated as a whole.

Secrets are not in it; it names the environment variables that hold them.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.core.yaml_lines import Problem, read_yaml, to_problem

DAY_MS: Final = 86_400_000

Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,127}$")]
Words = Annotated[str, Field(min_length=1, max_length=100)]

_TIMED: Final = ("stripe", "persona")
WEBHOOKS: Final = ("stripe", "veriff", "persona", "onfido")
"""The kinds that tell by webhook."""


class ProvidersError(ValueError):
    """A providers file that cannot be used, with every problem found in it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Provider(_Part):
    """One identity provider.

    ``name`` stands in the address of its webhook, ``/v1/identity/NAME/webhook``. ``secret_env`` names the variables of
    its secrets, several while one is being replaced. ``client_env`` names that of what the provider knows us by:
    Veriff's API key, Aliyun's AccessKey id. A verification by it counts as ``level`` of ``framework``, for
    ``valid_days`` (None: for ever), for registrants of ``tenants``. ``tolerance_seconds`` is how old a webhook may be:
    300 where its signature has a time, else 8 days, for an event's own time bounds it, and providers repeat a delivery
    for up to a week. ``endpoint`` and ``elements`` are Aliyun's: the origin to ask, and how many elements are compared.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    kind: Literal["stripe", "veriff", "persona", "onfido", "aliyun", "manual"]
    secret_env: tuple[Variable, ...] = Field((), max_length=8, strict=False)
    client_env: Variable | None = None
    framework: Words
    level: Words
    valid_days: int | None = Field(None, ge=1, le=36_600)
    tenants: tuple[Words, ...] = Field(min_length=1, strict=False)
    tolerance_seconds: int | None = Field(None, ge=1, le=90 * 86_400)
    endpoint: str = Field("https://cloudauth.aliyuncs.com", pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$")
    elements: Literal["ENT_2META", "ENT_3META", "ENT_4META"] = "ENT_3META"

    @model_validator(mode="after")
    def _whole(self) -> Self:
        match self.kind:
            case "manual":
                if self.secret_env or self.client_env:
                    raise ValueError("secret_env: a manual review has no secrets")
            case "aliyun":
                if len(self.secret_env) != 1 or self.client_env is None:
                    raise ValueError("secret_env: name the AccessKey secret's variable, and its id's as client_env")
            case _:
                if not self.secret_env:
                    raise ValueError("secret_env: name the variables that hold the webhook's secrets")
        return self

    @property
    def tolerance_ms(self) -> int:
        """How old a webhook may be, in milliseconds."""
        if self.tolerance_seconds is not None:
            return self.tolerance_seconds * 1000
        return 300_000 if self.kind in _TIMED else 8 * DAY_MS

    @property
    def valid_ms(self) -> int | None:
        """How long a verification by it holds, in milliseconds; None for ever."""
        return None if self.valid_days is None else self.valid_days * DAY_MS


class _File(_Part):
    providers: tuple[Provider, ...] = Field(strict=False)


def parse_providers(text: str, variables: frozenset[str]) -> tuple[Provider, ...]:
    """Read the providers from YAML; ``variables`` are those that the environment has.

    Raises `ProvidersError` naming the line and field of each problem.
    """
    values, lines, problems = read_yaml(text)
    if problems:
        raise ProvidersError(problems)
    try:
        providers = _File.model_validate(values).providers
    except ValidationError as error:
        raise ProvidersError([to_problem(e, lines) for e in error.errors()]) from error
    if not providers:
        problems.append(Problem(lines["providers",], "providers", "give at least 1"))
    seen: set[str] = set()
    for index, provider in enumerate(providers):
        place = ("providers", str(index))
        if provider.name in seen:
            problems.append(Problem(lines[*place, "name"], f"providers.{index}.name", "given twice"))
        seen.add(provider.name)
        for field, names in (("secret_env", provider.secret_env), ("client_env", (provider.client_env,))):
            problems += [
                Problem(lines[*place, field], f"providers.{index}.{field}", f"the environment has no {name}")
                for name in names
                if name is not None and name not in variables
            ]
    if problems:
        raise ProvidersError(problems)
    return providers
