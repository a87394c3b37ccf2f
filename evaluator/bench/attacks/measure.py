"""Every attack that ships, judged on this machine: what it deserves, what it got, and what each layer is needed for."""

from __future__ import annotations

from collections.abc import Sequence

from eplb_variants.errors import EplbError
from evaluator.bench.attacks.attack import Attack, attacks
from evaluator.bench.attacks.judging import Bench
from evaluator.bench.attacks.without import CAN_BE_LEFT_OUT, left_out
from evaluator.bench.line import Line
from evaluator.progress import Progress

SUITE = "attacks"


def measure_attacks(progress: Progress, named: Sequence[str] = (), *, without: bool = True) -> list[Line]:
    """Return a line on each attack, and on each layer that can be left out.

    Args:
        progress: told of each attack.
        named: attacks to run; all if none are named.
        without: whether those that name a layer are run again with that layer left out, where that can be done here.

    Raises:
        EplbError: there is no such attack, or programs cannot be isolated here.
    """
    chosen = _chosen(named)
    progress.start("attacks", len(chosen))
    lines = []
    with Bench() as bench:
        lines.append(Line(SUITE, "layers in force", bench.isolation))
        for attack in chosen:
            got = bench.got(attack)
            said = ", ".join(part for part in (got.words, got.harm) if part)
            stopped_by = ", ".join(attack.stopped_by)
            target = f"at most {attack.deserves}"
            lines.append(
                Line(SUITE, f"{attack.name}: {attack.tries}", f"{said} ({stopped_by})", target=target, met=got.held)
            )
            progress.step(attack.name)
    return [*lines, *_lines_without(progress, chosen)] if without else lines


def _chosen(named: Sequence[str]) -> list[Attack]:
    known = {attack.name: attack for attack in attacks()}
    for name in named:
        if name not in known:
            raise EplbError(f"there is no attack {name!r}: known are {', '.join(known)}")
    return [known[name] for name in named or known]


def _lines_without(progress: Progress, chosen: Sequence[Attack]) -> list[Line]:
    """Return a line for each layer: how many of the attacks that name it are accepted without it alone."""
    by_layer = {layer: [one for one in chosen if layer in one.stopped_by] for layer in CAN_BE_LEFT_OUT}
    progress.start("layers left out", sum(map(len, by_layer.values())))
    lines = []
    for layer, those in by_layer.items():
        if those:
            lines.append(_line_without(progress, layer, those))
    return lines


def _line_without(progress: Progress, layer: str, those: Sequence[Attack]) -> Line:
    size = f"{len(those)} attacks that name it"
    accepted = []
    with left_out((layer,)):
        try:
            with Bench() as bench:
                for attack in those:
                    if not bench.got(attack).held:
                        accepted.append(attack.name)
                    progress.step(f"{attack.name} without {layer}")
        except EplbError as error:
            return Line(SUITE, f"accepted without {layer}", f"{size}: {error}")
    others = "; the others are stopped by other layers too" if len(accepted) < len(those) else ""
    return Line(
        SUITE,
        f"accepted without {layer}",
        f"{size}: {', '.join(accepted) or 'none'}{others}",
        len(accepted),
        "attacks",
    )
