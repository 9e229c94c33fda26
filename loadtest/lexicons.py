"""The lexicon's engine against pyahocorasick on the same terms and texts, in alternating rounds of one process.

``python -m loadtest.lexicons [FILE ...]`` prints the table; the FILEs are JSON lines with a ``text`` each, optionally
gzipped, to be read in place of the texts made here. Both sides find every place of every term. The engine's time has
everything in it: encoding, scanning, ends of words, and byte offsets turned into characters. Pyahocorasick only walks.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import ahocorasick

from classifiers.lexicon.engine import Engine, Sought
from classifiers.lexicon.files import Origin
from classifiers.normalise import normalise

BOUND = 15.0
"""How many times as many bytes a second the engine is to scan."""
_TERMS = 50_000
_BYTES = 4_000_000
_MESSAGE = 200

_ENGLISH = (
    "hey are you coming to the match on saturday",
    "i left my keys at the office again lol",
    "the train was late so we missed the first half",
    "can you send me the photos from last night please",
    "dinner at eight works for me, bring the kids",
    "my sister says the new phone is not worth the money",
    "what a goal!! did you see that pass",
    "good morning everyone, have a great week",
    "this damn printer ate my paper again",
    "happy birthday, hope you get everything you wish for",
    "the landlord still has not fixed the heating",
    "no idea, ask the class teacher, she has the list",
    "we assume the assessment passes on thursday",
    "thanks so much for your help with the move",
    "does anybody know a good dentist near the station",
    "that movie was so boring i fell asleep",
    "on my way, ten minutes, order me a coffee",
    "the kids are sick and i did not sleep at all",
)
_CHINESE = (
    "今天晚上一起吃饭吗，我请客",
    "这家店的味道不错，就是送餐有点慢",
    "明天早上八点开会，别迟到了",
    "刚下班，地铁上人好多啊",
    "周末去爬山怎么样，天气预报说晴天",
    "孩子的作业还没写完，头疼",
    "谢谢大家的祝福，新年快乐",
    "这个游戏太难了，打了三次都没过",
    "我妈做的红烧肉真的好吃",
    "快递到了帮我签收一下，我不在家",
    "哈哈哈哈笑死我了，你也太逗了",
    "他妈的又堵车，要迟到了",
    "包装很好，没有破损，下次还会买",
    "手机屏幕碎了，哪里修便宜一点",
    "你看昨晚的比赛了吗，最后一分钟绝杀",
    "最近工作太忙，好久没有见面了",
)
CHAT = (_ENGLISH, _CHINESE)
"""Lines of chat, English and Chinese."""

_ONSETS = (
    *"bcdfghjklmnprstvwyz",
    *("bl", "br", "ch", "cl", "dr", "fl", "gr", "ph", "pl", "pr", "qu", "sh", "sk", "sp", "st", "str", "th", "tr"),
)
_CODAS = ["", "", "", "n", "r", "l", "s", "t", "ck", "ng", "m", "st", "x", "nd"]


@dataclass(frozen=True, slots=True)
class LexiconRow:
    """Megabytes of UTF-8 a second of both engines, and their ratio; ``low`` and ``high`` are of the rounds' ratios."""

    what: str
    engine: float
    other: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class LexiconFigures:
    """What was measured: ``compile_seconds`` of the engine with so many ``terms``, and a row for each kind of text;
    ``hits`` are the matches of pyahocorasick in a thousand bytes of the long one."""

    terms: int
    compile_seconds: float
    hits: float
    rows: tuple[LexiconRow, ...]


def measure(rounds: int, texts: Sequence[str] | None = None) -> LexiconFigures:
    """Alternate the two engines on one long text and on messages of 200 bytes. Raises `RuntimeError` if the engine
    misses a term that pyahocorasick finds."""
    terms = _terms(random.Random(1))  # noqa: S311 - the same texts each time, no secrets
    started = perf_counter()
    engine = Engine([Sought(term, whole=True) for term in terms])
    compiling = perf_counter() - started
    automaton = ahocorasick.Automaton()
    for number, term in enumerate(terms):
        automaton.add_word(term, number)
    automaton.make_automaton()
    said = [normalise(text).text for text in texts or _chat(random.Random(2))]  # noqa: S311
    long = "\n".join(said)
    hits = _check(engine, terms, automaton, long[:200_000])
    messages = _messages(long)
    rows = [
        _row("one text of %.1f MB" % (len(long.encode()) / 1e6), [long], engine, automaton, rounds),
        _row(f"{len(messages)} messages of about {_MESSAGE} bytes", messages, engine, automaton, rounds),
    ]
    return LexiconFigures(len(terms), compiling, hits, tuple(rows))


