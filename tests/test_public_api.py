"""The public API: every name in the `__all__` of a public package has a docstring as numpydoc asks."""

from __future__ import annotations

from importlib import import_module

import pytest
from numpydoc.validate import validate

PUBLIC = [
    "classic_eyes",
    "classic_eyes.calibration",
    "classic_eyes.datasets",
    "classic_eyes.descriptors",
    "classic_eyes.evaluation",
    "classic_eyes.export",
    "classic_eyes.faces",
    "classic_eyes.features",
    "classic_eyes.images",
    "classic_eyes.labeling",
    "classic_eyes.metrics",
    "classic_eyes.preprocessing",
    "classic_eyes.semisupervised",
    "classic_eyes.svm",
    "classic_eyes.synthetic",
    "classic_eyes.video",
]
CHECKS = {"GL03", "GL05", "GL08", "SS03", "SS04", "SS05", "PR01", "PR03", "PR04", "PR07", "RT01", "RT03", "YD01"}


def documented() -> list[str]:
    """Return the dotted names of public functions and classes, and of the public methods of these classes."""
    names = []
    for module in PUBLIC:
        found = import_module(module)
        for name in found.__all__:
            thing = getattr(found, name)
            if not callable(thing) or not getattr(thing, "__module__", "").startswith("classic_eyes"):
                continue
            names.append(f"{module}.{name}")
            if isinstance(thing, type):
                own = [key for key in vars(thing) if not key.startswith("_") and callable(getattr(thing, key))]
                names += [f"{module}.{name}.{key}" for key in own]
    return sorted(names)


@pytest.mark.parametrize("name", documented())
def test_a_public_name_is_documented(name):
    errors = [f"{code}: {text}" for code, text in validate(name)["errors"] if code in CHECKS]
    assert errors == []
