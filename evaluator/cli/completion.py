"""Completion of ``eplb`` by a shell: subcommands, and Hydra's own for what follows ``eplb evaluate``."""

from __future__ import annotations

from eplb_variants.errors import EplbError, unknown
from evaluator.cli.main import COMMANDS

BASH = """\
_eplb()
{
    local word=${COMP_WORDS[COMP_CWORD]}
    if [ "$COMP_CWORD" -le 1 ]; then
        COMPREPLY=($(compgen -W "%(commands)s" -- "$word"))
        [ "${#COMPREPLY[@]}" -eq 1 ] && COMPREPLY=("${COMPREPLY[0]} ")
    elif [ "${COMP_WORDS[1]}" = evaluate ]; then
        COMPREPLY=($(compgen -W "$(COMP_LINE="${COMP_LINE#* }" eplb evaluate -sc query=bash 2> /dev/null)" -- "$word"))
    fi
}
COMP_WORDBREAKS=${COMP_WORDBREAKS//=}
complete -o nospace -o default -F _eplb eplb"""
"""``evaluate`` stands in the place of the program's name when Hydra is asked, which takes one word off the line."""
REMOVED = "complete -r eplb; unset -f _eplb"


def complete(request: str) -> None:
    """Print what a shell is to evaluate, or, while it completes, the words that may follow.

    Args:
        request: ``install=bash``, ``uninstall=bash``, or ``query=bash`` with the line in ``COMP_LINE``.

    Raises:
        EplbError: another request, or another shell.
    """
    what, _, shell = request.partition("=")
    if what not in ("install", "uninstall", "query"):
        raise unknown("request for completion", request, ["install=bash", "uninstall=bash"])
    if shell != "bash":
        raise EplbError(f"there is no completion for the shell {shell!r}: known is bash")
    if what == "query":
        from evaluator.config.application import show

        show(["--shell-completion", "query=bash"], [])
    else:
        print(BASH % {"commands": " ".join([*COMMANDS, "--help", "--version"])} if what == "install" else REMOVED)
