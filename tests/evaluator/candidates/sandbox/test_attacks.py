"""Programs that cheat: each ends invalid, or scored at no more than its honest worth.

After every attack an honest program is judged again and must get what it got before.
"""

from __future__ import annotations

import json

import pytest

from evaluator.candidates.judging.checks import Invalid
from evaluator.candidates.judging.feedback import feedback
from evaluator.candidates.judging.judge import ParentUnusable
from evaluator.candidates.judging.schema import IDENTICAL, INVALID, TIMED_OUT, WORSE
from evaluator.candidates.program import Program

from ..conftest import NAME, WRAPPED

# ---- answers that are none -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "check"),
    [
        ("p, m, c = _honest(*arguments)\nreturn p, m, c + 1", "logcnt"),
        ("p, m, c = _honest(*arguments)\nc[0, 0] += 5\nreturn p, m, c", "logcnt"),
        ("p, m, c = _honest(*arguments)\np[p == 3] = 4\nreturn p", "phy2log"),
        ("p, m, c = _honest(*arguments)\nm[:, 0] = m[:, 1]\nreturn p, m, c", "log2phy"),
        ("p, m, c = _honest(*arguments)\nreturn p, torch.flip(m, [2]), c", "log2phy"),
        ("p, m, c = _honest(*arguments)\nreturn torch.full_like(p, 10**15)", "phy2log"),
        ("p, m, c = _honest(*arguments)\np[0, 0] = -1\nreturn p", "phy2log"),
        ("p, m, c = _honest(*arguments)\nreturn p[:, :-1]", "phy2log"),
        ("p, m, c = _honest(*arguments)\nreturn torch.cat([p, p], dim=1)", "phy2log"),
        ("p, m, c = _honest(*arguments)\nreturn p.double()", "answer"),
        ("p, m, c = _honest(*arguments)\nreturn p.double() + 0.3", "answer"),
        ("return 'phy2log'", "answer"),
        ("return None", "phy2log"),
        ("return ()", "phy2log"),
        ("return torch.zeros(3, dtype=torch.int64)", "phy2log"),
        ("raise ValueError('no')", "answer"),
        ("raise SystemExit(0)", "answer"),
        ("raise KeyboardInterrupt", "answer"),
        ("return torch.arange(num_replicas).remainder(weight.shape[1]).repeat(weight.shape[0], 1)", "locality"),
    ],
)
def test_an_answer_that_is_no_placement_is_invalid(attack, body, check):
    row = attack(body)
    assert (row["verdict"], row["check"]) == (INVALID, check)


@pytest.mark.parametrize(
    "source",
    ["", "x = (", "rebalance_experts = 3", "raise RuntimeError", "import not_a_package", "while True: pass"],
)
def test_a_program_that_does_not_load_is_invalid(verdict, source):
    row = verdict(source)
    assert row["verdict"] == (TIMED_OUT if source.startswith("while") else INVALID)
    assert row["check_load"] == "loading the program"


# ---- changing what others see ----------------------------------------------------------------------------------------


def test_changing_the_input_in_place_changes_nothing(attack):
    row = attack("answer = _honest(*arguments)\nweight.zero_()\nweight += 1\nreturn answer")
    assert row["verdict"] == IDENTICAL


def test_changing_every_array_in_reach_changes_nothing(attack):
    row = attack(
        """
        import gc, numpy
        answer = [a.clone() for a in _honest(*arguments)]
        for o in gc.get_objects():
            if isinstance(o, numpy.ndarray) and o.dtype == numpy.float32 and o.size and o.flags.writeable:
                o[...] = 1
        return tuple(answer)
        """
    )
    assert row["verdict"] in (IDENTICAL, INVALID)


def test_patching_the_clock_and_the_judge_changes_nothing(attack):
    row = attack(
        "return _honest(*arguments)",
        before="""
        import sys, time, types
        time.perf_counter = time.monotonic = time.process_time = lambda: 0.0
        for name in list(sys.modules):
            if name.startswith(("evaluator", "eplb_variants")):
                sys.modules[name] = types.ModuleType(name)
        fake = types.ModuleType("evaluator.quality.metrics")
        fake.balance = lambda *_: (1, 1, 1, 1)
        sys.modules["evaluator.quality.metrics"] = fake
        """,
    )
    assert row["verdict"] == IDENTICAL


def test_a_printed_result_is_nothing(attack):
    line = json.dumps({"combined_score": 1.0, "verdict": "better"})
    row = attack(
        f"""
        import os, sys
        for stream in (1, 2):
            os.write(stream, {line!r}.encode() + b"\\n")
        print({line!r})
        sys.stdout.flush()
        os._exit(0)
        """
    )
    assert (row["verdict"], row["check"]) == (INVALID, "answer")


def test_a_result_file_is_nothing(attack, short_judge):
    row = attack(
        f"""
        import os
        for folder in (".", {str(short_judge.store.folder)!r}):
            try:
                with open(os.path.join(folder, "metrics.json"), "w") as file:
                    file.write('{{"combined_score": 1.0}}')
            except OSError:
                pass
        os._exit(0)
        """
    )
    assert row["verdict"] == INVALID
    assert not (short_judge.store.folder / "metrics.json").exists()


