"""``python -m classifiers.training make|evaluate DATA``: makes the shipped models, or says how good they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

import click
import yaml
from threadpoolctl import threadpool_limits

from classifiers.learned import second, store
from classifiers.training import alike, corpus, fit, recipe, sentences, words
from classifiers.training.cards import Findings, card
from classifiers.training.evaluate import across_sources, groups
from classifiers.training.holdout import Holdout
from classifiers.training.teaching import Meanings, Teacher, nothing

MODELS = Path(__file__).resolve().parents[1] / "models"
DATA = click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
NAMES = click.option("--model", "names", type=click.Choice(recipe.RECIPES), multiple=True, default=recipe.RECIPES)
_QUICKER = {"negatives": 20_000, "folds": 2}
"""How the many models of an evaluation are made otherwise than the shipped ones, which takes a quarter of the time."""
COMMERCIAL = click.option("--commercial", is_flag=True, help="Leave out rows whose licence forbids commercial use.")


@click.group()
def main() -> None:
    """DATA is the directory of the labelled sets."""


@main.command()
@DATA
@NAMES
@COMMERCIAL
@click.option("--into", type=click.Path(file_okay=False, path_type=Path), default=MODELS, help="Where to write them.")
def make(data: Path, names: Iterable[str], commercial: bool, into: Path) -> None:
    """Make the models. The same rows and libraries give the same bytes, on x86-64 processors with AVX2 whatever else
    these have.

    The second look, which also teaches the first look at English, needs the extra "sentences".
    """
    click.echo(f"loops: {alike.loops()}")
    # Sums come out otherwise when they are cut into another number of parts.
    with threadpool_limits(1):
        for name in names:
            _make(name, data, commercial, into)


def _make(name: str, data: Path, commercial: bool, into: Path) -> None:
    rules = _recipe(name, commercial)
    rows = corpus.learned_rows(rules, data)
    embedded = _embedded(rows, rules)
    teachers = _teachers(rules, embedded)
    made = {}
    for language in rules.languages:
        its = [row for row in rows if row.language == language]
        click.echo(f"{name}: {language}: {len(its)} rows")
        made[language] = fit.learn(its, rules, teachers[language])
    store.save(name, made, into)
    if rules.second:
        click.echo(f"{name}: second look: {len(embedded)} texts")
        second.save(rules.second, *sentences.learn(rows, embedded, rules), into)


def _embedded(rows: Sequence[corpus.Row], rules: recipe.Recipe) -> Meanings:
    """Of the English rows, if the recipe has a use for them."""
    wanted = rules.second or rules.taught.get("en")
    return sentences.meanings([row for row in rows if row.language == "en"]) if wanted else {}


def _teachers(rules: recipe.Recipe, embedded: Meanings) -> Mapping[str, Teacher]:
    return {"en": lambda rows: embedded, "zh": words.meanings if rules.taught.get("zh") else nothing}


@main.command()
@DATA
@NAMES
@COMMERCIAL
@click.option("--policy", type=click.File("r"), default="gateway/policy.yaml", help="Whose thresholds hold and block.")
@click.option("--failures", type=click.File("r"), help="Cases that are known to fail, a line each, for the cards.")
@click.option("--cards", type=click.Path(file_okay=False, path_type=Path), help="Where to write model cards.")
def evaluate(
    data: Path, names: Iterable[str], commercial: bool, policy: IO[str], failures: IO[str] | None, cards: Path | None
) -> None:
    """Print how well the models do, with 95 % intervals: on sources they never saw, and on rows held out."""
    thresholds = yaml.safe_load(policy)
    limits = {**thresholds["categories"], "news": {"hold": thresholds["news"]["threshold"]}}
    failing = [line.strip() for line in failures] if failures else []
    for name in names:
        rules = _recipe(name, commercial)
        rows = corpus.rows(rules, data)
        teachers = _teachers(rules, _embedded(rows, rules))
        cells = []
        for cell in across_sources(rows, rules.model_copy(update=_QUICKER), teachers):
            cells.append(cell)
            click.echo(f"{name}: {cell.language} {cell.category} in {cell.source}: {cell.area}, macro F1 {cell.macro}")
        order = [" or ".join(group) for group in groups(rules)]
        cells.sort(key=lambda cell: (cell.language, order.index(cell.category), cell.source))
        held = Holdout(rows, rules, teachers)
        disguised = list(held.disguised(limits)) if rules.disguised else []
        mine = [line for line in failing if ("news" in _expected(line)) is (name == "news")]
        found = Findings(cells, list(held.known()), list(held.harmless(limits)), disguised, mine)
        text = card(rules, rows, store.load(name).version, found)
        click.echo(text)
        if cards is not None:
            (cards / f"{name}.md").write_text(text + "\n", "utf-8")


def _expected(failure: str) -> str:
    """What a failing case should have been judged as, see `tests.classifiers.casebook.Judged`."""
    return failure.partition("expected ")[2].partition(",")[0]


def _recipe(name: str, commercial: bool) -> recipe.Recipe:
    found = recipe.read(name)
    return found.commercial() if commercial else found


if __name__ == "__main__":
    alike.anew()
    try:
        main(standalone_mode=False)
    except (corpus.CorpusError, recipe.RecipeError, store.ModelError) as error:
        sys.exit(str(error))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
