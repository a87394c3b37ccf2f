"""Hydra made ready, its errors turned into sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import yaml
from hydra import initialize_config_module
from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from eplb_variants.errors import EplbError, printable
from evaluator.config.catalogue import CONFIG_MODULE, check_files
from evaluator.config.schemas import register_schemas
from evaluator.config.unofficial import folders_first, outside

CONFIG_NAME = "evaluate"


@contextmanager
def hydra_session(config_dirs: Sequence[str] = ()) -> Iterator[None]:
    """Make Hydra ready to compose, with further folders of choices; its errors become sentences."""
    check_files(config_dirs)
    register_schemas()
    with (
        sentences(),
        outside(),
        folders_first(config_dirs),
        initialize_config_module(CONFIG_MODULE, version_base="1.3"),
    ):
        yield


@contextmanager
def sentences() -> Iterator[None]:
    """Turn the errors of Hydra and OmegaConf into sentences."""
    try:
        yield
    except EplbError:
        raise
    except OverrideParseException as error:
        words = first_line(error).removeprefix("LexerNoViableAltException: ")
        raise EplbError(f"{error.override!r} is not written as GROUP=CHOICE or KEY=VALUE: {words}") from None
    except (HydraException, OmegaConfBaseException) as error:
        raise EplbError(_sentence(error)) from None
    except RecursionError:
        raise EplbError("the configuration cannot be used: a file names itself, or is nested too deep") from None
    except yaml.YAMLError as error:
        raise EplbError(f"a file of the configuration is no plain YAML: {printable(_sentence(error))}") from None
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:  # of values that cannot be used
        raise EplbError(f"the configuration cannot be used: {type(error).__name__}: {_sentence(error)}") from None


def first_line(error: Exception) -> str:
    """Return the first line of an error's words; its type where it has none."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


def _sentence(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return " ".join(lines[:2]) if lines else type(error).__name__


def plain(config: DictConfig) -> dict[str, Any]:
    """Return a configuration as dicts of plain values, its references resolved."""
    container = OmegaConf.to_container(config, resolve=True, enum_to_str=True)
    assert isinstance(container, dict)
    return {str(key): value for key, value in container.items()}
