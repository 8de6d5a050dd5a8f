"""Names of images: near ones in messages, and other locales."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from classic_eyes.datasets import fingerprint, load_images, read_eyes
from classic_eyes.datasets.names import NearNames
from classic_eyes.errors import DataError

from ..conftest import PNG

# -- names that look alike --

NFC, NFD = "caf\u00e9.png", "cafe\u0301.png"


@pytest.mark.parametrize(
    ("image", "written", "message"),
    [
        (
            NFC,
            NFD,
            f"file '{NFD}' is not in the folder, but '{NFC}' is: its Unicode form is NFD, and NFC in the folder",
        ),
        (NFD, NFC, f"but '{NFD}' is: its Unicode form is NFC, and NFD in the folder"),
        ("left eye.png", "left%20eye.png", "but 'left eye.png' is: it is written as in a URL"),
        (NFC, "caf%C3%A9.png", f"but '{NFC}' is: it is written as in a URL"),
        ("sub/a.png", r"sub\a.png", "but 'sub/a.png' is: it has \\ in place of /"),
        ("sub/a.png", r".\sub\a.png", "but 'sub/a.png' is: it has \\ in place of /"),
        ("images/a.png", r"images\a.png", "but 'images/a.png' is: it has \\ in place of /"),
        ("a.JPG", "a.jpg", "but 'a.JPG' is: upper and lower case differ"),
        ("images/Anna.png", "anna.png", "but 'images/Anna.png' is: upper and lower case differ"),
        ("a.png", " a.png ", "but 'a.png' is: it has blanks around it"),
        ("a.jpg", "a.jpeg", "but 'a.jpg' is: the ending differs"),
        ("a.png", "a", "but 'a.png' is: the ending differs"),
        ("A.JPG", "a.jpeg", "but 'A.JPG' is: upper and lower case differ and the ending differs"),
        ("Eye.png", "eye.jpg", "but 'Eye.png' is: upper and lower case differ and the ending differs"),
        ("a.png", "eyes/a.png", "but 'a.png' is: the folder differs"),
        ("00001.png", "1.png", "but '00001.png' is: a 0 before a number is missing or added"),
        ("00001.png", "000001.png", "but '00001.png' is: a 0 before a number is missing or added"),
        ("0.png", "000.png", "but '0.png' is: a 0 before a number is missing or added"),
        ("day01/eye_007.png", "day1/eye_7.png", "but 'day01/eye_007.png' is: a 0 before a number is missing or added"),
        ("001.png", "1", "but '001.png' is: a 0 before a number is missing or added and the ending differs"),
        (
            "001.png",
            "my_eyes/1.png",
            "but '001.png' is: a 0 before a number is missing or added and the folder differs",
        ),
        ("sub/A.png", r"D:\eyes\a.png", "but 'sub/A.png' is: it has"),
    ],
)
def test_a_near_name_is_shown_with_its_difference(put, tmp_path, image, written, message):
    put("other.png", image)
    (tmp_path / "assets.csv").write_text(f"file,label\nother.png,0\n{written},1\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_eyes(tmp_path)
    assert str(caught.value).startswith("assets.csv, line 3: file ")
    assert message in str(caught.value)
    assert str(caught.value).endswith("; correct the names in the label file, or rename the images")


def test_the_nearest_of_several_names_is_shown(put, tmp_path):
    put("a.jpg", "a.png", "A.jpg", "one/b.png", "two/b.png")
    for written, expected in (("a.jpeg", "but 'a.jpg' is: the ending"), ("b.png", "nor in its images/")):
        (tmp_path / "assets.csv").write_text(f"file,label\na.png,0\n{written},1\n")
        with pytest.raises(DataError, match=expected):
            read_eyes(tmp_path)


def test_a_label_file_with_other_names_of_the_same_images_is_not_that_of_another_folder(put, tmp_path):
    put("a.png", "b.png")
    (tmp_path / "assets.csv").write_text("file,label\nA.PNG,0\nB.PNG,1\n")
    with pytest.raises(DataError, match=r"^assets.csv, line 2: file 'A.PNG' .*; line 3: file 'B.PNG' .* is: upper"):
        read_eyes(tmp_path)


def test_of_names_that_differ_alike_three_are_shown(put, tmp_path):
    put(*(f"{k}.jpg" for k in range(20)))
    (tmp_path / "assets.csv").write_text("file,label\n" + "".join(f"{k},1\n" for k in range(20)))
    with pytest.raises(DataError) as caught:
        read_eyes(tmp_path)
    assert str(caught.value).count("the ending differs") == 3
    assert str(caught.value).endswith("; and 17 more; correct the names in the label file, or rename the images")


def test_near_names_are_found_among_very_many():
    names = NearNames(f"people/{k % 100}/Eye {k}.png" for k in range(100_000))
    begin = time.process_time()
    for k in range(0, 100_000, 100):
        assert names.describe(f"people/{k % 100}/eye%20{k}.png") is not None
        assert names.describe(f"nobody/{k}.png") is None
    assert time.process_time() - begin < 2


# -- other locales --

IN_C = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def in_the_c_locale(code, *arguments):
    command = [sys.executable, "-c", f"import sys\nassert sys.getfilesystemencoding() == 'ascii'\n{code}"]
    done = subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, env=IN_C, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_names_are_the_same_in_every_locale(put, tmp_path):
    names = ["caf\u00e9.png", "\N{EYE}/a.png", "images/\u00fc.png", "z.png"]
    top = put(*names)
    (top / "assets.csv").write_text("file,label\ncaf\u00e9.png,1\n\u00fc.png,0\n\N{EYE}/a.png,1\n", encoding="utf-8")
    here = read_eyes(top)
    lines = in_the_c_locale(
        "from classic_eyes.datasets import fingerprint, load_images, read_eyes\n"
        "eyes = read_eyes(sys.argv[1])\n"
        "print(ascii(eyes.names), eyes.labels.tolist(), ascii(eyes.groups.tolist()), fingerprint(eyes), sep='\\n')\n"
        "print(len(load_images(eyes).images))",
        top,
    )
    expected = [ascii(here.names), str(here.labels.tolist()), ascii(here.groups.tolist()), fingerprint(here), "4"]
    assert lines == expected
    assert here.labels.tolist() == [1, 0, -1, 1]


def test_a_name_that_is_not_utf_8_is_read_in_every_locale(tmp_path):
    (tmp_path / "a.png").write_bytes(PNG)
    with open(os.fsencode(tmp_path) + b"/caf\xe9.png", "wb") as file:
        file.write(PNG)
    code = "from classic_eyes.datasets import load_images, read_eyes\n"
    code += "print(len(load_images(read_eyes(sys.argv[1])).images))"
    assert in_the_c_locale(code, tmp_path) == ["2"]
    assert len(load_images(read_eyes(tmp_path)).images) == 2
