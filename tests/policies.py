"""A policy for tests: the shipped one may be tuned without any of them changing its meaning."""

from __future__ import annotations

from functools import cache

from gateway.core.policy import PolicyInForce, parse_policy

POLICY = """\
deadline_ms: 800
classifiers:
  text: {required: true, silence: hold}
  news: {required: true, silence: hold}
  image: {required: true, silence: hold, only: media}
categories:
  sexual: {hold: 0.5, block: 0.9}
  sexual_minors: {hold: 0.5, block: 0.9}
  violence: {hold: 0.5, block: 0.9}
  terrorism: {hold: 0.5, block: 0.9}
  hate: {hold: 0.5, block: 0.9}
  harassment: {hold: 0.5, block: 0.9}
  self_harm: {hold: 0.5}
  spam: {hold: 0.5, block: 0.9}
  fraud: {hold: 0.5, block: 0.9}
  gambling: {hold: 0.5, block: 0.9}
  illegal_goods: {hold: 0.5, block: 0.9}
identity:
  accept:
    - {framework: eidas, levels: [substantial, high]}
    - {framework: cn_real_name, levels: [verified]}
  missing: block
  unverified: block
  under_review: hold
  expired: block
  insufficient: hold
standing:
  sanctions: {warn: allow, restrict: hold, suspend_renewal: allow, suspend: block, close: block}
  suspended: block
  closed: block
  unknown_account: hold
news:
  threshold: 0.8
  unauthorised: hold
  unsourced: hold
"""


@cache
def policy(*changes: tuple[str, str]) -> PolicyInForce:
    """The policy with some of its text replaced, each time exactly once."""
    text = POLICY
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the policy"
        text = text.replace(old, new)
    return parse_policy(text)
