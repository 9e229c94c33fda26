"""The command line: run the gateway, look after its registry, and ask what it decided and why."""

from __future__ import annotations

from typing import Final

import click

from gateway.cli.lazy import Lazy, LazyGroup

_COMMANDS: Final = (
    ("accounts", "registry:accounts", "Public accounts and who stands behind them."),
    ("appeals", "appeals:appeals", "Appeals of authors against what was decided."),
    ("articles", "news:articles", "Articles of listed sources, which re-published texts are compared with."),
    ("audit", "records:audit", "The audit chain."),
    (
        "classify",
        "classify:classify",
        "Show what is found in each of TEXTS, or in a file of messages, and what the policy decides on that alone.",
    ),
    ("credentials", "keys:credentials", "Which account calls with which credential of a platform."),
    ("decisions", "records:decisions", "Decisions, and why they are what they are."),
    (
        "demo",
        "serve:demo",
        "Run gateway, classifiers and a chat app to publish to, all on this machine, with demo accounts.",
    ),
    (
        "demo-upstream",
        "serve:demo_upstream",
        "Run the demo chat app alone: POST /publish, and a page that lists what was published.",
    ),
    ("flaggers", "flaggers:flaggers", "Trusted flaggers: their reports come first, and their errors are counted."),
    ("holds", "holds:holds", "Messages that wait for a person."),
    ("imports", "imports_kept:imported", "Files that were taken into the register."),
    ("keys", "keys:keys", "The keys that seal held requests and hide credentials."),
    ("licences", "news:licences", "Licences to publish, re-publish or host news."),
    ("messages", "takedowns:messages", "Messages and their states."),
    ("openapi", "serve:openapi", "Print the OpenAPI document."),
    (
        "operators",
        "operators:operators",
        "Those who keep the register over HTTP with a key, and the console with a password, each in a role.",
    ),
    ("platforms", "platforms:platforms", "Route maps: what the gateway knows of a chat app's publish API."),
    ("policy", "policy:policy", "Policy files."),
    ("registrants", "registry:registrants", "Persons and organisations behind accounts."),
    ("reports", "reports:reports", "Reports by the public: what waits, what is said, and the decision."),
    ("sanctions", "sanctions:sanctions", "Sanctions: warned, restricted, suspended, closed; and what is proposed."),
    ("serve", "serve:serve", "Run the gateway until SIGTERM."),
    ("statements", "appeals:stated", "Statements of reasons: what authors are told of a restriction."),
    ("tenants", "tenants:tenants", "Calling chat apps."),
    (
        "transparency",
        "transparency:transparency",
        "What the public is told: the DSA Transparency Database, and the yearly report.",
    ),
    (
        "verifications",
        "verifications:verifications",
        "Attempts to prove who a registrant is, with the providers of GATEWAY_PROVIDERS_FILE.",
    ),
    ("whitelist", "news:whitelist", "The sources whose news may be re-published."),
)
"""Each command's name, where in this package it is, and the first sentence of its help."""


@click.group(
    cls=LazyGroup,
    commands=[Lazy(name, f"{__name__}.{place}", sentence) for name, place, sentence in _COMMANDS],
    context_settings={"help_option_names": ["-h", "--help"]},
)
def main() -> None:
    """Moderation gateway: allow, hold or block for each publish request of a public account.

    Settings come from the environment: GATEWAY_DATABASE_URL, GATEWAY_POLICY_FILE,
    GATEWAY_KAFKA__BOOTSTRAP_SERVERS and the others that the README lists.
    """