@pytest.mark.parametrize(
    "forged",
    [
        "struct.pack('<IQ', 3, 1 << 60)",
        "struct.pack('<IQ', 3, 8) + struct.pack('<q', 3)",
        "struct.pack('<IQ', 3, 32) + struct.pack('<4q', 1, 2, 1 << 40, 1 << 40)",
        "struct.pack('<IQ', 77, 0)",
        "struct.pack('<IQ', 4, 1 << 27)",
        "struct.pack('<IQ', 4, 6) + 'X\\n²\\nm'.encode()",
        "struct.pack('<IQ', 4, 5006) + b'X\\n' + b'9' * 5000 + b'\\nmore'",
        "b'\\0' * 5",
    ],
)
def test_a_forged_message_is_no_answer(attack, forged):
    row = attack(f"import os, struct\nos.write(3, {forged})\nreturn _honest(*arguments)")
    assert row["verdict"] in (INVALID, TIMED_OUT)


def test_a_forged_answer_is_the_placement_that_it_holds(attack):
    """Writing the answer oneself is as good as returning it, and the real one is then one too many."""
    row = attack(
        """
        import os, struct
        n = weight.shape[0] * num_replicas
        ids = (torch.arange(num_replicas) % weight.shape[1]).repeat(weight.shape[0], 1)
        body = struct.pack("<4q", 1, 2, weight.shape[0], num_replicas) + ids.numpy().tobytes()
        os.write(3, struct.pack("<IQ", 3, len(body)) + body)
        return _honest(*arguments)
        """
    )
    assert row["verdict"] == INVALID


# ---- time ------------------------------------------------------------------------------------------------------------


def timed(judge, source):
    program = Program("timed", source)
    return judge.judge([program])[program.key]


def test_a_placement_kept_between_calls_does_not_pass_for_a_fast_one(timing_judge):
    source = timing_judge.parent.source.replace(f"def {NAME}(", f"def {WRAPPED}(")
    source += f"""
kept = {{}}

def {NAME}(*arguments):
    key = (tuple(arguments[0].shape), arguments[1:])
    if key not in kept:
        kept[key] = {WRAPPED}(*arguments)
    return kept[key]
"""
    row = timed(timing_judge, source)
    assert row["verdict"] in (WORSE, INVALID), "it answers for the load before: that is what it is worth"


def test_answering_otherwise_under_the_clock_is_found_in_every_round(timing_judge):
    """A counter that a program cannot have would be needed; what it can do, it does in the judged calls too."""
    source = timing_judge.parent.source.replace(f"def {NAME}(", f"def {WRAPPED}(")
    source += f"""
import os
calls = 0

def {NAME}(*arguments):
    global calls
    calls += 1
    answer = {WRAPPED}(*arguments)[0]
    if calls == 2 and os.urandom(1)[0] < 192:  # that no judged answer is another is then rarer than 1 in 16,000
        answer = answer.view(answer.shape[0], arguments[-1], -1).flip(2).reshape(answer.shape)
    return answer
"""
    row = timed(timing_judge, source)
    assert (row["verdict"], row["check"]) in ((INVALID, "state"), ("no difference", None))


def test_the_parents_failure_is_not_the_candidates(timing_judge, monkeypatch):
    def broken(round_number):
        raise Invalid("answer", "the workload", "parent broke")

    with pytest.raises(ParentUnusable, match="parent broke"):
        timing_judge._unfailing(broken)(0)


def test_honest_programs_are_timed(timing_judge):
    row = timed(timing_judge, timing_judge.parent.source + "\n# the same")
    assert row["verdict"] == IDENTICAL
    assert row["timing_rounds"] == 3
    assert row["time_ratio"] > 0
    again = timed(timing_judge, timing_judge.parent.source + "\n# the same")
    assert again["measured_at"] == row["measured_at"], "judged before: read, not judged again"


def test_a_lazy_tensor_is_made_real_before_the_clock_stops(attack):
    row = attack(
        """
        class Lazy(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                return super().__torch_function__(func, types, args, kwargs or {})
        return _honest(*arguments)[0].as_subclass(Lazy)
        """
    )
    assert row["verdict"] == IDENTICAL


# ---- what is said back -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "leak",
    [
        "raise ValueError('LEAK ' + str(weight.tolist()))",
        "raise type('LEAK', (Exception,), {})(str(weight.tolist()))",
        "raise type('LEAK' + str(int(weight.sum())), (Exception,), {})",
        "p, m, c = _honest(*arguments)\np[0, 0] = 1234567\nreturn p",
        "p, m, c = _honest(*arguments)\nc[0, 0] = 1234567\nreturn p, m, c",
        "print('LEAK')\nreturn torch.zeros(12, 34, 56, dtype=torch.int64)",
    ],
)
def test_feedback_repeats_nothing_that_the_program_said(attack, leak):
    row = attack(leak)
    said = json.dumps(feedback(row))
    assert row["verdict"] == INVALID
    for word in ("LEAK", "1234567", "[[", "weight", "12, 34"):
        assert word not in said
    assert feedback(row)["check"] == row["check"]


def test_feedback_names_what_helps(attack):
    assert "it raised ZeroDivisionError" in feedback(attack("return 1 / 0"))["text"]
    assert "time limit" in feedback(attack("while True: pass"))["text"]
    told = feedback(attack("return _honest(*arguments)"))
    assert "no effect" in told["text"]
    assert told["metrics"]["balancedness_gpu_next"]["difference"] == 0
