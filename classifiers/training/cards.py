"""Model cards: what a model is made from, how good it is, and what it gets wrong (Mitchell et al. 2019). Markdown,
pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from classifiers.training.corpus import Row
from classifiers.training.evaluate import Cell
from classifiers.training.holdout import Disguised, Harmless, Known
from classifiers.training.measures import Estimate
from classifiers.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured of a model, and the hand-written cases it gets wrong, a line each."""

    cells: Sequence[Cell]
    known: Sequence[Known]
    harmless: Sequence[Harmless]
    disguised: Sequence[Disguised]
    failures: Sequence[str]


def card(recipe: Recipe, rows: Sequence[Row], version: str, findings: Findings) -> str:
    """The card of a model as a document."""
    commercial = {name for name, source in recipe.sources.items() if source.commercial}
    parts = [
        [f"# Model `{recipe.model}`, version {version}", "", _what(recipe)],
        ["## Made from", "", "Sources whose licence allows commercial use:", ""],
        _sources(recipe, rows, commercial),
        ["Sources whose licence does not, or which state none (`--commercial` leaves them out):", ""],
        _sources(recipe, rows, set(recipe.sources) - commercial),
        ["## On sources it never saw", "", _ACROSS, ""],
        _table(
            ("language", "category", "source", "rows", "share", "PR area", "macro F1", "F1"),
            [
                (c.language, c.category, c.source, c.rows, f"{c.base:.2f}", c.area, c.macro, c.positive)
                for c in findings.cells
            ],
        ),
        ["## On rows held out of known sources", "", _HELD_OUT, ""],
        _table(
            ("language", "category", "source", "rows", "macro F1"),
            [(k.language, k.category, k.source, k.rows, k.macro) for k in findings.known],
        ),
        ["Harmless messages that would be held, and blocked:", ""],
        _table(
            ("language", "source", "rows", "held", "blocked"),
            [(h.language, h.source, h.rows, _percent(h.held), _percent(h.blocked)) for h in findings.harmless],
        ),
        _disguises(findings.disguised),
        ["## Known failures", "", _FAILURES, ""],
        [f"- {line}" for line in findings.failures] or ["None."],
    ]
    return "\n".join([line for part in parts if part for line in (*part, "")])


_ACROSS = (
    "Each source in turn is left out, a model is made of the others, and judges it. These models are made quicker than"
    " the shipped one (of 20,000 harmless rows of a category, in two folds, of no disguised rows), and judge whole"
    " texts, without passages and rules. The area is that under the precision-recall curve; both F1 are at probability"
    " 0.5. In brackets: 95 % bootstrap intervals, stratified."
    ' Of "hate or harassment" the likelier counts, against whichever of the two a source labels: they differ in that.'
)
_HELD_OUT = "One row in five is held out and judged by the whole classifier (rules and model, no second look)."
_FAILURES = (
    "Of the hand-written cases in `tests/classifiers/cases`, with the shipped classifiers of texts (no second look) and"
    " policy:"
)


def _what(recipe: Recipe) -> str:
    return (
        f"Logistic regression over hashed n-grams ({1 << recipe.bits:,} buckets, int8), one model each for"
        f" {' and '.join(recipe.languages)}; categories: {', '.join(recipe.categories)}. Probabilities are calibrated"
        " on held-out folds of the training mix (Platt scaling): 0.5 means as likely as not among texts like these."
        " A text of several sentences has the value of its worst passage, and is less likely of a category than that."
        " The policy's thresholds say what is held. It reads words, not facts or intent, and no other language."
    ) + "".join(_taught(recipe))


_VECTORS = {
    "en": "sentence vectors (all-MiniLM-L6-v2, Apache-2.0)",
    "zh": "word vectors (made of these very texts)",
}


def _taught(recipe: Recipe) -> Iterator[str]:
    for language, taught in recipe.taught.items():
        shares = ", ".join(f"{category} {share:.0%}" for category, share in taught.items())
        yield (
            f" Part of each weight for {language} is learned from what regressions over {_VECTORS[language]} say of the"
            f" same rows, by category: {shares}."
        )


def _disguises(found: Sequence[Disguised]) -> list[str]:
    if not found:
        return []
    rows = [(each.disguise, each.rows, _percent(each.kept)) for each in found]
    return [
        "Chinese violations that are still held in a disguise:",
        "",
        *_table(("disguise", "rows", "still held"), rows),
    ]


def _sources(recipe: Recipe, rows: Sequence[Row], names: Iterable[str]) -> list[str]:
    counts: Mapping[str, Counter[str]] = {name: Counter() for name in names}
    for row in rows:
        if row.source in counts:
            counts[row.source].update(["rows", *[c for c, yes in row.labels.items() if yes and c in recipe.categories]])
    return _table(
        ("source", "licence", "rows", "of a category"),
        [
            (
                name,
                recipe.sources[name].licence,
                found["rows"],
                ", ".join(f"{c} {n}" for c, n in sorted(found.items()) if c != "rows"),
            )
            for name, found in sorted(counts.items())
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    lines = list(_lines(rows))
    return [_line(head), _line(["---"] * len(head)), *lines] if lines else ["Nothing to measure."]


def _lines(rows: Iterable[Sequence[object]]) -> Iterator[str]:
    for row in rows:
        yield _line([str(cell) for cell in row])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _percent(found: Estimate) -> str:
    return f"{100 * found.value:.2f} % ({100 * found.low:.2f}-{100 * found.high:.2f})"
