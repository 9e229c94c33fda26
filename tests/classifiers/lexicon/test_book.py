"""What terms make of a text: weights joined, softened, bounded, and shown."""

from __future__ import annotations

import pytest

from classifiers.contract import Opinion, Question, Score, Silence, Unanswered
from classifiers.lexicon.book import CEILINGS, Lexicon
from classifiers.lexicon.classifier import LexiconClassifier
from classifiers.lexicon.terms import SCORED, parse
from classifiers.normalise import WINDOW, normalise
from classifiers.passages import Passage
from classifiers.rulefiles import contexts


def lexicon(*lines: str) -> Lexicon:
    known, source = contexts()
    return Lexicon(parse("\n".join(lines), "f.tsv", known), known, source)


def value(book: Lexicon, text: str, category: str = "spam") -> float:
    return {found.category: found.value for found in book.findings(normalise(text))}.get(category, 0.0)


def test_distinct_terms_are_independent_evidence() -> None:
    book = lexicon("alpha\tspam\t0.4", "beta\tspam\t0.3", "gamma\tfraud\t0.2")
    assert value(book, "nothing") == 0.0
    assert value(book, "Alpha!") == pytest.approx(0.4)
    assert value(book, "beta alpha gamma") == pytest.approx(0.58)
    assert value(book, "beta alpha gamma", "fraud") == pytest.approx(0.2)


def test_saying_a_term_again_proves_nothing_more() -> None:
    book = lexicon("alpha\tspam\t0.4", "alpha\tspam\t0.3\tnear=beta")
    assert value(book, "alpha alpha alpha, beta alpha") == pytest.approx(0.4)


def test_many_terms_stay_under_the_ceiling_and_one_may_go_over_it() -> None:
    weak = [f"word{letter}\tspam\t0.5" for letter in "abcdefgh"]
    book = lexicon(*weak, "plain\tspam\t0.97")
    assert value(book, " ".join([line.split("\t")[0] for line in weak])) == CEILINGS["spam"]
    assert value(book, "plain worda") == pytest.approx(0.97)
    assert CEILINGS.keys() == SCORED
    assert max(CEILINGS.values()) < 0.9, "the least that the shipped policy blocks at"


def test_a_context_softens_and_so_does_a_phrase_in_the_same_sentence() -> None:
    book = lexicon("alpha\tspam\t0.5\tunless=@report,for the zoo", "beta\tspam\t0.5\tunless=动物园")
    assert value(book, "alpha") == pytest.approx(0.5)
    assert value(book, "the police found alpha") == pytest.approx(0.15)
    assert value(book, "alpha for the zoo") == pytest.approx(0.15)
    assert value(book, "the police want alpha for the zoo") == pytest.approx(0.045)
    assert value(book, "alpha. For the zoo") == pytest.approx(0.5)
    assert value(book, "for the zookeeper: alpha") == pytest.approx(0.5)
    assert value(book, "在动物园里beta") == pytest.approx(0.15)


def test_a_term_that_stands_plainly_once_counts_in_full() -> None:
    book = lexicon("alpha\tspam\t0.5\tunless=zoo")
    assert value(book, "alpha in the zoo. alpha at home.") == pytest.approx(0.5)
    assert value(book, "alpha in the zoo. " * 32) == pytest.approx(0.15)
    assert value(book, "alpha in the zoo. " * 33) == pytest.approx(0.5), "a flood hides nothing"


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("cp", False),
        ("cp links", True),
        ("links: cp", True),
        ("cp blinks", False),
        ("cp 12345 links", True),
        ("cp 1234567 links", False),
        ("cp资源", True),
        ("资源123456 cp", True),
        ("资源1234567890 cp", False),
    ],
)
def test_a_word_must_stand_near(text: str, counts: bool) -> None:
    book = lexicon("cp\tsexual_minors\t0.6\tnear=links,资源\twithin=12")
    assert (value(book, text, "sexual_minors") > 0) is counts


def test_a_flood_does_not_stand_in_for_the_word_that_must_stand_near() -> None:
    book = lexicon("cp\tsexual_minors\t0.6\tnear=links\twithin=12")
    assert value(book, "cp a.txt b.txt " * 100, "sexual_minors") == 0.0
    assert value(book, "cp a.txt b.txt " * 100 + "cp links", "sexual_minors") == pytest.approx(0.6)


