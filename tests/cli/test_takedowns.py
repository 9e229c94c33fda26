"""`messages take-down`, `restore` and `takedowns`, and where a tenant is told of it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Office

WHY = ("--actor", "Ann", "--reason", "ticket 7")


def test_what_was_published_is_taken_down_and_put_back(office: Office) -> None:
    sent = office.publish()
    for _ in range(2):
        done = office.run("messages", "take-down", sent.message_id, "--category", "fraud", *WHY)
        assert (done.exit_code, done.output) == (0, f"{sent.message_id}: due\n")
    listed = office.run("messages", "takedowns", "--tenant", "t1").output.split()
    assert listed[:4] == [sent.message_id, "t1/acc-1", "due", "fraud"]
    assert office.run("messages", "takedowns", "--tenant", "t1", "--failed").output == ""
    back = office.run("messages", "restore", sent.message_id, *WHY)
    assert (back.exit_code, back.output) == (0, f"{sent.message_id}: cancelled\n")
    assert office.run("audit", "verify").exit_code == 0


def test_what_a_person_has_to_do_is_listed_with_what_went_wrong(office: Office) -> None:
    sent = office.publish()
    office.run("messages", "take-down", sent.message_id, "--category", "fraud", *WHY)
    office.sql("UPDATE takedowns SET state = 'failed', problem = 'so it is: \x1b[2J'")
    listed = office.run("messages", "takedowns", "--failed", "--limit", "1")
    assert listed.output.splitlines()[0].endswith("  remove it by hand: so it is: \\x1b[2J")
    assert f"--after {sent.message_id}" in listed.stderr
    assert office.run("messages", "takedowns", "--tenant", "t1", "--after", sent.message_id).output == ""


@pytest.mark.parametrize("spam", [0.6, 0.95])
def test_what_was_held_or_blocked_is_not(office: Office, spam: float) -> None:
    held = office.publish(spam)
    refused = office.run("messages", "take-down", held.message_id, "--category", "fraud", *WHY)
    assert (refused.exit_code, "only what was published can be taken down" in refused.output) == (1, True)
    assert "not taken down" in office.run("messages", "restore", held.message_id, *WHY).output


def test_what_may_have_been_published_is(office: Office) -> None:
    unknown = office.publish(unknown=True)
    done = office.run("messages", "take-down", unknown.message_id, "--category", "fraud", *WHY)
    assert done.output == f"{unknown.message_id}: due\n"


def test_bad_words_are_refused(office: Office) -> None:
    sent = office.publish()
    assert office.run("messages", "take-down", sent.message_id, "--category", "news", *WHY).exit_code == 2
    assert "no message nowhere" in office.run("messages", "restore", "nowhere", *WHY).output
    assert "no tenant t9" in office.run("messages", "takedowns", "--tenant", "t9").output


def test_a_tenant_says_where_it_is_told_to_take_down(office: Office) -> None:
    put = ("tenants", "put", "t2", "--name", "Two", "--upstream-url", "https://two.example", "--actor", "Keeper")
    assert office.run(*put, "--takedown-url", "two.example/t").exit_code == 2
    assert office.run(*put, "--takedown-url", "https://two.example/t").exit_code == 0
    assert office.sql("SELECT takedown_url FROM tenants WHERE tenant_id = 't2'") == [("https://two.example/t",)]
    [(body,)] = office.sql("SELECT body FROM audit ORDER BY seq DESC LIMIT 1")
    assert '"takedown_url":"https://two.example/t"' in str(body)
