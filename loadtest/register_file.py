"""Files of made-up accounts and registrants, of any size."""

from __future__ import annotations

from pathlib import Path

_AT_ONCE = 50_000


def account_id(number: int) -> str:
    """The id of an account."""
    return f"acc-{number:09d}"


def write_accounts(path: Path, count: int) -> None:
    """A CSV file of accounts with facts about their registrants: of three, one is a person's, two an organisation's."""
    with path.open("w", encoding="utf-8") as file:
        file.write("account_id,registrant_id,name,state,class,term_ends_at,private,")
        file.write("registrant_kind,verification,framework,level,verified_until\n")
        for start in range(0, count, _AT_ONCE):
            file.write("".join([_account(number) for number in range(start, min(count, start + _AT_ONCE))]))


def write_registrants(path: Path, count: int) -> None:
    """A CSV file of persons with three personal fields each."""
    with path.open("w", encoding="utf-8") as file:
        file.write("registrant_id,kind,verification,framework,level,verified_until,legal_name,phone,email\n")
        for number in range(count):
            proof = "verified,cn_real_name,verified,2035-01-01T00:00:00Z"
            person = f"Example Holder {number},+44 20 {number:08d},holder{number}@mail.example"
            file.write(f"reg-{number:09d},person,{proof},{person}\n")


def _account(number: int) -> str:
    group, place = divmod(number, 3)
    registrant = f"p-{group:08d}" if place == 0 else f"o-{group:08d}"
    kind = "person" if place == 0 else "organisation"
    return (
        f"acc-{number:09d},{registrant},Public account {number},active,standard,,false,"
        f"{kind},verified,cn_real_name,verified,2035-01-01T00:00:00Z\n"
    )
