"""The folders that engines start from: a program, an evaluator in the engine's contract, settings, and how to begin."""

from __future__ import annotations

import json
import math
import sys
import textwrap
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from eplb_variants.errors import EplbError, unknown
from evaluator.evolve.study import Study

CLIENT, SETTINGS, TASK = "eplb_client.py", "eplb_study.json", "task.txt"
LATER_SECONDS = 60.0
"""How long after the judge's deadline an engine ends an evaluation: it is the judge who says what was late."""
API_BASE, MODEL = "http://127.0.0.1:8000/v1", "MODEL"
"""Where a model is asked, and its name, where neither is said: nobody else's server is called by mistake."""


@dataclass(frozen=True)
class Engine:
    """An engine that searches.

    Attributes:
        initial: name of the file of the initial program.
        tokens: words of its README, by their names.
    """

    initial: str
    tokens: dict[str, str]


ENGINES = {
    "openevolve": Engine(
        "initial_program.py",
        {
            "WHERE": "`config.yaml`",
            "EVALUATOR": "`evaluator.py`",
            "CONFIG": "`config.yaml`",
            "FAILS": "the evaluator raises, and OpenEvolve keeps an error for the program.",
        },
    ),
    "skydiscover": Engine(
        "initial_program.py",
        {
            "WHERE": "`config.yaml`, twice for each model",
            "EVALUATOR": "`evaluator.py`",
            "CONFIG": "`config.yaml`",
            "FAILS": "the evaluator raises, which is SkyDiscover's to deal with.",
        },
    ),
    "shinka": Engine(
        "initial.py",
        {
            "WHERE": "`shinka.yaml`, with its address",
            "EVALUATOR": "`evaluate.py`",
            "CONFIG": "`shinka.yaml`",
            "FAILS": "`evaluate.py` ends with 1 and writes nothing, so ShinkaEvolve takes the program for incorrect.",
        },
    ),
    "gepa": Engine(
        "initial_program.py",
        {
            "WHERE": "`run.py`",
            "EVALUATOR": "`run.py`",
            "CONFIG": "`run.py`",
            "FAILS": "the search ends.",
        },
    ),
}
"""By name."""


def write_folder(
    engine: str, folder: str | Path, study: Study, *, model: str = MODEL, api_base: str = API_BASE
) -> list[Path]:
    """Write what an engine starts from into a folder, and return the files.

    Args:
        engine: one of ``ENGINES``.
        folder: that must not be there, or be empty.
        study: by which programs are judged.
        model: name of the model that is asked.
        api_base: address of a server that speaks OpenAI's protocol, with its version.

    Raises:
        EplbError: there is no such engine, or the folder is not empty or cannot be written to.
    """
    if engine not in ENGINES:
        raise unknown("engine", engine, ENGINES)
    folder = Path(folder)
    source = resources.files("evaluator.evolve").joinpath("folder")
    task = source.joinpath(TASK).read_text(encoding="utf-8")
    tokens = {
        **ENGINES[engine].tokens,
        "INITIAL": ENGINES[engine].initial,
        "STUDY": str(study.folder),
        "FOLDER": str(folder.resolve()),
        "MODEL": model,
        "API_BASE": api_base.rstrip("/"),
        "SECONDS": f"{study.seconds:g}",
        "TIMEOUT": str(math.ceil(study.seconds + LATER_SECONDS)),
        "HOURS": _clock(math.ceil(study.seconds + LATER_SECONDS)),
        "TASK": textwrap.indent(task.rstrip(), "    "),
    }
    settings = {"study": str(study.folder), "socket": study.socket, "python": sys.executable, "engine": engine}
    texts = {
        ENGINES[engine].initial: study.seed_program,
        CLIENT: source.joinpath(CLIENT).read_text(encoding="utf-8"),
        SETTINGS: json.dumps({**settings, "seconds": study.seconds}, indent=2) + "\n",
        TASK: task,
    }
    for file in source.joinpath(engine).iterdir():
        if not file.name.startswith((".", "__")):
            texts[file.name] = _filled(file.read_text(encoding="utf-8"), tokens)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise EplbError(f"the folder {str(folder)!r} is not empty: name another")
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise EplbError(f"the folder {str(folder)!r} cannot be written to: {error.strerror}") from None
    return [folder / name for name in sorted(texts)]


def _filled(text: str, tokens: dict[str, str]) -> str:
    for name, value in tokens.items():
        text = text.replace(f"@{name}@", value)
    return text


def _clock(seconds: int) -> str:
    """Return seconds as hours, minutes and seconds."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
