"""Attacks get what they deserve and no more, and their heads are read as they stand."""

from __future__ import annotations

import pytest

from eplb_variants.errors import EplbError
from evaluator.bench.attacks import attack as attacking
from evaluator.bench.attacks.attack import attacks, parsed
from evaluator.bench.attacks.judging import Bench, verdict_of
from evaluator.bench.attacks.measure import _chosen
from evaluator.bench.attacks.without import CAN_BE_LEFT_OUT, left_out
from evaluator.candidates.judging.schema import BETTER, IDENTICAL, INVALID, NO_DIFFERENCE, TIMED_OUT, WORSE

HEAD = """# tries: to win
# stopped by: seccomp, labels
# deserves: invalid
# judged: timed
# limits: cpu_seconds=1 wall_seconds=2.5

def rebalance_experts(*arguments):
    return honest(*arguments)
"""
ALL = attacks()
QUICK = (attacking.ONCE,)
"""Ways of judging that take no times and judge one program."""


@pytest.fixture(scope="session")
def bench():
    """Return a bench of attacks with all layers."""
    with Bench() as bench:
        yield bench


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(attack, id=attack.name, marks=[] if attack.judged in QUICK else [pytest.mark.long])
        for attack in ALL
    ],
)
def test_an_attack_gets_no_more_than_it_deserves(bench, attack):
    """Nothing is left of it either: an honest program is judged as before, and no process is left."""
    got = bench.got(attack)
    assert got.held, f"{attack.name} got {got.words}; {got.harm}"


def test_there_are_attacks_of_every_kind():
    assert len(ALL) >= 35
    assert {attack.deserves for attack in ALL} == set(attacking.DESERTS)
    assert {attack.judged for attack in ALL} == set(attacking.WAYS)
    named = {layer for attack in ALL for layer in attack.stopped_by}
    assert set(CAN_BE_LEFT_OUT) <= named


@pytest.mark.parametrize("attack", ALL, ids=lambda attack: attack.name)
def test_every_attack_is_a_program(attack):
    compile(attack.source("0f"), attack.name, "exec")
    assert attack.source("0f") != attack.source("10")


# ---- heads -----------------------------------------------------------------------------------------------------------


def test_a_head_is_read():
    attack = parsed("mine", HEAD)
    assert (attack.name, attack.tries, attack.deserves, attack.judged) == ("mine", "to win", "invalid", "timed")
    assert attack.stopped_by == ("seccomp", "labels")
    assert attack.limits == {"cpu_seconds": 1, "wall_seconds": 2.5}
    assert isinstance(attack.limits["cpu_seconds"], int)


def test_what_is_left_out_of_a_head_is_as_usual():
    attack = parsed("mine", "".join(HEAD.splitlines(keepends=True)[:3] + HEAD.splitlines(keepends=True)[5:]))
    assert (attack.judged, dict(attack.limits)) == (attacking.ONCE, {})


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("# tries: to win\n", "", "no line '# tries: ...'"),
        ("# tries: to win", "# tires: to win", "did you mean 'tries'?"),
        ("# tries: to win", "# tries: to win\n# tries: again", "there twice"),
        ("deserves: invalid", "deserves: inwalid", "did you mean 'invalid'?"),
        ("judged: timed", "judged: never", "there is no way to judge 'never'"),
        ("cpu_seconds=1", "cpu=1", "there is no limit 'cpu'"),
        ("cpu_seconds=1", "cpu_seconds=much", "'cpu_seconds=much' has no number"),
        ("def rebalance_experts", "def balance", "does not define rebalance_experts"),
    ],
)
def test_a_head_that_is_wrong_is_refused_in_a_sentence(old, new, said):
    with pytest.raises(EplbError, match="attack mine: ") as refusal:
        parsed("mine", HEAD.replace(old, new))
    assert said in str(refusal.value)


def test_an_attack_that_does_not_exist_is_named():
    with pytest.raises(EplbError, match="there is no attack 'mine'"):
        _chosen(["mine"])


# ---- verdicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("deserves", "verdicts"),
    [
        (attacking.INVALID, {INVALID, TIMED_OUT}),
        (attacking.IDENTICAL, {INVALID, TIMED_OUT, IDENTICAL}),
        (attacking.NOT_BETTER, {INVALID, TIMED_OUT, WORSE, IDENTICAL, NO_DIFFERENCE}),
        (attacking.NOT_FASTER, {INVALID, TIMED_OUT, WORSE, IDENTICAL, NO_DIFFERENCE}),
    ],
)
def test_what_is_no_more_than_an_attack_deserves(deserves, verdicts):
    everything = (INVALID, TIMED_OUT, WORSE, IDENTICAL, NO_DIFFERENCE, BETTER)
    assert {word for word in everything if not verdict_of({"verdict": word}, deserves).accepted} == verdicts


@pytest.mark.parametrize(("verdict", "accepted"), [(WORSE, False), (IDENTICAL, True), (NO_DIFFERENCE, True)])
def test_being_quicker_is_a_gain_where_nothing_is_lost(verdict, accepted):
    got = verdict_of({"verdict": verdict, "time_verdict": "faster"}, attacking.NOT_FASTER)
    assert got.accepted == accepted
    assert got.words == f"{verdict} (faster)"


# ---- layers left out -------------------------------------------------------------------------------------------------


@pytest.mark.long
@pytest.mark.parametrize("layer", ["landlock", "seccomp", "resource limits", "namespaces"])
def test_a_layer_can_be_left_out_of_the_sandbox(bench, layer):
    """Then the judge says that it is not in force, and the others are."""

    def in_force(bench):
        return {name.rstrip(" 0123456789") for name in bench.isolation.split(", ")}

    with left_out((layer,)), Bench() as weaker:
        left = in_force(weaker)
    assert layer in in_force(bench)
    assert layer not in left
    # namespaces come with a root of its own, and that lets others than root in
    assert in_force(bench) - left <= {layer, "own root", "unprivileged user"}


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("process_bomb", ("seccomp",)),
        ("memory_bomb", ("resource limits",)),
        ("mark_by_flock", ("seccomp",)),
        ("files_of_the_machine", ("landlock", "namespaces")),
        ("memory_in_files", ("landlock", "namespaces", "labels")),
        ("quick_by_cores", ("one core", "asked again", "held to training")),
    ],
)
def test_an_attack_is_real(name, layers):
    """Where what stops it is left out, it gets more than it deserves.

    Of times there may be no verdict: the control of few rounds is off by chance in one of twenty. Then, and only then,
    it is asked again.
    """
    (attack,) = (one for one in ALL if one.name == name)
    for _ in range(3):
        with left_out(layers), Bench() as weaker:
            got = weaker.got(attack)
        if attack.judged != "timed" or "(" in got.words:
            break
    assert got.accepted, got.words
