"""The folders that engines start from: a program, an evaluator in the engine's contract, settings, and how to begin."""

from __future__ import annotations

import json
import math
import re
import shlex
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from eplb_variants import __version__
from eplb_variants.errors import EplbError, unknown
from evaluator.evolve.study import FILE, SEED_PROGRAM, Study

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
        has_client: whether its evaluator asks the scorer of the study; one that judges elsewhere gets a copy of it.
    """

    initial: str
    tokens: dict[str, str]
    has_client: bool = True


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
    "harbor": Engine("environment/initial_program.py", {}, has_client=False),
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
        "TASK": textwrap.indent(task.rstrip(), "    ") if ENGINES[engine].has_client else task.rstrip(),
        "NAME": re.sub(r"[^a-z0-9-]+", "-", folder.resolve().name.lower()).strip("-") or "task",
        "SOURCE": _source(),
        "OVERRIDES": shlex.join(study.overrides),
    }
    settings = {"study": str(study.folder), "socket": study.socket, "python": sys.executable, "engine": engine}
    texts = {ENGINES[engine].initial: study.seed_program}
    if ENGINES[engine].has_client:
        texts |= {
            CLIENT: source.joinpath(CLIENT).read_text(encoding="utf-8"),
            SETTINGS: json.dumps({**settings, "seconds": study.seconds}, indent=2) + "\n",
            TASK: task,
        }
    else:
        for name in (FILE, SEED_PROGRAM):
            texts[f"tests/study/{name}"] = (study.folder / name).read_text(encoding="utf-8")
    for name, text in _templates(source.joinpath(engine)):
        texts[name] = _filled(text, tokens)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise EplbError(f"the folder {str(folder)!r} is not empty: name another")
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise EplbError(f"the folder {str(folder)!r} cannot be written to: {error.strerror}") from None
    return [folder / name for name in sorted(texts)]


def _templates(folder: Traversable, inside: str = "") -> Iterator[tuple[str, str]]:
    """Yield the name and text of each file of a folder and those within."""
    for file in folder.iterdir():
        if file.name.startswith((".", "__")):
            continue
        if file.is_dir():
            yield from _templates(file, f"{inside}{file.name}/")
        else:
            yield f"{inside}{file.name}", file.read_text(encoding="utf-8")


def _source() -> str:
    """Return what pip packs eplb-lab from: the checkout where it is one, otherwise its name and version."""
    checkout = Path(__file__).parents[2]
    return str(checkout) if (checkout / "pyproject.toml").is_file() else f"eplb-lab=={__version__}"


def _filled(text: str, tokens: dict[str, str]) -> str:
    for name, value in tokens.items():
        text = text.replace(f"@{name}@", value)
    return text


def _clock(seconds: int) -> str:
    """Return seconds as hours, minutes and seconds."""
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
