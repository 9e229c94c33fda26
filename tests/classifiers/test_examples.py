"""The worked example of the classifiers' README: shown as it is, short, and good for the whole way to a reply."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path

import pytest

import classifiers
from classifiers import settings
from classifiers.batch import Record
from classifiers.catalogue import load
from classifiers.contract import Answer, Opinion, Question, Silence, Unanswered, decode_replies, encode_questions
from classifiers.examples.shouting import Shouting
from classifiers.judge import judge
from classifiers.remote.reading import THEIRS
from classifiers.remote.settings import RemoteSettings
from tests.batches import judged

HOME = Path(classifiers.__file__).parent
README = (HOME / "README.md").read_text(encoding="utf-8")
SHOUTING = "classifiers.examples.shouting:Shouting"
LOUD = "COME ONE COME ALL, THIS IS THE SALE OF THE CENTURY"


def question(*texts: str, media: tuple[str, ...] = ()) -> Question:
    return Question("e-1", "m-1", "t-1", ("text", "shouting"), texts, media, 2**50)


def loudness(answer: Answer) -> float:
    assert isinstance(answer, Opinion)
    [score] = answer.scores
    return score.value


def test_the_readme_shows_the_file_as_it_is_and_it_has_20_lines() -> None:
    source = (HOME / "examples" / "shouting.py").read_text(encoding="utf-8")
    shown = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert shown[0] == source
    assert len(source.splitlines()) <= 20


@pytest.mark.parametrize(
    ("texts", "low", "high"),
    [
        ((LOUD,), 0.65, 0.7),
        (("quiet", LOUD), 0.65, 0.7),
        (("Come one, come all: this is the sale of the century",), 0.0, 0.05),
        (("今天图书馆九点开门，欢迎大家来读书。",), 0.0, 0.0),
        (("OK",), 0.0, 0.1),
        (("", " "), 0.0, 0.0),
    ],
)
def test_it_scores_what_is_shouted(texts: tuple[str, ...], low: float, high: float) -> None:
    assert low <= loudness(Shouting().judge(question(*texts))) <= high


def test_it_shows_the_part_that_is_loudest_and_does_not_judge_media() -> None:
    answer = Shouting().judge(question("quiet", LOUD, LOUD.lower()))
    assert isinstance(answer, Opinion)
    [span] = answer.scores[0].spans
    assert question("quiet", LOUD).texts[span.part][span.start : span.end] == LOUD
    assert Shouting().judge(question(media=("image/png",))) == Unanswered("shouting", Silence.UNSUPPORTED)


def test_it_goes_the_worker_s_way_from_record_to_reply() -> None:
    running = partial(judge, classifiers=load(["text", SHOUTING]))
    later = int(time.time() * 1000) + 60_000
    headers = {"v": b"1", "deadline": b"%d" % later, "reply-to": b"7"}
    outcome = judged(Record("questions", 3, 42, encode_questions([question(LOUD)]), headers), running, 0, 3)
    [reply] = decode_replies(outcome.replies[0])
    assert [answer.classifier for answer in reply.answers] == ["text", "shouting"]
    assert loudness(reply.answers[1]) > 0.6
    assert outcome.dead_letters == []


def test_the_readme_names_every_setting_and_category_of_the_remote_classifier() -> None:
    listed = README[README.index("## A classifier that asks over HTTP") :]
    for name in RemoteSettings.model_fields:
        assert f"`{name.upper()}`" in listed
    own = "names of the gateway's own"
    assert own in listed
    for theirs, ours in THEIRS.items():
        if theirs.replace("-", "_") != ours or theirs in ("sexual", "self-harm", "hate", "harassment", "violence"):
            assert re.search(rf"^\| .*`{re.escape(theirs)}`.*\| .*`{ours}`", listed, re.MULTILINE), theirs


def test_the_readme_s_variables_are_settings() -> None:
    known = {f"CLASSIFIERS_{name.upper()}" for name in settings.Settings.model_fields}
    known |= {f"CLASSIFIERS_REMOTE_{name.upper()}" for name in RemoteSettings.model_fields}
    named = set(re.findall(r"CLASSIFIERS_[A-Z_]+[A-Z]", README)) - {"CLASSIFIERS_REMOTE"}
    assert named <= known