def test_the_strongest_of_many_places_are_shown() -> None:
    book = lexicon("damn you\tharassment\t0.2", "go hang\tharassment\t0.6")
    text = "damn you, the bus is late. " * 12 + "go hang"
    view = normalise(text)
    [found] = book.findings(view)
    spans = Passage(0, 0, text, view, whole=True).spans(found.stretches)
    assert [text[span.start : span.end] for span in spans] == ["damn you"] * 7 + ["go hang"]


def test_a_longer_term_says_what_a_shorter_one_in_it_meant() -> None:
    book = lexicon("pussy\tsexual\t0.4", "pussy cat\tsexual\t0.01", "鸡巴\tsexual\t0.4", "田鸡巴士\tsexual\t0.01")
    assert value(book, "a pussy cat", "sexual") == pytest.approx(0.01)
    assert value(book, "坐田鸡巴士", "sexual") == pytest.approx(0.01)
    assert value(book, "a pussy cat, a pussy", "sexual") == pytest.approx(0.406)
    other = lexicon("pussy\tsexual\t0.4", "pussy cat\tspam\t0.01")
    assert value(other, "a pussy cat", "sexual") == pytest.approx(0.4)


def test_terms_that_overlap_without_one_in_the_other_both_count() -> None:
    book = lexicon("alpha beta\tspam\t0.4", "beta gamma\tspam\t0.3")
    assert value(book, "alpha beta gamma") == pytest.approx(0.58)


def test_the_version_tells_terms_apart_and_not_their_order() -> None:
    one = lexicon("alpha\tspam\t0.4", "beta\tspam\t0.3")
    assert one.version == lexicon("# remark", "BETA\tspam\t0.30", "alpha\tspam\t0.4").version
    others = [lexicon("alpha\tspam\t0.4"), lexicon("alpha\tspam\t0.4", "beta\tspam\t0.3\twhole=no")]
    assert len({one.version, *[other.version for other in others]}) == 3


# -- as a classifier

CLASSIFIER = LexiconClassifier()


def ask(*texts: str, media: tuple[str, ...] = ()) -> Question:
    return Question("e-1", "m-1", "t-1", ("lexicon",), texts, media, 0)


def score(category: str, *texts: str) -> Score:
    answer = CLASSIFIER.judge(ask(*texts))
    assert isinstance(answer, Opinion)
    assert (answer.classifier, answer.version) == ("lexicon", CLASSIFIER.version)
    [found] = [score for score in answer.scores if score.category == category]
    return found


def test_spans_show_the_words_in_the_original() -> None:
    text = "\U0001f602\U0001f602 你这个 Ｄｕｍｂ　bit\u200bch，滚！"
    found = score("harassment", "nothing", text)
    assert [text[span.start : span.end] for span in found.spans] == ["Ｄｕｍｂ　bit\u200bch"]
    assert {span.part for span in found.spans} == {1}


def test_a_term_across_parts_is_found_and_shown_in_both() -> None:
    found = score("violence", "I will kill your", "family")
    assert [(span.part, span.start, span.end) for span in found.spans] == [(0, 7, 16), (1, 0, 6)]


@pytest.mark.parametrize("at", [0, WINDOW - 8, 3 * WINDOW])
def test_a_long_text_is_judged_by_its_worst_passage(at: int) -> None:
    filler = "天气很好，我们去河边走走。" * 2000
    text = filler[:at] + "稳赚不赔" + filler
    found = score("fraud", text)
    assert found.value == pytest.approx(0.6)
    assert [text[span.start : span.end] for span in found.spans] == ["稳赚不赔"]


def test_every_category_is_scored_and_media_alone_cannot_be() -> None:
    answer = CLASSIFIER.judge(ask("hello"))
    assert isinstance(answer, Opinion)
    assert {one.category: one.value for one in answer.scores} == dict.fromkeys(SCORED, 0.0)
    assert CLASSIFIER.judge(ask(media=("image/png",))) == Unanswered("lexicon", Silence.UNSUPPORTED)
    assert isinstance(CLASSIFIER.judge(ask("hello", media=("image/png",))), Opinion)