def lexicon_table(found: LexiconFigures) -> str:
    """The figures as Markdown."""
    lines = [
        f"Lexicon of {found.terms} terms, compiled in {found.compile_seconds:.1f} s; "
        f"{found.hits:.1f} strings found in a thousand bytes.",
        "",
        "| text | lexicon engine MB/s | pyahocorasick MB/s | ratio | to reach | |",
        "|---|---|---|---|---|---|",
    ]
    for row in found.rows:
        met = "met" if row.ratio >= BOUND else "not met"
        lines.append(
            f"| {row.what} | {row.engine:.1f} | {row.other:.2f} | {row.ratio:.1f} ({row.low:.1f}-{row.high:.1f}) "
            f"| >= {BOUND:g} | {met} |"
        )
    return "\n".join(lines)


def _row(what: str, texts: Sequence[str], engine: Engine, automaton: Any, rounds: int) -> LexiconRow:
    size = sum([len(text.encode()) for text in texts]) / 1e6

    def ours() -> None:
        for text in texts:
            engine.find(text)

    def other() -> None:
        for text in texts:
            for _ in automaton.iter(text):
                pass

    _seconds(ours)  # pages and caches are warm for both
    fast, slow = [], []
    for _ in range(rounds):
        fast.append(size / _seconds(ours))
        slow.append(size / _seconds(other))
    ratios = [one / two for one, two in zip(fast, slow, strict=True)]
    middle = statistics.median
    return LexiconRow(what, middle(fast), middle(slow), middle(ratios), min(ratios), max(ratios))


def _seconds(work: Callable[[], None]) -> float:
    started = perf_counter()
    work()
    return perf_counter() - started


def _check(engine: Engine, terms: Sequence[str], automaton: Any, text: str) -> float:
    loose = {(end + 1 - len(terms[number]), end + 1, number) for end, number in automaton.iter(text)}
    found = set(engine.find(text))
    whole = {place for place in loose if _whole(text, *place[:2])}
    if found != whole:
        raise RuntimeError(f"the engines disagree at {sorted(found ^ whole)[:3]}")
    return 1000 * len(loose) / len(text.encode())


def _whole(text: str, start: int, end: int) -> bool:
    def word(at: int) -> bool:
        return 0 <= at < len(text) and text[at].isascii() and text[at].isalnum()

    return not (word(start) and word(start - 1)) and not (word(end - 1) and word(end))


def _messages(long: str) -> list[str]:
    data = long.encode()[: _BYTES // 2]
    return [data[at : at + _MESSAGE].decode(errors="ignore") for at in range(0, len(data), _MESSAGE)]


def _chat(rng: random.Random) -> list[str]:
    """Chat as it is mixed: a line in English or Chinese, sometimes two, sometimes a number or a sign in between."""
    said: list[str] = []
    size = 0
    while size < _BYTES:
        line = rng.choice(_ENGLISH if rng.random() < 0.5 else _CHINESE)
        if rng.random() < 0.3:
            line += rng.choice((" ", "… ", "\U0001f602 ", f" {rng.randrange(1000)} ")) + rng.choice(_ENGLISH + _CHINESE)
        said.append(line)
        size += len(line.encode())
    return said


def _terms(rng: random.Random) -> list[str]:
    """The shipped terms, and made ones up to 50,000: half of them words of two to four syllables, alone or in pairs,
    half two to six Chinese characters, one in two of them as common as in the shipped terms and the others any of
    level 1 of GB 2312, the 3,755 most used ones."""
    shipped = {term.text for term in Origin.of("").lexicon(b"").terms}
    common = [char for text in sorted(shipped) for char in text if "\u4e00" <= char <= "\u9fff"]
    level = [bytes((0xB0 + at // 94, 0xA1 + at % 94)).decode("gb2312") for at in range(3755)]

    def word() -> str:
        parts = [rng.choice(_ONSETS) + rng.choice("aeiou") + rng.choice(_CODAS) for _ in range(rng.randint(2, 4))]
        return "".join(parts)

    terms = set(shipped)
    while len(terms) < len(shipped) + (_TERMS - len(shipped)) // 2:
        terms.add(word() if rng.random() < 0.6 else f"{word()} {word()}")
    while len(terms) < _TERMS:
        length = rng.choice((2, 3, 3, 4, 4, 4, 5, 6))
        terms.add("".join([rng.choice(common if rng.random() < 0.5 else level) for _ in range(length)]))
    return sorted(terms)


def _read(path: Path) -> list[str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [str(json.loads(line)["text"]) for line in data.splitlines()]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("texts", nargs="*", type=Path, metavar="FILE")
    options = parser.parse_args()
    texts = [text for path in options.texts for text in _read(path)]
    random.Random(3).shuffle(texts)  # noqa: S311
    print(lexicon_table(measure(options.rounds, texts or None)))  # noqa: T201


if __name__ == "__main__":
    main()
