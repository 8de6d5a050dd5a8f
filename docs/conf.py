"""Sphinx configuration of the site: ``python -m sphinx -W --keep-going -b html docs docs/_build/html``."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]
# Examples and parsers run while the site is built; two libraries with a pool of threads each slow one another down.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from classic_eyes import __version__  # noqa: E402

project = "classic_eyes"
author = "the classic_eyes developers"
copyright = "the classic_eyes developers"
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_parser",
    "sphinx_gallery.gen_gallery",
    # in docs/_ext
    "accessible_html",
    "gallery_images",
    "generated_pages",
    "mathml",
    "number_cells",
    "repository_links",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "sg_execution_times.rst", "**/sg_execution_times.rst"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
default_role = "py:obj"  # `name` in docstrings is a link where it is public
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
show_warning_types = True

# -- Markdown ------------------------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 4

# -- API reference -------------------------------------------------------------------------------------------------

autosummary_generate = False  # generated_pages writes the pages
autodoc_typehints = "none"  # the docstrings have them
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
numpydoc_xref_param_type = False

# -- Gallery -------------------------------------------------------------------------------------------------------

warnings.filterwarnings("ignore", message="Matplotlib is currently using agg")
sphinx_gallery_conf = {
    "examples_dirs": ["../examples"],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"plot_",
    "ignore_pattern": r"__init__\.py|drowsiness\.py",
    "within_subsection_order": "gallery_images.by_order",
    "image_scrapers": ("gallery_images.scraper",),
    "remove_config_comments": True,
    "reset_modules": ("gallery_images.reset",),
    "doc_module": ("classic_eyes",),
    "backreferences_dir": "api/examples",
    "image_srcset": ["2x"],
    "thumbnail_size": (480, 240),
    "download_all_examples": False,
    "show_memory": False,
    "show_signature": False,
    "min_reported_time": 0,
    "plot_gallery": "True",
    "abort_on_example_error": False,
    "nested_sections": False,
    "capture_repr": (),
}

# -- HTML ----------------------------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"classic_eyes {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_math_renderer = "mathml"
html_favicon = "_static/logo.svg"
html_context = {"default_mode": "auto"}
html_domain_indices = False  # the reference lists the modules
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {
        "text": "classic_eyes",
        "alt_text": "classic_eyes, home",
        "image_light": "_static/logo.svg",
        "image_dark": "_static/logo-dark.svg",
    },
    "navbar_start": ["navbar-logo", "version"],
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 7,
    "show_nav_level": 1,
    "navigation_depth": 3,
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": {"**": ["page-toc"], "index": []},
}
html_sidebars = {"index": [], "search": []}


def skip_inherited(app, what, name, obj, skip, options):
    """Leave out what classes inherit from scikit-learn and Python: it is documented there."""
    module = getattr(obj, "__module__", None)
    return skip or (isinstance(module, str) and not module.startswith("classic_eyes"))


def own_headers(app, config):
    """Keep sphinx-gallery from taking README.md of a folder in examples/ for the header of a gallery."""
    config.sphinx_gallery_conf["source_suffix"] = {".rst": "restructuredtext"}


def setup(app):
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("config-inited", own_headers, priority=900)
