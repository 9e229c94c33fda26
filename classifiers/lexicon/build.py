"""``python -m classifiers.lexicon.build DATA_DIR``: makes the shipped terms from the lists they are taken from.

The same lists make the same bytes, with the same zlib: no time, no order of a directory is in them.
"""

from __future__ import annotations

import argparse
import gzip
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import yaml

from classifiers.lexicon.files import SHIPPED
from classifiers.lexicon.terms import Term, TermError, parse
from classifiers.rulefiles import contexts

_HERE: Final = Path(__file__).parent


def build(data: Path) -> bytes:
    """The shipped file: the terms of ``own.tsv`` and of the lists in ``data/lexicons``, sorted and packed.

    Raises `TermError` for a list that is not there and for a term that cannot be used.
    """
    known, _ = contexts()
    own = parse((_HERE / "own.tsv").read_text(encoding="utf-8"), "own.tsv", known)
    sources = yaml.safe_load((_HERE / "sources.yaml").read_bytes())
    taken = [term for source in sources for term in _taken(source, data / "lexicons", known)]
    head = ["# Made by classifiers.lexicon.build. Terms of own.tsv, and of:"]
    head += [f"# {origin}" for origin in sorted({source["origin"] for source in sources})]
    lines = sorted([term.line() for term in [*own, *_besides(own, taken)]])
    text = "\n".join([*head, *lines, ""])
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)


def _taken(source: Mapping[str, Any], folder: Path, known: Iterable[str]) -> list[Term]:
    file = source["file"]
    try:
        words = dict.fromkeys([line.strip() for line in (folder / file).read_text(encoding="utf-8").splitlines()])
    except OSError as error:
        raise TermError([f"{folder / file}:0:0: {error.strerror}; give the directory with the lists"]) from error
    drop = set(_flat(source["drop"]))
    without = source.get("without", ())
    rules = {term: group for group in source["groups"] for term in group.get("terms", ())}
    holding = [(part, group) for group in source["groups"] for part in group.get("holding", ())]
    lines = []
    for word in words:
        if word and word not in drop and not any(name in word for name in without):
            group = rules.get(word) or next((group for part, group in holding if part in word), source)
            unless = ",".join([f"@{name}" for name in source["unless"]])
            lines.append(f"{word}\t{group['category']}\t{group['weight']}\tunless={unless}")
    return parse("\n".join(lines), file, list(known))


def _flat(items: Sequence[Any]) -> list[str]:
    return [str(word) for item in items for word in (item if isinstance(item, list) else [item])]


def _besides(own: Sequence[Term], taken: Iterable[Term]) -> list[Term]:
    """The terms that ``own`` does not have, of each category and text the heaviest. One with a term of ``own`` in it
    hides that term, so it is worth as much at least."""
    mine = {term.text for term in own}
    best: dict[tuple[str, str], Term] = {}
    for term in taken:
        if term.text in mine:
            continue
        inside = [t.weight for t in own if t.category == term.category and t.text in term.text and not t.near]
        weight = max([term.weight, *[weight for weight in inside if weight > 0.05]])
        known = best.get((term.text, term.category))
        if known is None or known.weight < weight:
            best[term.text, term.category] = replace(term, weight=weight)
    return list(best.values())


def main() -> None:
    """The command line: writes the file that is shipped, and says how many terms it has."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR", help="the directory that holds lexicons/")
    packed = build(parser.parse_args().data)
    (_HERE / SHIPPED).write_bytes(packed)
    terms = sum([not line.startswith(b"#") for line in gzip.decompress(packed).splitlines()])
    sys.stdout.write(f"{SHIPPED}: {terms} terms, {len(packed)} bytes\n")


if __name__ == "__main__":
    main()
