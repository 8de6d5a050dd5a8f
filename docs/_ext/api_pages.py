"""Pages of the API reference: one for each public module, class and function, by ``__all__``."""

from __future__ import annotations

import inspect
from importlib import import_module
from pprint import pformat
from types import ModuleType

from rst import code, heading
from sphinx.pycode import ModuleAnalyzer

import classic_eyes

__all__ = ["api_pages", "public_modules"]

FOREIGN = "object,BaseEstimator,ClassifierMixin,TransformerMixin,OneToOneFeatureMixin,tuple,dict,Exception"


def public_modules() -> list[str]:
    """Return the names of the public modules, the package itself first."""
    attached = [name for name in dir(classic_eyes) if isinstance(getattr(classic_eyes, name), ModuleType)]
    return ["classic_eyes", *(f"classic_eyes.{name}" for name in sorted({*attached, "errors"}))]


def summary(thing: object) -> str:
    return (inspect.getdoc(thing) or "").split("\n", 1)[0]


def api_pages() -> dict[str, str]:
    """Return the text of each page by file name."""
    modules = {name: import_module(name) for name in public_modules()}
    pages = {}
    lines = [heading("API reference"), "The public names of each module. Everything else may change without notice.\n"]
    lines += [".. toctree::\n   :maxdepth: 1\n   :hidden:\n", *(f"   {name}" for name in modules), "", ""]
    for name, module in modules.items():
        pages[f"{name}.rst"] = module_page(name, module)
        # A docstring is reStructuredText already.
        what = summary(module).removeprefix("classic_eyes: ")
        lines.append(f":doc:`{name} <{name}>`\n    {what[:1].upper()}{what[1:]}\n")
        for own in module.__all__:
            thing = getattr(module, own)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                pages[f"{name}.{own}.rst"] = object_page(name, own, thing)
    pages["index.rst"] = "\n".join(lines)
    return pages


def module_page(name: str, module: ModuleType) -> str:
    things = {own: getattr(module, own) for own in module.__all__ if not own.startswith("__")}
    classes = [own for own, thing in things.items() if inspect.isclass(thing) and not issubclass(thing, Exception)]
    errors = [own for own, thing in things.items() if inspect.isclass(thing) and issubclass(thing, Exception)]
    functions = [own for own, thing in things.items() if inspect.isfunction(thing)]
    constants = [own for own in things if own not in {*classes, *errors, *functions}]
    parts = [heading(name), f".. automodule:: {name}\n   :no-members:\n", f".. currentmodule:: {name}\n"]
    for title, names in (("Classes", classes), ("Functions", functions), ("Exceptions", errors)):
        if names:
            parts += [heading(title, "-"), ".. autosummary::\n   :toctree: .\n", *(f"   {own}" for own in names), ""]
    if constants:
        parts.append(heading("Constants", "-"))
        comments = documented_constants(name, module)
        for own in constants:
            parts += [f".. py:data:: {own}\n", *(f"   {line}" for line in comments.get(own, ())), ""]
            parts.append("   " + code(shown(things[own]), "python").replace("\n", "\n   ").rstrip(" "))
    return "\n".join(parts)


def documented_constants(name: str, module: ModuleType) -> dict[str, list[str]]:
    """Return the docstring of each constant, from the module that assigns it."""
    found: dict[str, list[str]] = {}
    parts = {value.__name__ for value in vars(module).values() if isinstance(value, ModuleType)}
    for each in [name, *sorted(part for part in parts if part.startswith(f"{name}."))]:
        analyzer = ModuleAnalyzer.for_module(each)
        analyzer.analyze()
        found |= {key: lines for (scope, key), lines in analyzer.attr_docs.items() if not scope}
    return found


def shown(value: object) -> str:
    """Return the value of a constant, or of a long one what it holds."""
    if isinstance(value, dict) and any(map(callable, value.values())):
        return "{" + ", ".join(f'"{key}": {getattr(each, "__name__", each)}' for key, each in value.items()) + "}"
    text = pformat(value, width=88, sort_dicts=False)
    return text if len(text) <= 4000 else f"<{type(value).__name__} of {len(value)}>"  # type: ignore[arg-type]


def object_page(module: str, name: str, thing: object) -> str:
    parts = [heading(name), f".. currentmodule:: {module}\n"]
    if inspect.isclass(thing):
        parts.append(f".. autoclass:: {name}\n   :members:\n   :inherited-members: {FOREIGN}\n")
    else:
        parts.append(f".. autofunction:: {name}\n")
    parts.append(f".. minigallery:: {module}.{name}\n   :add-heading: Examples with {name}\n")
    return "\n".join(parts)
