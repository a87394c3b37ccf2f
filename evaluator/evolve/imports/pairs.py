"""A folder of pairs of a patch and its parent.

Either a folder a pair, with ``parent.py`` (or ``original.py``) and one document beside it, or files ``NAME.parent.py``
with a document ``NAME.txt``, ``.patch``, ``.diff`` or ``.md`` each. What the document made, if it is kept, is
``program.py`` (or ``main.py``), or ``NAME.program.py``.
"""

from __future__ import annotations

from pathlib import Path

from evaluator.evolve.imports.left import Folder, Left

DOCUMENTS = (".txt", ".patch", ".diff", ".md")
PARENTS, PROGRAMS = ("parent.py", "original.py"), ("program.py", "main.py")
SUFFIX = ".parent.py"


def read(folder: Folder) -> list[Left] | None:
    """Return the pairs in a folder."""
    pairs = _in_folders(folder) + _in_files(folder)
    if not pairs:
        return None
    found = []
    for number, (name, parent, document, program) in enumerate(pairs, start=1):
        original = folder.text(parent)
        text = folder.text(document) if document is not None else None
        if document is None:
            folder.put_down(parent, "there is no one document beside it")
        if original is not None and text is not None:
            source = folder.text(program) if program is not None else None
            found.append(Left(name, number, None, source, text, original))
    return found


Pair = tuple[str, Path, Path | None, Path | None]
"""Name, parent, document and what it made."""


def _in_folders(folder: Folder) -> list[Pair]:
    pairs = []
    for inside in folder.listed():
        parent = _one_of(inside, PARENTS) if inside.is_dir() else None
        if parent is not None:
            documents = [path for path in folder.listed(inside.name) if path.suffix in DOCUMENTS]
            document = documents[0] if len(documents) == 1 else None
            pairs.append((inside.name, parent, document, _one_of(inside, PROGRAMS)))
    return pairs


def _in_files(folder: Folder) -> list[Pair]:
    pairs = []
    for parent in folder.listed("", f"*{SUFFIX}"):
        name = parent.name.removesuffix(SUFFIX)
        documents = [path for suffix in DOCUMENTS if (path := parent.with_name(f"{name}{suffix}")).exists()]
        program = parent.with_name(f"{name}.program.py")
        document = documents[0] if len(documents) == 1 else None
        pairs.append((name, parent, document, program if program.exists() else None))
    return pairs


def _one_of(folder: Path, names: tuple[str, ...]) -> Path | None:
    return next((folder / name for name in names if (folder / name).exists()), None)
