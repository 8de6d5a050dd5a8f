"""Image files of every kind, each with what a person sees in it, for the differential test.

The reference comes from Pillow, or from the values that were written. ``python -m tests.images.image_files`` prints the
table of refused files of docs/robustness.md.
"""

from __future__ import annotations

import io
import re
import struct
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms, ImageOps

from classic_eyes.errors import ImageError
from classic_eyes.images.decoding import decode, quiet_opencv
from classic_eyes.synthetic import make_eyes

SHAPE = (36, 48)


class Case(NamedTuple):
    """A file, and its RGB values (h, w, 3) in 0..255 as a person sees them."""

    name: str
    data: bytes
    seen: np.ndarray


def _eyes() -> np.ndarray:
    """Return an RGB image of unlike channels; no turn or mirroring leaves it unchanged."""
    eyes = make_eyes(3, random_state=1).images
    height, width = SHAPE
    return np.stack([cv2.resize(eye, (width, height), interpolation=cv2.INTER_CUBIC) for eye in eyes], axis=-1)


RGB = _eyes()
GREY = np.ascontiguousarray(RGB[..., 0])
ALPHA = np.full(SHAPE, 90, np.uint8)


def _grey3(grey: np.ndarray) -> np.ndarray:
    return np.repeat(np.asarray(grey, dtype=float)[..., np.newaxis], 3, axis=-1)


def all_cases() -> Iterator[Case]:
    """Yield every file."""
    yield from _of_pillow()
    yield from _turned()
    yield from _tiffs()
    yield from _packed_tiffs()
    yield from _pnms()
    yield from _deep()
    yield from _bmps()


# -- written and read by Pillow --


def _seen_by_pillow(data: bytes) -> np.ndarray:
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode.startswith("I;16"):
        return _grey3(np.asarray(image) / 257)
    if image.mode == "F":
        return _grey3(np.asarray(image) * 255)
    if image.mode == "I":
        values = np.asarray(image)
        return _grey3(values / 257 if values.max() > 255 else values)
    if image.mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        return np.asarray(ImageCms.profileToProfile(image, lab, srgb, outputMode="RGB"), dtype=float)
    transparent = "A" in image.getbands() or "transparency" in image.info
    return np.asarray(image.convert("RGBA" if transparent else "RGB"), dtype=float)[..., :3]


_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 100, "subsampling": 0},
    "WEBP": {"lossless": True},
    "AVIF": {"quality": 100, "subsampling": "4:4:4"},
}


def _saved(image: Image.Image, form: str, **options: Any) -> bytes | None:
    buffer = io.BytesIO()
    try:
        image.save(buffer, form, **{**_OPTIONS.get(form, {}), **options})
    except (OSError, KeyError, ValueError, TypeError):  # Pillow cannot write this mode in this format
        return None
    return buffer.getvalue()


def _images() -> dict[str, Image.Image]:
    rgb, grey, alpha = Image.fromarray(RGB), Image.fromarray(GREY), Image.fromarray(ALPHA)
    rgba, grey_alpha = rgb.copy(), grey.copy()
    rgba.putalpha(alpha)
    grey_alpha.putalpha(alpha)
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    modes = {mode: rgb.convert(mode) for mode in ("P", "CMYK", "YCbCr", "RGBX")}
    return modes | {
        "1": grey.convert("1"),
        "L": grey,
        "LA": grey_alpha,
        "RGB": rgb,
        "RGBA": rgba,
        "LAB": ImageCms.profileToProfile(rgb, srgb, lab, outputMode="LAB"),
        "I;16": Image.fromarray(GREY.astype(np.uint16) * 257),
        "I": Image.fromarray(GREY.astype(np.int32)),
        "F": Image.fromarray((GREY / 255).astype(np.float32)),
    }


