"""Hydra made ready, its choices listed, its errors turned into sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_module
from hydra.core.global_hydra import GlobalHydra
from hydra.core.object_type import ObjectType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from eplb_variants.errors import EplbError, unknown
from evaluator.analysis.score import Score
from evaluator.config.catalogue import CONFIG_MODULE, check_folders
from evaluator.config.schemas import register_schemas

CONFIG_NAME = "evaluate"


@contextmanager
def hydra_session(config_dirs: Sequence[str] = ()) -> Iterator[None]:
    """Make Hydra ready to compose, with further folders of choices; its errors become sentences."""
    check_folders(config_dirs)
    register_schemas()
    outer = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module(CONFIG_MODULE, version_base="1.3"):
            search_path = GlobalHydra.instance().config_loader().get_search_path()
            for folder in config_dirs:
                search_path.prepend("command line", f"file://{Path(folder).resolve()}", "schema")
            _repository().initialize_sources(search_path)
            yield
    except EplbError:
        raise
    except (HydraException, OmegaConfBaseException) as error:
        raise EplbError(_sentence(error)) from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:  # of values that cannot be used
        raise EplbError(f"the configuration cannot be used: {type(error).__name__}: {_sentence(error)}") from None
    finally:
        GlobalHydra.instance().hydra = outer


def _repository() -> Any:
    """Return where Hydra reads choices from; 1.3 has no public way to add a folder after its start."""
    return GlobalHydra.instance().config_loader().repository  # type: ignore[attr-defined]


def options(group: str) -> list[str]:
    """Return the choices of a configuration group, sorted; within a ``hydra_session``."""
    return sorted(GlobalHydra.instance().config_loader().get_group_options(group, ObjectType.CONFIG))


def load_score(name: str, config_dirs: Sequence[str] = ()) -> Score:
    """Return the score of that name; EplbError names the nearest match otherwise."""
    with hydra_session(config_dirs):
        if name not in options("score"):
            raise unknown("score", name, options("score"))
        return Score(**plain(compose(CONFIG_NAME, overrides=[f"score={name}"]).score))


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else type(error).__name__


def plain(config: DictConfig) -> dict[str, Any]:
    """Return a configuration as dicts, its references resolved."""
    container = OmegaConf.to_container(config, resolve=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}
