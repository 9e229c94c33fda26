"""Hand-written cases that say what a sensible moderator would do, and how the shipped classifiers fare with them.

The cases are `cases/*.tsv`, a file a language, a case a line: ``KIND<TAB>EXPECT<TAB>TEXT``. KIND is a theme, in one
word. EXPECT is ``none`` (no violation may be held), a category or ``a|b`` (at least one of these must be held),
``news`` (news, and no violation held) or ``not_news`` (neither). No case is taken from what a classifier was made
from: they measure, so they must never be trained on. ``failures`` is for a report of what goes wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from classifiers.catalogue import load
from classifiers.contract import CATEGORIES, Opinion, Question
from classifiers.judge import judge
from classifiers.text import TextClassifier

CLASSIFIERS: Final = ("text", "news", "lexicon")
"""Who is asked; of a category that several of them score, the highest score counts."""
LANGUAGES: Final = ("english", "chinese")
_ROOT: Final = Path(__file__).resolve().parents[2]
_ESCAPE: Final = re.compile(r"\\(?:n|u([0-9a-fA-F]{4}))")
_KIND: Final = re.compile("[a-z]+(?:_[a-z]+)*")
_TOPIC: Final = ("none", "news", "not_news")


@dataclass(frozen=True)
class Case:
    """One text and what is expected of it. ``place`` is its file and line."""

    language: str
    place: str
    kind: str
    expect: str
    text: str

    @property
    def violations(self) -> frozenset[str]:
        """The categories of which at least one must be held; empty for a benign case."""
        return frozenset() if self.expect in _TOPIC else frozenset(self.expect.split("|"))


@dataclass(frozen=True)
class Limits:
    """From which score on the shipped policy holds and blocks a category, and takes a text for news."""

    hold: Mapping[str, float]
    block: Mapping[str, float]
    news: float


@dataclass(frozen=True)
class Judged:
    """A case and the highest score of each category."""

    case: Case
    scores: Mapping[str, float]

    def held(self, limits: Limits) -> frozenset[str]:
        """The violations that would be held for a person, or blocked."""
        return frozenset(name for name, least in limits.hold.items() if self.scores.get(name, 0.0) >= least)

    def blocked(self, limits: Limits) -> frozenset[str]:
        """The violations that would be blocked at once."""
        return frozenset(name for name, least in limits.block.items() if self.scores.get(name, 0.0) >= least)

    def as_expected(self, limits: Limits) -> bool:
        held, news = self.held(limits), self.scores.get("news", 0.0) >= limits.news
        match self.case.expect:
            case "none":
                return not held
            case "news":
                return news and not held
            case "not_news":
                return not news and not held
            case _:
                return bool(held & self.case.violations)

    def __str__(self) -> str:
        top = sorted(self.scores.items(), key=lambda item: -item[1])[:3]
        shown = " ".join(f"{name}={value:.2f}" for name, value in top if value > 0) or "nothing"
        case = self.case
        return f"{case.place} {case.kind}: expected {case.expect}, got {shown}: {case.text[:60]!r}"


def parse(language: str, name: str, lines: Iterable[str]) -> list[Case]:
    """The cases in the lines of one file; empty lines and those that begin with ``#`` say nothing.

    Raises `ValueError` that names the line and the remedy.
    """
    found = []
    for number, line in enumerate(lines, 1):
        if not line or line.startswith("#"):
            continue
        place, fields = f"{name}:{number}", line.split("\t")
        if len(fields) != 3 or not all(fields):
            raise ValueError(
                f"{place}: write KIND, EXPECT and TEXT with one tab between them, got {len(fields)} fields"
            )
        kind, expect, text = fields
        if not _KIND.fullmatch(kind):
            raise ValueError(f"{place}: kind {kind!r}: use small letters, words joined by _")
        if expect not in _TOPIC and (wrong := set(expect.split("|")) - (CATEGORIES - {"news"})):
            raise ValueError(f"{place}: expect {sorted(wrong)}: use {', '.join(_TOPIC)} or categories joined by |")
        found.append(Case(language, place, kind, expect, _ESCAPE.sub(_unescaped, text)))
    return found


def cases(languages: Sequence[str] = LANGUAGES) -> list[Case]:
    """All cases of these languages. Raises `ValueError` for a malformed line."""
    folder = Path(__file__).parent / "cases"
    return [
        case
        for language in languages
        for case in parse(language, f"{language}.tsv", (folder / f"{language}.tsv").read_text("utf-8").split("\n"))
    ]


def limits() -> Limits:
    """What the policy file that ships with the gateway says."""
    policy = yaml.safe_load((_ROOT / "gateway" / "policy.yaml").read_text("utf-8"))
    rows = policy["categories"].items()
    return Limits(
        hold={name: row["hold"] for name, row in rows},
        block={name: row["block"] for name, row in rows if "block" in row},
        news=policy["news"]["threshold"],
    )


def judged(asked: Sequence[Case], names: Sequence[str] = CLASSIFIERS) -> list[Judged]:
    """Each case with the scores that these classifiers give it, without a second look, be its extra installed or not.

    Raises `ValueError` when one of them gives none.
    """
    classifiers = {**load(names), "text": TextClassifier(second=False)}
    results = []
    for case in asked:
        reply = judge(Question("cases-1", case.place, "cases", tuple(names), (case.text,), (), 0), classifiers)
        scores: dict[str, float] = {}
        for answer in reply.answers:
            if not isinstance(answer, Opinion):
                raise ValueError(f"{case.place}: classifier {answer.classifier} is silent: {answer.silence}")
            for score in answer.scores:
                scores[score.category] = max(scores.get(score.category, 0.0), score.value)
        results.append(Judged(case, scores))
    return results


def failures(results: Iterable[Judged], by: Limits) -> list[Judged]:
    """Those that are not as a moderator expects; ``str`` of one is a line for a report."""
    return [result for result in results if not result.as_expected(by)]


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else "\n"


if __name__ == "__main__":
    for failure in failures(judged(cases()), limits()):
        print(failure)  # noqa: T201
