"""The classifier: what is a campaign, how sure it is, and what it shows."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from pydantic import ValidationError

from classifiers.campaigns.classifier import CampaignClassifier, value
from classifiers.campaigns.settings import CampaignSettings
from classifiers.campaigns.sketch import PLACES, Sketch
from classifiers.campaigns.window import Found
from classifiers.contract import Opinion, Question, Score, Silence, Unanswered

AD = "Dear {name}, earn {number} dollars a week from home, see https://jobs.example/{number} and start tomorrow!"
NAMES = ("Anna", "Bob", "Chen", "Dora", "Emil", "Fay")


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def campaign(clock: Clock) -> CampaignClassifier:
    return CampaignClassifier(CampaignSettings(entries=1000), clock)


_ids = count()


def question(
    *texts: str, author: str = "", message: str = "", tenant: str = "t1", media: tuple[str, ...] = ()
) -> Question:
    return Question("e-1", message or f"m-{next(_ids)}", tenant, ("campaign",), texts, media, 0, author=author)


def score(campaign: CampaignClassifier, asked: Question) -> Score:
    opinion = campaign.judge(asked)
    assert isinstance(opinion, Opinion)
    assert not opinion.lasting
    (only,) = opinion.scores
    assert only.category == "spam"
    return only


def ad(number: int, author: str = "", message: str = "", tenant: str = "t1") -> Question:
    text = AD.format(name=NAMES[number % 6], number=number * 37)
    return question(text, author=author, message=message, tenant=tenant)


def test_a_text_from_several_accounts_is_a_campaign_from_the_third_on(campaign: CampaignClassifier) -> None:
    found = [score(campaign, ad(number, author=f"a{number}")).value for number in range(12)]
    assert found[:3] == [0.0, 0.0, 0.5]
    assert found[2:] == sorted(found[2:])
    assert 0.75 < found[-1] < 0.9


def test_the_span_covers_what_is_shared(campaign: CampaignClassifier) -> None:
    asked = [ad(number, author=f"a{number}") for number in range(3)]
    (span,) = [score(campaign, each).spans for each in asked][-1]
    text = asked[-1].texts[0]
    assert span.part == 0
    assert text[span.start : span.end].endswith("and start tomorrow")
    assert "earn 74 dollars a week from home" in text[span.start : span.end]


def test_spans_leave_out_what_is_not_shared_and_know_their_part(campaign: CampaignClassifier) -> None:
    advert = "our new shop sells handmade leather shoes and bags for half the price until friday evening"
    before = "Yesterday somebody found two strange old letters between dusty library shelves."
    for author in ("a1", "a2"):
        campaign.judge(question(advert, author=author))
    start, end = advert[:48], advert[48:]
    spans = score(campaign, question("!room:chat.example", f"{start} {before} {end}", author="a3")).spans
    assert {span.part for span in spans} == {1}
    shown = {at for span in spans for at in range(span.start, span.end)}
    foreign = set(range(len(start) + 1, len(start) + len(before) + 1))
    assert len(shown & foreign) < 12
    assert len(shown - foreign) > 0.6 * len(advert)


def test_an_account_that_repeats_itself_is_a_weaker_sign(campaign: CampaignClassifier) -> None:
    found = [score(campaign, ad(number, author="a1")).value for number in range(30)]
    assert found[:5] == [0.0] * 4 + [0.25]
    assert found[5:] == sorted(found[5:])
    assert max(found) < 0.5


def test_unknown_authors_are_never_several_accounts(campaign: CampaignClassifier) -> None:
    found = [score(campaign, ad(number)).value for number in range(30)]
    assert found[3] == 0.0
    assert 0.25 <= found[-1] < 0.5
    assert [score(campaign, ad(30 + number, author=f"a{number}")).value for number in range(2)] == [0.0, 0.0]


def test_a_message_asked_again_counts_once(campaign: CampaignClassifier) -> None:
    for _ in range(20):
        assert score(campaign, ad(1, author="a1", message="m")).value == 0.0
    for author in ("a2", "a3"):
        again = [score(campaign, ad(1, author=author, message=f"m-{author}")).value for _ in range(5)]
        assert len(set(again)) == 1
    assert again[0] == 0.5


def test_tenants_see_nothing_of_each_other(campaign: CampaignClassifier) -> None:
    for number in range(9):
        assert score(campaign, ad(number, author=f"a{number}", tenant=f"t{number // 2}")).value == 0.0


def test_what_was_sent_long_ago_is_forgotten(campaign: CampaignClassifier, clock: Clock) -> None:
    for number in (1, 2):
        campaign.judge(ad(number, author=f"a{number}"))
    clock.now += 59 * 60
    assert score(campaign, ad(3, author="a3")).value == 0.5
    clock.now += 2 * 60
    assert score(campaign, ad(4, author="a4")).value == 0.0


@pytest.mark.parametrize(
    "texts",
    [
        ("Good morning everyone, have a nice day!",),
        ("祝大家新年快乐，万事如意！",),
        ("!averylongroomidentifier:chat.example.org", "ok"),
        ("https://news.example/a/long/path/to/some/article",),
        ("", "  "),
        (),
    ],
    ids=["greeting", "Chinese greeting", "room", "link alone", "blank", "nothing"],
)
def test_what_many_say_anyway_is_no_campaign(campaign: CampaignClassifier, texts: tuple[str, ...]) -> None:
    for number in range(10):
        assert score(campaign, question(*texts, author=f"a{number}")) == Score("spam", 0.0)
    assert len(campaign.window) == 0


def test_media_alone_cannot_be_judged(campaign: CampaignClassifier) -> None:
    assert campaign.judge(question(media=("image/png",))) == Unanswered("campaign", Silence.UNSUPPORTED)


def test_others_are_told_what_is_new_and_learn_it(clock: Clock) -> None:
    one, other = [CampaignClassifier(CampaignSettings(entries=1000), clock) for _ in range(2)]
    told: list[Sketch] = []
    one.tell = told.append
    for asked in [ad(1, author="a1"), ad(2, author="a2", message="m"), ad(2, author="a2", message="m"), question("hi")]:
        one.judge(asked)
    assert len(told) == 2
    for each in told * 3:
        other.learn(each)
    assert score(other, ad(3, author="a3")).value == 0.5
    clock.now += 3601
    late = CampaignClassifier(CampaignSettings(entries=1000), clock)
    late.learn(told[0])
    assert len(late.window) == 0


def test_nothing_of_the_text_or_of_the_names_is_told(campaign: CampaignClassifier) -> None:
    told: list[Sketch] = []
    campaign.tell = told.append
    campaign.judge(ad(1, author="canary-author", tenant="canary-tenant", message="canary-message"))
    assert "canary" not in repr(told)
    assert "dollars" not in repr(told)


@pytest.mark.parametrize(
    ("accounts", "repeats", "least", "expected"),
    [
        (2, 2, 3, 0.0),
        (3, 1, 3, 0.5),
        (6, 1, 3, 0.7),
        (30, 1, 3, 0.86),
        (10_000, 1, 3, 0.8999),
        (4, 1, 5, 0.0),
        (1, 4, 3, 0.0),
        (1, 5, 3, 0.25),
        (1, 10, 3, 0.375),
        (1, 10_000, 3, 0.4999),
        (3, 10_000, 3, 0.5),
    ],
)
def test_how_sure(accounts: int, repeats: int, least: int, expected: float) -> None:
    assert value(Found(accounts, repeats, np.zeros(PLACES, np.bool_)), least) == expected


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, given in [("MINUTES", "5"), ("ACCOUNTS", "4"), ("ENTRIES", "500")]:
        monkeypatch.setenv(f"CLASSIFIERS_CAMPAIGN_{name}", given)
    campaign = CampaignClassifier()
    assert campaign.minutes == 5
    assert campaign.version.endswith("-4-5")
    found = [score(campaign, ad(number, author=f"a{number}")).value for number in range(4)]
    assert found == [0.0, 0.0, 0.0, 0.5]


@pytest.mark.parametrize(("name", "given"), [("MINUTES", "0"), ("ACCOUNTS", "1"), ("ENTRIES", "10")])
def test_settings_that_make_no_sense_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, given: str) -> None:
    monkeypatch.setenv(f"CLASSIFIERS_CAMPAIGN_{name}", given)
    with pytest.raises(ValidationError):
        CampaignClassifier()
