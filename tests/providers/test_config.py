"""The providers' file: what it says, and every problem with its line and field."""

from __future__ import annotations

import pytest

from gateway.providers.config import ProvidersError, parse_providers

GOOD = """\
providers:
  - name: stripe-eu
    kind: stripe
    secret_env: [STRIPE_SECRET]
    framework: eidas
    level: substantial
    valid_days: 365
    tenants: [acme]
"""
ALIYUN = """\
  - name: aliyun
    kind: aliyun
    secret_env: [ALIYUN_SECRET]
    client_env: ALIYUN_ID
    framework: cn_real_name
    level: verified
    tenants: [acme, other]
"""
MANUAL = """\
  - {name: staff, kind: manual, framework: manual, level: reviewed, valid_days: 730, tenants: [acme]}
"""
VARIABLES = frozenset({"STRIPE_SECRET", "ALIYUN_SECRET", "ALIYUN_ID"})


def problems(text: str) -> list[str]:
    """What is wrong with a file."""
    with pytest.raises(ProvidersError) as refused:
        parse_providers(text, VARIABLES)
    return [str(problem) for problem in refused.value.problems]


def test_providers_with_their_defaults() -> None:
    stripe, aliyun, staff = parse_providers(GOOD + ALIYUN + MANUAL, VARIABLES)

    assert (stripe.tolerance_ms, stripe.valid_ms) == (300_000, 365 * 86_400_000)
    assert (aliyun.valid_ms, aliyun.elements, aliyun.endpoint) == (None, "ENT_3META", "https://cloudauth.aliyuncs.com")
    assert (staff.framework, staff.level) == ("manual", "reviewed")


def test_where_signatures_have_no_time_the_tolerance_is_wider() -> None:
    (veriff,) = parse_providers(GOOD.replace("kind: stripe", "kind: veriff"), VARIABLES)
    (own,) = parse_providers(GOOD + "    tolerance_seconds: 60\n", VARIABLES)

    assert veriff.tolerance_ms == 8 * 86_400_000
    assert own.tolerance_ms == 60_000


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("kind: stripe", "kind: stripes", "line 3: providers.0.kind"),
        ("kind: stripe", "knd: stripe", "line 3: providers.0.knd: there is no such field"),
        ("name: stripe-eu", "name: Stripe EU", "line 2: providers.0.name"),
        ("[STRIPE_SECRET]", "[]", "line 2: providers.0: secret_env: name the variables"),
        ("[STRIPE_SECRET]", "[whsec_abc]", "line 4: providers.0.secret_env.0: must match"),
        ("[STRIPE_SECRET]", "[OTHER_SECRET]", "line 4: providers.0.secret_env: the environment has no OTHER_SECRET"),
        ("    framework: eidas\n", "", "line 2: providers.0.framework: this field is required"),
        ("    level: substantial\n", "", "line 2: providers.0.level: this field is required"),
        ("valid_days: 365", "valid_days: 0", "line 7: providers.0.valid_days"),
        ("tenants: [acme]", "tenants: []", "line 8: providers.0.tenants"),
        ("kind: stripe", "kind: manual", "line 2: providers.0: secret_env: a manual review has no secrets"),
        ("kind: stripe", "kind: aliyun", "line 2: providers.0: secret_env: name the AccessKey secret"),
        ("providers:", "provider:", "line 1: provider"),
        ("level: substantial", "level: substantial\n    level: high", "line 7: providers.0.level: given twice"),
    ],
)
def test_a_problem_is_named_with_its_line_and_field(old: str, new: str, problem: str) -> None:
    assert GOOD.count(old) == 1
    assert any(found.startswith(problem) for found in problems(GOOD.replace(old, new)))


def test_two_providers_have_two_names() -> None:
    twice = GOOD + GOOD.removeprefix("providers:\n")
    assert problems(twice) == ["line 9: providers.1.name: given twice"]


@pytest.mark.parametrize("text", ["", "- a", "providers: []", "{", "providers: 7"])
def test_what_is_no_such_file_is_refused(text: str) -> None:
    assert problems(text)
