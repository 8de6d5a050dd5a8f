"""Recognition of URLs; reading them is tested with a server in tests/test_scale.py."""

from __future__ import annotations

import pytest

from classic_eyes.images.remote import is_url


@pytest.mark.parametrize("name", ["https://example.org/eye.png", "S3://bucket/eye.png", "file:///eye.png"])
def test_names_with_a_scheme_are_urls(name):
    assert is_url(name)


@pytest.mark.parametrize("name", ["eyes/1.png", "c:/eyes/1.png", "c://eyes/1.png", "://eye.png", b"https://a.b", None])
def test_paths_are_not_urls(name):
    assert not is_url(name)
