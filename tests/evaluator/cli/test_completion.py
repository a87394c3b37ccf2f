"""A shell that evaluates what is printed completes subcommands, groups, choices and keys."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from eplb_variants import EplbError
from evaluator.cli.completion import complete

LINES = {
    "eplb eva": ["evaluate "],
    "eplb evaluate variant=see": ["variant=seed", "variant=seed_diverse_only", "variant=seed_parent"],
    "eplb evaluate -m variant=seed variant.gpu_packer.tie": ["variant.gpu_packer.tie_eps="],
}
ASK = """
COMP_LINE="$1"; COMP_WORDS=($COMP_LINE); COMP_CWORD=$(( ${#COMP_WORDS[@]} - 1 ))
_eplb
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.mark.parametrize("line", LINES)
def test_bash_completes(line, capsys, tmp_path):
    complete("install=bash")
    script = capsys.readouterr().out + ASK
    command = tmp_path / "eplb"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m evaluator.cli.main "$@"\n')
    command.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", script, "bash", line],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[: len(LINES[line])] == LINES[line]


def test_it_can_be_taken_away_again(capsys):
    complete("uninstall=bash")
    assert capsys.readouterr().out == "complete -r eplb; unset -f _eplb\n"


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        ("install=fish", "no completion for the shell 'fish': known is bash"),
        ("instal=bash", "did you mean 'install=bash'"),
    ],
)
def test_another_shell_is_refused(request_, says):
    with pytest.raises(EplbError, match=says):
        complete(request_)
