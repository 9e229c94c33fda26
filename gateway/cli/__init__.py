"""The command line: run the gateway, look after its registry, and ask what it decided and why."""

from __future__ import annotations

import click

from gateway.cli.appeals import appeals, stated
from gateway.cli.classify import classify
from gateway.cli.flaggers import flaggers
from gateway.cli.holds import holds
from gateway.cli.imports_kept import imported
from gateway.cli.keys import credentials, keys
from gateway.cli.news import articles, licences, whitelist
from gateway.cli.operators import operators
from gateway.cli.personal import COMMANDS as PERSONAL
from gateway.cli.platforms import platforms
from gateway.cli.records import audit, decisions, messages
from gateway.cli.register import ACCOUNTS, REGISTRANTS
from gateway.cli.registry import accounts, registrants
from gateway.cli.reports import reports
from gateway.cli.sanctions import sanctions
from gateway.cli.serve import demo, demo_upstream, openapi, policy, serve
from gateway.cli.takedowns import COMMANDS as TAKEDOWNS
from gateway.cli.tenants import tenants
from gateway.cli.transparency import transparency
from gateway.cli.verifications import verifications


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Moderation gateway: allow, hold or block for each publish request of a public account.

    Settings come from the environment: GATEWAY_DATABASE_URL, GATEWAY_POLICY_FILE,
    GATEWAY_KAFKA__BOOTSTRAP_SERVERS and the others that the README lists.
    """


for command in (
    serve,
    demo,
    demo_upstream,
    policy,
    classify,
    openapi,
    decisions,
    messages,
    holds,
    appeals,
    stated,
    sanctions,
    audit,
    tenants,
    registrants,
    accounts,
    imported,
    operators,
    verifications,
    licences,
    whitelist,
    articles,
    keys,
    credentials,
    platforms,
    reports,
    flaggers,
    transparency,
):
    main.add_command(command)

for command in (*REGISTRANTS, *PERSONAL):
    registrants.add_command(command)
for command in ACCOUNTS:
    accounts.add_command(command)
for command in TAKEDOWNS:
    messages.add_command(command)