def _of_pillow() -> Iterator[Case]:
    images = _images()
    tries: list[tuple[str, Image.Image, str, dict[str, Any]]] = []
    for form in ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "PPM", "JPEG2000"):
        tries += [(f"{form} {mode}", image, form, {}) for mode, image in images.items() if (form, mode) != ("PPM", "I")]
    modes_of: dict[str, tuple[str, ...]] = {"jpeg": ("L", "RGB", "RGBA", "CMYK", "YCbCr")}
    modes_of |= {"group3": ("1",), "group4": ("1",)}
    for compression in ("tiff_lzw", "tiff_deflate", "packbits", "zstd", "lzma"):
        modes_of[compression] = ("1", "L", "RGB", "RGBA", "CMYK", "I;16", "YCbCr")
    for compression, modes in modes_of.items():
        tries += [(f"TIFF {mode} {compression}", images[mode], "TIFF", {"compression": compression}) for mode in modes]
    for transparency in (0, 5, bytes([9] * 256)):
        tries.append((f"PNG P tRNS {str(transparency)[:4]}", images["P"], "PNG", {"transparency": transparency}))
    tries.append(("GIF P transparent", images["P"], "GIF", {"transparency": 3}))
    tries.append(("PNG L tRNS", images["L"], "PNG", {"transparency": int(GREY[3, 3])}))
    tries.append(("PNG RGB tRNS", images["RGB"], "PNG", {"transparency": tuple(map(int, RGB[3, 3]))}))
    tries += [(f"PNG P {bits} bits", images["RGB"].quantize(2**bits), "PNG", {"bits": bits}) for bits in (1, 2, 4)]
    tries.append(("JPEG stored as RGB", images["RGB"], "JPEG", {"keep_rgb": True}))
    tries.append(("JPEG progressive", images["RGB"], "JPEG", {"progressive": True}))
    tries.append(("GIF of several images", images["P"], "GIF", {"save_all": True, "append_images": [images["L"]]}))
    tries.append(("TIFF of several pages", images["RGB"], "TIFF", {"save_all": True, "append_images": [images["L"]]}))
    tries.append(("WEBP of several images", images["RGB"], "WEBP", {"save_all": True, "append_images": [images["L"]]}))
    for name, image, form, options in tries:
        data = _saved(image, form, **options)
        if data is not None:
            yield Case(name, data, _seen_by_pillow(data))


def _turned() -> Iterator[Case]:
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[274] = orientation
        for form in ("JPEG", "PNG", "WEBP", "AVIF"):
            for mode in ("RGB", "L", "RGBA"):
                data = _saved(_images()[mode], form, exif=exif.tobytes())
                if data is not None:
                    yield Case(f"{form} {mode} orientation {orientation}", data, _seen_by_pillow(data))


# -- TIFF, by tifffile --


def turned(seen: np.ndarray, orientation: int) -> np.ndarray:
    """Return an image as the TIFF tag Orientation says that it is seen."""
    image = Image.fromarray(seen.astype(np.uint8))
    image.getexif()[274] = orientation
    return np.asarray(ImageOps.exif_transpose(image), dtype=float)


_SCALES = {"uint8": 1, "uint16": 257, "uint32": 16843009, "float32": 1 / 255, "float64": 1 / 255}
_SCALES |= {"float16": 1 / 255, "int8": 0.4, "int16": 1, "int32": 1, "uint64": 1}


def _tiff(name: str, values: np.ndarray, seen: np.ndarray, **options: Any) -> Iterator[Case]:
    buffer = io.BytesIO()
    try:
        tifffile.imwrite(buffer, values, **options)
    except (ValueError, TypeError):
        return
    yield Case(name, buffer.getvalue(), seen)


