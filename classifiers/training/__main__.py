"""``python -m classifiers.training make|evaluate DATA``: makes the shipped models, or says how good they are."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from classifiers.learned import second, store
from classifiers.training import corpus, fit, recipe, sentences
from classifiers.training.evaluate import Cell, across_sources

MODELS = Path(__file__).resolve().parents[1] / "models"
DATA = click.argument("data", type=click.Path(exists=True, file_okay=False, path_type=Path))
NAMES = click.option("--model", "names", type=click.Choice(recipe.RECIPES), multiple=True, default=recipe.RECIPES)
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
    """Make the models. The same rows and the same libraries give the same bytes.

    The second look needs the extra "sentences".
    """
    for name in names:
        rules = _recipe(name, commercial)
        rows = corpus.rows(rules, data)
        made = {}
        for language in rules.languages:
            its = [row for row in rows if row.language == language]
            click.echo(f"{name}: {language}: {len(its)} rows")
            made[language] = fit.learn(its, rules)
        store.save(name, made, into)
        if rules.second:
            its = sentences.taken(rows)
            click.echo(f"{name}: second look: {len(its)} rows")
            second.save(rules.second, *sentences.learn(its, sentences.embed(its), rules), into)


@main.command()
@DATA
@NAMES
@COMMERCIAL
def evaluate(data: Path, names: Iterable[str], commercial: bool) -> None:
    """Print how well models of all other sources judge each source, with 95 % intervals."""
    click.echo(f"{'model':6}{'':4}{'category':15}{'source':21}{'rows':>6} {'base':>5}  {'PR area':21}  macro F1 at 0.5")
    for name in names:
        rules = _recipe(name, commercial)
        for cell in across_sources(corpus.rows(rules, data), rules):
            click.echo(f"{name:6}{line(cell)}")


def line(cell: Cell) -> str:
    """A cell as a line of the table."""
    where = f"{cell.language:4}{cell.category:15}{cell.source:21}"
    return f"{where}{cell.rows:6} {cell.base:5.2f}  {cell.area}  {cell.macro}"


def _recipe(name: str, commercial: bool) -> recipe.Recipe:
    found = recipe.read(name)
    return found.commercial() if commercial else found


if __name__ == "__main__":
    try:
        main(standalone_mode=False)
    except (corpus.CorpusError, recipe.RecipeError, store.ModelError) as error:
        sys.exit(str(error))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
