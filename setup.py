"""Finds the packages; all else stands in pyproject.toml.

``conf/`` and ``examples/`` stand at the top and travel inside the packages (``package-dir`` in pyproject.toml), where
setuptools does not look by itself.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["eplb_variants", "eplb_variants.*", "evaluator", "evaluator.*"]),
        "eplb_variants.catalogue",
        "evaluator.conf",
        "evaluator.examples",
    ]
)