def _tiffs() -> Iterator[Case]:
    for dtype, scale in _SCALES.items():
        grey, rgb = ((image * float(scale)).astype(dtype) for image in (GREY, RGB))
        alpha = (ALPHA * float(scale)).astype(dtype)
        seen_grey, seen_rgb = _grey3(GREY), RGB.astype(float)
        if dtype == "int8":  # seen as it is: integers are levels of 0..255
            seen_grey, seen_rgb = _grey3(grey), rgb.astype(float)
        for order in "<>":
            start = f"TIFF {order}{dtype}"
            more = {"byteorder": order}
            yield from _tiff(f"{start} black is zero", grey, seen_grey, photometric="minisblack", **more)
            white = 255 - _grey3(GREY) if dtype != "int8" else 127 - seen_grey
            yield from _tiff(f"{start} white is zero", grey, white, photometric="miniswhite", **more)
            yield from _tiff(f"{start} RGB", rgb, seen_rgb, photometric="rgb", **more)
            apart = np.ascontiguousarray(np.moveaxis(rgb, -1, 0))
            yield from _tiff(f"{start} RGB planes", apart, seen_rgb, photometric="rgb", planarconfig="separate", **more)
            for extra in ("unassalpha", "assocalpha", "unspecified"):
                extras = {"extrasamples": [extra], **more}
                yield from _tiff(f"{start} RGB {extra}", np.dstack([rgb, alpha]), seen_rgb, photometric="rgb", **extras)
                planes = np.stack([*apart, alpha])
                extras["planarconfig"] = "separate"
                yield from _tiff(f"{start} RGB {extra} planes", planes, seen_rgb, photometric="rgb", **extras)
                extras["planarconfig"] = "contig"
                both = np.dstack([grey, alpha])
                yield from _tiff(f"{start} grey {extra}", both, seen_grey, photometric="minisblack", **extras)
        for orientation in range(2, 9):
            tag = [(274, "H", 1, orientation, True)]
            start = f"TIFF {dtype} orientation {orientation}"
            if dtype != "int8":
                yield from _tiff(f"{start} grey", grey, turned(_grey3(GREY), orientation), extratags=tag)
                yield from _tiff(f"{start} RGB", rgb, turned(RGB, orientation), photometric="rgb", extratags=tag)
        yield from _tiff(f"TIFF {dtype} tiles", grey, seen_grey, tile=(16, 16))
        yield from _tiff(f"TIFF {dtype} RGB tiles", rgb, seen_rgb, tile=(16, 16), photometric="rgb")
        yield from _tiff(f"TIFF {dtype} strips", grey, seen_grey, rowsperstrip=5)
        yield from _tiff(f"TIFF {dtype} zlib", rgb, seen_rgb, compression="zlib", photometric="rgb")
        yield from _tiff(f"TIFF {dtype} BigTIFF", rgb, seen_rgb, bigtiff=True, photometric="rgb")
        five = np.dstack([rgb, alpha, alpha])
        yield from _tiff(f"TIFF {dtype} five channels", five, seen_rgb, photometric="rgb", planarconfig="contig")
    colours = np.arange(256, dtype=np.uint16)
    colormap = np.stack([255 - colours, colours, colours // 2]) * np.uint16(257)
    seen = np.moveaxis(colormap[:, GREY] / 257, 0, -1)
    yield from _tiff("TIFF palette", GREY, seen, photometric="palette", colormap=colormap)


def packed_tiff(values: np.ndarray, bits: int, **tags: int) -> bytes:
    """Return a TIFF of one strip with any number of bits a channel, and any further tags, by number as ``t262=0``."""
    height, width = values.shape[:2]
    rows = values.reshape(height, -1)
    binary = ((rows[..., np.newaxis] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8).reshape(height, -1)
    strip = np.packbits(binary, axis=1).tobytes()
    samples = values.shape[2] if values.ndim == 3 else 1
    entries = {256: width, 257: height, 259: 1, 262: 1, 273: 8, 277: samples, 278: height, 279: len(strip)}
    entries |= {258: bits} | {int(name[1:]): value for name, value in tags.items()}
    # More than one value of 16 bits does not fit beside the tag; all channels have the same number of bits.
    start, tail = 8 + len(strip) + len(strip) % 2, b""
    directory = struct.pack(">H", len(entries))
    place = start + 2 + 12 * len(entries) + 4
    for tag, value in sorted(entries.items()):
        if tag == 258 and samples > 2:
            directory += struct.pack(">HHII", tag, 3, samples, place + len(tail))
            tail += struct.pack(f">{samples}H", *[value] * samples)
        elif tag == 258 and samples == 2:
            directory += struct.pack(">HHIHH", tag, 3, 2, value, value)
        elif tag in (273, 279):
            directory += struct.pack(">HHII", tag, 4, 1, value)
        else:
            directory += struct.pack(">HHIHH", tag, 3, 1, value, 0)
    head = b"MM\0*" + struct.pack(">I", start)
    return head + strip + b"\0" * (len(strip) % 2) + directory + b"\0\0\0\0" + tail


def _packed_tiffs() -> Iterator[Case]:
    for bits in (1, 2, 3, 4, 6, 8, 10, 12, 14, 16):
        white = (1 << bits) - 1
        grey, rgb = (np.rint(image / 255 * white).astype(np.int64) for image in (GREY, RGB))
        seen_grey, seen_rgb = np.rint(grey / white * 255), np.rint(rgb / white * 255)
        yield Case(f"TIFF {bits} bits black is zero", packed_tiff(grey, bits), _grey3(seen_grey))
        yield Case(f"TIFF {bits} bits white is zero", packed_tiff(grey, bits, t262=0), _grey3(255 - seen_grey))
        yield Case(f"TIFF {bits} bits RGB", packed_tiff(rgb, bits, t262=2), seen_rgb)
        alpha = np.full((*SHAPE, 1), white // 3)
        both = np.dstack([grey[..., np.newaxis], alpha])
        for extra in (0, 1, 2):
            data = packed_tiff(both, bits, t338=extra)
            yield Case(f"TIFF {bits} bits grey, extra channel {extra}", data, _grey3(seen_grey))
            data = packed_tiff(both, bits, t338=extra, t262=0)
            yield Case(f"TIFF {bits} bits white is zero, extra channel {extra}", data, _grey3(255 - seen_grey))
            data = packed_tiff(np.dstack([rgb, alpha]), bits, t262=2, t338=extra)
            yield Case(f"TIFF {bits} bits RGB, extra channel {extra}", data, seen_rgb)
        cmyk = np.asarray(Image.fromarray(RGB).convert("CMYK"), dtype=float)
        deep = np.rint(cmyk / 255 * white).astype(np.int64)
        seen = np.asarray(Image.fromarray(cmyk.astype(np.uint8), "CMYK").convert("RGB"), dtype=float)
        yield Case(f"TIFF {bits} bits CMYK", packed_tiff(deep, bits, t262=5, t332=1), seen)


# -- PNM and PFM, by their definition --


def _pnms() -> Iterator[Case]:
    height, width = SHAPE
    for white in (1, 7, 100, 127, 254, 255, 256, 511, 1000, 1023, 4095, 16383, 32768, 65534, 65535):
        for colour in (False, True):
            values = np.rint((RGB if colour else GREY) / 255 * white).astype(int)
            seen = np.rint(values / white * 255)
            seen = seen if colour else _grey3(seen)
            text = " ".join(map(str, values.ravel())).encode()
            raw = values.astype(">u2" if white > 255 else "u1").tobytes()
            for kind, content in ((3, text), (6, raw)) if colour else ((2, text), (5, raw)):
                head = f"P{kind}\n# a comment\n{width} {height}\n{white}\n".encode()
                yield Case(f"P{kind} to {white}", head + content, seen)
                if kind < 4:
                    yield Case(f"P{kind} to {white}, ended by a newline", head + content + b"\n", seen)
    bits = (GREY < 120).astype(np.uint8)
    head = f"{width} {height}\n".encode()
    packed = np.packbits(bits, axis=1).tobytes()
    yield Case("P4", b"P4\n" + head + packed, _grey3(255 * (1 - bits.astype(int))))
    yield Case("P1", b"P1\n" + head + " ".join(map(str, bits.ravel())).encode(), _grey3(255 * (1 - bits.astype(int))))
    yield Case(
        "P1 without spaces", b"P1\n" + head + "".join(map(str, bits.ravel())).encode(), _grey3(255 - 255.0 * bits)
    )
    for scale in (-1.0, 1.0, -2.0, 0.5):
        order = "<f4" if scale < 0 else ">f4"
        for kind, image in ((b"Pf", GREY), (b"PF", RGB)):
            data = kind + b"\n%d %d\n%f\n" % (width, height, scale) + (image[::-1] / 255).astype(order).tobytes()
            seen = image.astype(float) if image.ndim == 3 else _grey3(image)
            yield Case(f"{kind.decode()} scale {scale:g}", data, seen)


# -- deep images, by OpenCV; BMP by its definition --


def _deep() -> Iterator[Case]:
    bgr16 = np.ascontiguousarray(RGB[..., ::-1]).astype(np.uint16) * 257
    alpha16 = np.full((*SHAPE, 1), 90 * 257, np.uint16)
    for ending in (".png", ".jp2", ".tif"):
        for name, values, seen in (
            ("grey", GREY.astype(np.uint16) * 257, _grey3(GREY)),
            ("RGB", bgr16, RGB.astype(float)),
            ("RGBA", np.dstack([bgr16, alpha16]), RGB.astype(float)),
        ):
            if ending == ".jp2" and name == "RGBA":
                continue
            options = [cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 1000] if ending == ".jp2" else []
            yield Case(f"{ending} {name} of 16 bits", cv2.imencode(ending, values, options)[1].tobytes(), seen)
    for depth in (8, 10, 12):
        options = [cv2.IMWRITE_AVIF_QUALITY, 100, cv2.IMWRITE_AVIF_DEPTH, depth]
        values = np.ascontiguousarray(RGB[..., ::-1]).astype(np.uint16)
        values = values.astype(np.uint8) if depth == 8 else np.rint(values / 255 * ((1 << depth) - 1)).astype(np.uint16)
        done, data = cv2.imencode(".avif", values, options)
        if done:
            yield Case(f"AVIF of {depth} bits", data.tobytes(), _seen_by_pillow(data.tobytes()))


def _bmps() -> Iterator[Case]:
    height, width = SHAPE
    bgr = np.ascontiguousarray(RGB[..., ::-1])
    for top_down in (False, True):
        head = struct.pack("<IiiHHIIiiII", 40, width, -height if top_down else height, 1, 24, 0, 0, 0, 0, 0, 0)
        rows = bgr if top_down else bgr[::-1]
        data = b"BM" + struct.pack("<IHHI", 54 + rows.nbytes, 0, 0, 54) + head + rows.tobytes()
        yield Case(f"BMP of 24 bits, {'top' if top_down else 'bottom'} row first", data, RGB.astype(float))
    five = bgr.astype(np.uint16) >> 3
    words = (five[..., 2] << 10 | five[..., 1] << 5 | five[..., 0])[::-1].astype("<u2")
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 16, 0, 0, 0, 0, 0, 0)
    data = b"BM" + struct.pack("<IHHI", 54 + words.nbytes, 0, 0, 54) + head + words.tobytes()
    yield Case("BMP of 16 bits", data, np.rint((RGB >> 3) * (255 / 31)))


# -- the table of the documents --


def refused() -> str:
    """Return the reasons of the files that are refused as a table, reasons that differ in the bits in one row."""
    bits: dict[str, set[int]] = defaultdict(set)
    count: dict[str, int] = defaultdict(int)
    with quiet_opencv():
        for case in all_cases():
            try:
                decode(case.data, colour=False, max_pixels=10**6)
            except ImageError as error:
                reason = str(error)
                stated = re.search(r"(\d+) bits", reason.split(";")[0])
                if stated is not None:
                    reason = reason.replace(f"{stated[1]} bits", "N bits", 1)
                    bits[reason].add(int(stated[1]))
                count[reason] += 1
    rows = [
        f"| {reason} | {', '.join(map(str, sorted(bits[reason]))) or '-'} | {count[reason]} |"
        for reason in sorted(count)
    ]
    return "\n".join(["| reason | N | files tried |", "|---|---|---|", *rows]) + "\n"


if __name__ == "__main__":
    print(refused(), end="")
