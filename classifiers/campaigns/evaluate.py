"""Prints how well near-duplicates are found: ``python -m classifiers.campaigns.evaluate DATA_DIR``.

Texts that people wrote stand in one memory with hand-written advertisements; changed texts are looked for in it. The
data directory may be named by MODERATION_DATA instead. The same data give the same table.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from classifiers.campaigns.trial.changes import HARD, LIGHT, Change
from classifiers.campaigns.trial.measure import (
    SETS,
    Memory,
    Negatives,
    advertisements,
    filled,
    interval,
    raised,
    read,
    recalled,
)

_MOST: Final = 12_000
_TRIED: Final = 500
_CAMPAIGNS: Final = 60
_ACCOUNTS: Final = 10
_Trial = Callable[[Sequence[int], Mapping[str, Change]], Iterable[tuple[str, int, int]]]


def main(arguments: Sequence[str]) -> int:
    """Prints three tables; 2 if there is no data directory."""
    directory = arguments[0] if arguments else os.environ.get("MODERATION_DATA", "")
    if not directory or not Path(directory).is_dir():
        sys.stderr.write("give the directory with the texts, or name it by MODERATION_DATA\n")
        return 2
    memory = Memory(len(SETS) * _MOST + 1000)
    slots, negatives = {}, {}
    for name in SETS:
        negatives[name], slots[name] = filled(memory, read(Path(directory) / f"{name}.jsonl.gz", _MOST))
    _, slots["ads"] = filled(memory, advertisements())
    _say("different texts taken for the same, each compared with all before it")
    _say(f"{'set':16}{'texts':>7}{'short':>7}{'pairs':>12}{'false':>7}{'matched':>9}{'same':>6}  different, 95 %")
    for name, counted in negatives.items():
        _say(_negative(name, counted))
        if "--examples" in arguments:
            _say("".join([f"    {one[:80]!r}\n    {other[:80]!r}\n\n" for one, other in counted.examples[:12]]))
    _say(f"\nfound again, in % of up to {_TRIED} texts a set that count when changed, {len(memory.texts)} in memory")
    _table(slots, lambda where, changes: recalled(memory, where, changes, _TRIED))
    _say(
        f"\nnoticed, in % of up to {_CAMPAIGNS} campaigns of each set: {_ACCOUNTS} accounts, each changes the text anew"
    )
    _table(slots, lambda where, changes: raised(memory, where, changes, _CAMPAIGNS, _ACCOUNTS))
    return 0


def _table(slots: Mapping[str, Sequence[int]], tried: _Trial) -> None:
    _say(f"{'change':28}" + "".join([f"{name[:9]:>10}" for name in slots]) + "   all, 95 %")
    for kind, changes in (("light", LIGHT), ("hard", HARD)):
        rows = {name: list(tried(where, changes)) for name, where in slots.items()}
        tried_all = found_all = 0
        for at, change in enumerate(changes):
            cells = [row[at] for row in rows.values()]
            number, found = sum([cell[1] for cell in cells]), sum([cell[2] for cell in cells])
            tried_all, found_all = tried_all + number, found_all + found
            _say(
                f"{change:28}" + "".join([f"{100 * f / max(t, 1):>10.1f}" for _, t, f in cells]) + _share(found, number)
            )
        _say(f"{'all ' + kind:28}{'':{10 * len(rows)}}" + _share(found_all, tried_all))


def _negative(name: str, counted: Negatives) -> str:
    different = counted.matched - counted.same
    return (
        f"{name:16}{counted.texts:>7}{counted.short:>7}{counted.pairs:>12}{counted.false_pairs:>7}"
        f"{counted.matched:>9}{counted.same:>6}{_share(different, counted.texts, 3)}"
        f"  of three: {counted.campaigns}, different: {counted.different_campaigns}"
    )


def _share(hits: int, tries: int, digits: int = 1) -> str:
    low, high = interval(hits, tries)
    return f"  {100 * hits / tries:.{digits}f} [{100 * low:.{digits}f}, {100 * high:.{digits}f}] {hits}/{tries}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
