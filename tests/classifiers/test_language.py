"""Which languages cannot be read here: only what is long and surely another one counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import Opinion, Question, Silence, Unanswered
from classifiers.language import foreign
from classifiers.text import TextClassifier


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("fr", "Bonjour à tous, demain matin nous allons au marché pour acheter du pain et des pommes"),
        ("de", "Guten Morgen, die Bibliothek öffnet heute um neun Uhr und schließt am Abend um acht"),
        ("und", "Доброе утро, сегодня хорошая погода и мы идём гулять в парк вместе с детьми"),
        ("und", "おはようございます、今日は図書館が九時に開きます。よろしくお願いします"),
        ("und", "안녕하세요, 오늘 도서관은 아홉 시에 문을 엽니다. 많이 와 주세요"),
        ("es", "Buenos días a todos, mañana vamos al mercado a comprar pan y manzanas para la fiesta"),
        ("und", "好 Убью тебя завтра"),
        ("und", "お前を殺すぞ"),
        (None, "你好(´・ω・`) の味道"),
        (None, "Good morning everyone, tomorrow we go to the market and buy bread and apples"),
        (None, "早上好，图书馆今天九点开门，欢迎大家来借书，周末也照常开放"),
        (None, "早安，圖書館今天九點開門，歡迎大家來借書，週末也照常開放"),
        (None, "lol idk bruh u coming 2nite or nah, we gonna be at the spot till late"),
        (None, "Ramadan mubarak to all my friends"),
        ("es", "mañana vamos al mercado a comprar pan y manzanas para la fiesta, all my friends"),
        ("de", "to the Wir.werden.euch.alle.heute.nacht.umbringen.und.keiner.hilft.euch"),
        ("de", "Wir to werden of euch the alle and heute it nacht for umbringen to und of keiner it hilft"),
        ("de", "Guten Morgen, die Bibliothek öffnet heute um neun Uhr und schließt am Abend um acht 好"),
        ("de", "https://a.example/（Guten Morgen, die Bibliothek öffnet heute um neun Uhr und schließt am Abend"),
        (None, "周末去了Schönbrunn和Neuschwanstein，下次带你们去，图书馆今天九点开门"),
        (None, "Bonjour"),
        (None, "https://example.com/une/page/en/francais/que/personne/ne/lit @quelquun #jamais"),
        (None, "12345 67890 !!! ???"),
        (None, ""),
    ],
)
def test_languages(language: str | None, text: str) -> None:
    assert foreign(text) == language


@pytest.mark.parametrize("before", [0, 390, 1000, 5000])
@pytest.mark.parametrize(
    ("filler", "after"), [("we went to the market and bought bread. ", 1000), ("今天天气不错。", 200)]
)
def test_it_is_seen_wherever_in_a_text_it_stands(filler: str, after: int, before: int) -> None:
    german = "Guten Morgen, die Bibliothek öffnet heute um neun Uhr und schließt am Abend um acht. "
    long = (filler * 1000)[:before] + german * 8 + (filler * 1000)[:after]
    assert foreign(long) == "de"
    assert foreign(long.replace(german, filler)) is None


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=500))
def test_any_text_has_an_answer(text: str) -> None:
    assert foreign(text) is None or len(str(foreign(text))) in (2, 3)


def test_what_cannot_be_read_is_not_judged_unless_something_is_found_all_the_same() -> None:
    classifier = TextClassifier(second=False)

    def judge(text: str) -> Opinion | Unanswered:
        return classifier.judge(Question("c", "m", "t", ("text",), (text,), (), 0))

    french = "Bonjour à tous, demain matin nous allons au marché pour acheter du pain et des pommes"
    assert judge(french) == Unanswered("text", Silence.UNSUPPORTED)
    assert isinstance(judge(french + ". I am going to kill you tonight"), Opinion)
