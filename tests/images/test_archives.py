"""Images in tar files: the bytes of the files that were packed, and hostile archives as members with a reason."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from classic_eyes.images import read_bytes, read_images
from classic_eyes.images.archives import Member, find_member, is_archive, list_members
from classic_eyes.images.files import IMAGE_ENDINGS
from classic_eyes.synthetic import make_eyes

EYES = [cv2.imencode(".png", image)[1].tobytes() for image in make_eyes(4, random_state=1).images]


def info(name, size=0, kind=tarfile.REGTYPE, **others):
    made = tarfile.TarInfo(name)
    made.size, made.type = size, kind
    for key, value in others.items():
        setattr(made, key, value)
    return made


def pack(path, files, *, style=tarfile.PAX_FORMAT):
    """Write a tar file of names and contents, or of headers alone."""
    with tarfile.open(path, "w", format=style) as tar:
        for name, content in files:
            if isinstance(name, tarfile.TarInfo):
                tar.addfile(name)
            else:
                tar.addfile(info(name, len(content)), io.BytesIO(content))
    return str(path)


@pytest.fixture
def shard(tmp_path):
    return pack(tmp_path / "a.tar", [(f"{k}.png", content) for k, content in enumerate(EYES)])


def listed(path):
    return list(list_members(path, IMAGE_ENDINGS))


def problem_of(path):
    """Return the reason of the last member, which is the archive itself."""
    *_, last = listed(path)
    assert last == path
    return last.problem


@pytest.mark.parametrize("style", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_members_have_the_bytes_that_were_packed(tmp_path, style):
    long = "d" * 60 + "/" + "n" * 120 + ".png" if style != tarfile.USTAR_FORMAT else "d" * 60 + "/" + "n" * 90 + ".png"
    names = ["0.png", "sub/1.PNG", long, "e.jpeg"]
    path = pack(tmp_path / "a.tar", zip(names, EYES, strict=True), style=style)
    found = listed(path)
    assert found == [f"{path}/{name}" for name in names]
    assert [read_bytes(member) for member in found] == EYES
    # By name alone, as in a list file, and in another process.
    assert [read_bytes(f"{path}/{name}") for name in names] == EYES
    assert [read_bytes(each) for each in pickle.loads(pickle.dumps(found))] == EYES


def test_names_of_any_bytes(tmp_path):
    names = ["caf\udce9.png", "new\nline.png", "\N{EYE}.png", "a,b.png"]
    path = pack(tmp_path / "a.tar", zip(names, EYES, strict=True), style=tarfile.GNU_FORMAT)
    assert listed(path) == [f"{path}/{name}" for name in names]
    assert [read_bytes(f"{path}/{name}") for name in names] == EYES


def test_folders_other_files_and_hidden_ones_are_passed_over(tmp_path):
    files = [(info("d", kind=tarfile.DIRTYPE), b""), ("d/a.png", EYES[0]), ("d/a.json", b"{}"), ("d/a.cls", b"1")]
    files += [("d/._a.png", b"x"), (".d/a.png", b"x"), ("./b.png", EYES[1]), ("png", b"x")]
    path = pack(tmp_path / "a.tar", files)
    assert listed(path) == [f"{path}/d/a.png", f"{path}/b.png"]
    assert read_bytes(f"{path}/b.png") == read_bytes(f"{path}/./b.png") == EYES[1]


def test_images_are_read_as_from_files(shard, tmp_path):
    for k, content in enumerate(EYES):
        (tmp_path / f"{k}.png").write_bytes(content)
    expected, _ = read_images([str(tmp_path / f"{k}.png") for k in range(4)])
    images, errors = read_images([*listed(shard), f"{shard}/gone.png", f"{tmp_path}/gone.tar/0.png"])
    np.testing.assert_array_equal(images[:4], expected)
    assert errors == [None] * 4 + ["no such file"] * 2


def test_of_two_members_with_one_name_both_are_listed_and_the_name_is_the_last(tmp_path):
    path = pack(tmp_path / "a.tar", [("a.png", EYES[0]), ("a.png", EYES[1])])
    assert [read_bytes(member) for member in listed(path)] == EYES[:2]
    assert read_bytes(f"{path}/a.png") == EYES[1]


def test_a_member_is_found_in_an_archive_that_changed(shard):
    assert read_bytes(f"{shard}/0.png") == EYES[0]
    pack(shard, [("1.png", EYES[2]), ("0.png", EYES[3])])
    assert read_bytes(f"{shard}/0.png") == EYES[3]


def test_an_archive_is_a_file_with_its_ending(shard, tmp_path):
    (tmp_path / "folder.tar").mkdir()
    (tmp_path / "folder.tar" / "0.png").write_bytes(EYES[2])
    assert is_archive(shard)
    assert not any(map(is_archive, [tmp_path / "folder.tar", f"{shard}/0.png", tmp_path / "gone.tar"]))
    assert read_bytes(tmp_path / "folder.tar" / "0.png") == EYES[2]
    assert find_member(str(tmp_path / "folder.tar" / "1.png")) is None


# -- hostile archives --

LINK = "a link in the archive, which is not followed; pack the file itself"
OUT = "a name in the archive that leads out of it; pack the files again with relative names"
DEVICE = "not a regular file (a pipe or device)"


@pytest.mark.parametrize(
    ("member", "reason"),
    [
        (info("x.png", kind=tarfile.SYMTYPE, linkname="/etc/passwd"), LINK),
        (info("x.png", kind=tarfile.LNKTYPE, linkname="0.png"), LINK),
        (info("x.png", kind=tarfile.FIFOTYPE), DEVICE),
        (info("x.png", kind=tarfile.CHRTYPE, devmajor=1, devminor=5), DEVICE),
        (info("/etc/x.png"), OUT),
        (info("../x.png"), OUT),
        (info("d/../../x.png"), OUT),
        (info("x.png"), "empty file"),
    ],
)
def test_a_member_that_is_no_image_in_the_archive_has_a_reason(tmp_path, member, reason):
    path = pack(tmp_path / "a.tar", [("0.png", EYES[0]), (member, b""), ("1.png", EYES[1])])
    found = listed(path)
    assert len(found) == 3
    assert read_images(found)[1] == [None, reason, None]


def test_a_stated_size_beyond_the_archive_is_cut_off_and_beyond_the_limit_refused(tmp_path):
    for size, reason in ((1 << 40, "larger than 512 MiB"), (600, "cut off: the archive ends before it")):
        path = tmp_path / "a.tar"
        content = EYES[0][:512].ljust(512, b"\0")
        path.write_bytes(info("x.png", size).tobuf(tarfile.GNU_FORMAT) + content)
        first, last = listed(str(path))
        assert read_images([first])[1] == [reason]
        assert last.problem == "the archive is cut off: nothing after byte 512 is read"


@pytest.mark.parametrize("share", [0.2, 0.3, 0.5, 0.7, 0.9])
def test_a_truncated_archive_keeps_what_is_whole_and_says_that_it_is_cut_off(shard, tmp_path, share):
    content = Path(shard).read_bytes().rstrip(b"\0")
    path = tmp_path / "cut.tar"
    path.write_bytes(content[: int(share * len(content))])
    images, errors = read_images(listed(str(path)))
    n_whole = errors.count(None)
    whole, _ = read_images(listed(shard)[:n_whole]) if n_whole else (images[:0], None)
    np.testing.assert_array_equal(images[:n_whole], whole)
    assert errors[-1] is not None
    assert "cut off" in errors[-1]


def test_a_damaged_header_ends_no_archive_silently(shard, tmp_path):
    members = listed(shard)
    content = bytearray(Path(shard).read_bytes())
    content[members[2].offset - 400] ^= 0xFF
    path = tmp_path / "bad.tar"
    path.write_bytes(content)
    found = listed(str(path))
    assert len(found) == 3
    assert "the archive is damaged: nothing after byte" in found[-1].problem


def test_archives_joined_by_cat_are_not_read_silently_in_part(shard, tmp_path):
    path = tmp_path / "two.tar"
    path.write_bytes(Path(shard).read_bytes() * 2)
    assert "several joined by cat are not read" in problem_of(str(path))
    assert len(listed(str(path))) == 5


@pytest.mark.parametrize("content", [b"", b"hello", b"x" * 5000, b"\x1f\x8b" + bytes(range(256)) * 9])
def test_what_is_no_archive_is_one_member_with_a_reason(tmp_path, content):
    path = tmp_path / "a.tar"
    path.write_bytes(content)
    assert problem_of(str(path)) == "not a tar archive, or a compressed one; decompress it first"


def with_number(field, number):
    """Return a header with a number of base 256, which may be negative, in its place of 12 bytes."""
    header = bytearray(info("x.png", 5).tobuf(tarfile.GNU_FORMAT))
    header[field : field + 12] = (number % (1 << 96)).to_bytes(12, "big")
    header[field] = 0xFF if number < 0 else 0x80
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header)


@pytest.mark.parametrize("size", [-512, -1024, -1])
@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_negative_size_ends_the_archive(tmp_path, size, kind):
    bad = bytearray(with_number(124, size))
    bad[156:157] = kind
    bad[148:156] = b" " * 8
    bad[148:156] = f"{sum(bad):06o}\0 ".encode()
    path = tmp_path / "a.tar"
    good = info("0.png", len(EYES[0])).tobuf() + EYES[0] + bytes(-len(EYES[0]) % 512)
    path.write_bytes(good + bytes(bad) + good + bytes(1024))
    found = listed(str(path))
    assert read_images(found)[1][0] is None
    assert len(found) <= 3
    # A size of -1 is none: the header is one of no bytes.
    assert size == -1 or "damaged" in found[-1].problem


def test_a_header_of_many_bytes_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "a.tar"
    with open(path, "wb") as file:
        file.write(info("x", 1 << 33, tarfile.XHDTYPE).tobuf(tarfile.GNU_FORMAT))
        file.truncate(1 << 34)  # sparse: it takes no space
    assert "not a tar archive" in problem_of(str(path))


def test_many_headers_of_one_member_end_the_archive(tmp_path):
    record = b"20 comment=aaaaaaaa\n"
    header = info("x", len(record), tarfile.XHDTYPE).tobuf(tarfile.USTAR_FORMAT) + record.ljust(512, b"\0")
    path = tmp_path / "a.tar"
    good = info("0.png", len(EYES[0])).tobuf() + EYES[0] + bytes(-len(EYES[0]) % 512)
    path.write_bytes(good + header * 5000 + good + bytes(1024))
    found = listed(str(path))
    assert read_bytes(found[0]) == EYES[0]
    assert "damaged" in found[-1].problem


def test_an_archive_that_disappears_is_a_reason(shard, tmp_path):
    members = listed(shard)
    (tmp_path / "a.tar").unlink()
    assert read_images(members)[1] == ["no such file"] * 4
    assert problem_of(shard) == "the archive cannot be read (No such file or directory)"


def test_a_member_tells_its_place(shard):
    member = listed(shard)[1]
    assert isinstance(member, Member)
    with open(member.archive, "rb") as file:
        file.seek(member.offset)
        assert file.read(member.size) == EYES[1]
