"""Photos: what is kept is the picture and nothing else, and what is erased is gone."""

from __future__ import annotations

import struct
import zlib
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lively import Town
from PIL import Image, PngImagePlugin
from store_contract import STORES, new_store

from gridmap.errors import InputError
from gridmap.events import photos

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WIDTH, HEIGHT = 48, 32
RED, GREEN = (220, 30, 30), (30, 180, 60)
SECRETS = (
    b"Exif",
    b"http://ns.adobe.com",
    b"xmp",
    b"SPYCAM",
    b"secret",
    b"ICC_PROFILE",
    b"MPF",
    b"Photoshop",
)
FORMS = ("JPEG", "PNG", "WEBP")


def picture(mode: str = "RGB") -> Image.Image:
    """Red on the left, green on the right: whoever turns it is seen."""
    image = Image.new("RGB", (WIDTH, HEIGHT), RED)
    image.paste(GREEN, (WIDTH // 2, 0, WIDTH, HEIGHT))
    return image.convert(mode)


def exif(orientation: int = 1) -> bytes:
    told = Image.Exif()
    told[0x0112] = orientation
    told[0x010F] = "SPYCAM"
    told.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0secret words"
    told.get_ifd(0x8825).update({1: "N", 2: (29.0, 33.0, 32.4), 3: "E", 4: (106.0, 34.0, 37.2)})
    return told.tobytes()


def written(form: str, orientation: int = 1, mode: str = "RGB", **more: Any) -> bytes:
    """A picture with everything around it that its form can hold."""
    out = BytesIO()
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/">secret place</x:xmpmeta>'
    around: dict[str, Any] = {"exif": exif(orientation), "icc_profile": b"secret profile" * 40}
    if form == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "secret comment")
        text.add_itxt("XML:com.adobe.xmp", xmp.decode(), zip=True)
        around["pnginfo"] = text
    else:
        around["xmp"] = xmp
    if form == "JPEG":
        around |= {"comment": b"secret comment", "quality": 95}
    if form == "WEBP":
        around["lossless"] = True
    picture(mode).save(out, form, **around, **more)
    return out.getvalue() + b"secret behind the end"


def opened(photo: photos.Photo) -> Image.Image:
    image = Image.open(BytesIO(photo.data))
    image.load()
    assert (image.width, image.height) == (photo.width, photo.height)
    return image


def near(image: Image.Image, x: int, y: int) -> tuple[int, int, int]:
    """Which of the two colours a point has."""
    point = image.convert("RGB").getpixel((x, y))
    assert isinstance(point, tuple)
    return min((RED, GREEN), key=lambda colour: sum(abs(a - b) for a, b in zip(colour, point, strict=True)))


# --- what is kept of a photo


@pytest.mark.parametrize("form", FORMS)
def test_nothing_around_a_picture_is_kept(form: str) -> None:
    sent = written(form)
    assert b"secret" in sent
    photo = photos.clean(sent)
    assert photo.media_type == f"image/{form.lower()}"
    assert not [word for word in SECRETS if word in photo.data]
    image = opened(photo)
    assert dict(image.getexif()) == {}
    assert not {"exif", "xmp", "comment", "icc_profile", "XML:com.adobe.xmp", "Comment"} & {*image.info}
    assert (near(image, 4, 9), near(image, WIDTH - 4, 9)) == (RED, GREEN)


def test_a_jpeg_is_its_picture_and_nothing_else() -> None:
    """Segment by segment: tables, frame and scan, and the one that says it is a JPEG."""
    data, place, seen = photos.clean(written("JPEG")).data, 2, []
    assert data[:2] == b"\xff\xd8"
    while data[place + 1] != 0xDA:
        seen.append(data[place + 1])
        place += 2 + struct.unpack(">H", data[place + 2 : place + 4])[0]
    assert set(seen) <= {0xE0, 0xDB, 0xC0, 0xC4}
    assert data.endswith(b"\xff\xd9")


def test_a_png_and_a_webp_hold_only_what_draws_them() -> None:
    png, place, chunks = photos.clean(written("PNG")).data, 8, []
    while place < len(png):
        chunks.append(png[place + 4 : place + 8])
        place += 12 + struct.unpack(">I", png[place : place + 4])[0]
    assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}
    webp = photos.clean(written("WEBP")).data
    assert webp[12:16] in {b"VP8 ", b"VP8L"}
    assert len(webp) == struct.unpack("<I", webp[4:8])[0] + 8


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_upright(form: str, orientation: int) -> None:
    """What Pillow shows of the photo as it was sent is what is kept of it."""
    sent = written(form, orientation)
    kept = opened(photos.clean(sent))
    sides = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}
    spots = {
        "left": (2, kept.height // 2),
        "right": (kept.width - 3, kept.height // 2),
        "top": (kept.width // 2, 2),
        "bottom": (kept.width // 2, kept.height - 3),
    }
    assert kept.size == ((WIDTH, HEIGHT) if orientation < 5 else (HEIGHT, WIDTH))
    assert near(kept, *spots[sides[orientation]]) == RED


def test_of_several_pictures_the_first_is_kept() -> None:
    out = BytesIO()
    second = Image.new("RGB", (WIDTH, HEIGHT), (0, 0, 255))
    picture().save(out, "MPO", save_all=True, append_images=[second], exif=exif(), quality=95)
    photo = photos.clean(out.getvalue())
    assert photo.media_type == "image/jpeg"
    assert len(photo.data) < len(out.getvalue())
    assert not [word for word in SECRETS if word in photo.data]
    assert near(opened(photo), 4, 9) == RED


@pytest.mark.parametrize(
    ("form", "mode", "kept"),
    [
        ("JPEG", "L", "L"),
        ("JPEG", "CMYK", "RGB"),
        ("PNG", "P", "RGB"),
        ("PNG", "1", "1"),
        ("PNG", "RGBA", "RGBA"),
        ("PNG", "I;16", "I;16"),
        ("WEBP", "RGBA", "RGBA"),
    ],
)
def test_pictures_of_many_kinds_are_kept(form: str, mode: str, kept: str) -> None:
    source = picture(mode) if mode != "I;16" else Image.new("I;16", (WIDTH, HEIGHT), 40_000)
    if mode == "RGBA":
        source.putalpha(77)
    out = BytesIO()
    source.save(out, form, **({"lossless": True} if form == "WEBP" else {}))
    image = opened(photos.clean(out.getvalue()))
    assert image.mode == kept
    if mode == "RGBA":
        point = image.getpixel((3, 3))
        assert isinstance(point, tuple)
        assert point[3] == 77


def test_a_colour_that_shines_through_still_does() -> None:
    out = BytesIO()
    picture("P").save(out, "PNG", transparency=picture("P").getpixel((0, 0)))
    image = opened(photos.clean(out.getvalue()))
    assert image.mode == "RGBA"
    assert [image.getpixel((x, 3))[3] for x in (3, WIDTH - 3)] == [0, 255]  # type: ignore[index] # of RGBA


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow says what it thinks of it
def test_broken_exif_does_not_cost_a_picture() -> None:
    out = BytesIO()
    picture().save(out, "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff rubbish")
    assert photos.clean(out.getvalue()).width == WIDTH


def test_a_small_file_with_a_billion_points_is_refused_before_it_is_decoded() -> None:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    for side in (7_100, 12_000, 40_000):
        head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
        bomb = b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
        with pytest.raises(InputError, match="more than 50,000,000"):
            photos.clean(bomb)


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "PPM"])
def test_other_pictures_are_refused(form: str) -> None:
    out = BytesIO()
    picture().save(out, form)
    with pytest.raises(InputError, match="no picture that can be read here"):
        photos.clean(out.getvalue())


@pytest.mark.parametrize("form", FORMS)
def test_a_cut_photo_is_refused(form: str) -> None:
    out = BytesIO()
    Image.effect_noise((200, 150), 90).convert("RGB").save(out, form)
    with pytest.raises(InputError):
        photos.clean(out.getvalue()[: len(out.getvalue()) // 2])


SENT = {form: written(form, 6) for form in FORMS}


@given(st.sampled_from(FORMS), st.data())
def test_whatever_comes_is_a_photo_or_an_input_error(form: str, data: st.DataObject) -> None:
    sent = bytearray(SENT[form])
    for place in data.draw(st.lists(st.integers(0, len(sent) - 1), max_size=6)):
        sent[place] = data.draw(st.integers(0, 255))
    cut = bytes(sent[: data.draw(st.integers(0, len(sent)))])
    with suppress(InputError):
        assert not [word for word in (b"SPYCAM", b"secret") if word in photos.clean(cut).data]


# --- over HTTP


@pytest.fixture(name="town")
def _town(tmp_path: Path) -> Iterator[Town]:
    town = Town(tmp_path)
    yield town
    town.close()


def test_a_photo_is_sent_and_seen(town: Town) -> None:
    said = town.send(written("JPEG", 6))
    assert (said["media_type"], said["width"], said["height"]) == ("image/jpeg", HEIGHT, WIDTH)
    reply = town.ask(f"/attachments/{said['id']}")
    assert reply.headers["Content-Type"] == "image/jpeg"
    assert reply.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in reply.headers
    assert len(reply.get_data()) == said["size"]
    assert b"SPYCAM" not in reply.get_data()


def test_what_a_photo_is_its_content_says(town: Town) -> None:
    assert town.send(written("PNG"), "image/jpeg")["media_type"] == "image/png"


def test_the_same_photo_twice_is_two(town: Town) -> None:
    assert town.send(SENT["PNG"])["id"] != town.send(SENT["PNG"])["id"]


def test_what_is_no_photo_is_refused(town: Town) -> None:
    assert town.send(b"<svg onload='x'/>", status=400)["parameter"] == "photo"
    assert "image/webp" in town.send(SENT["PNG"], "text/html", 415)["detail"]
    assert town.json("/attachments/nobody", 404)["type"] == "/problems#not-found"
    town.post("/attachments/nobody/erase", {}, 404)


def test_a_photo_larger_than_the_setting_is_413(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDMAP_PHOTO_BYTES", "100")
    town = Town(tmp_path)
    try:
        problem = town.send(SENT["JPEG"], status=413)
        assert problem["limit"] == 100
        assert "GRIDMAP_PHOTO_BYTES" in problem["detail"]
    finally:
        town.close()


def test_an_erased_photo_is_gone_and_says_so(town: Town) -> None:
    noise = Image.effect_noise((64, 64), 90).convert("RGB")
    out = BytesIO()
    noise.save(out, "PNG")
    id_ = town.send(out.getvalue(), "image/png")["id"]
    kept = town.ask(f"/attachments/{id_}").get_data()
    assert town.post(f"/attachments/{id_}/erase", {}) == {"id": id_, "erased": True}
    assert town.post(f"/attachments/{id_}/erase", {}) == {"id": id_, "erased": False}
    assert town.json(f"/attachments/{id_}", 410)["type"] == "/problems#erased"
    row = town.affairs.attachments.get(id_)
    assert row is not None
    assert (row.data, row.size, row.media_type) == (None, len(kept), "image/png")
    assert row.erased_ms is not None
    assert row.erased_ms >= row.stored_ms


def test_erasing_takes_a_body_of_json_that_says_nothing(town: Town) -> None:
    id_ = town.send(SENT["PNG"])["id"]
    town.ask(f"/attachments/{id_}/erase", 415, "POST")
    town.ask(f"/attachments/{id_}/erase", 415, "POST", data={"a": "b"})
    assert town.post(f"/attachments/{id_}/erase", {"why": "x"}, 400)["parameter"] == "why"
    town.ask(f"/attachments/{id_}")


def test_an_event_is_erased_of_people_and_stays(town: Town) -> None:
    mine, other = (town.send(SENT[form])["id"] for form in ("JPEG", "PNG"))
    event = {
        "id": "a-1",
        "source": "app/1",
        "class": "城市管理",
        "photos": [mine, "f" * 32],
        "reporter": {"name": "王伟", "phone": "13800000000"},
    }
    seq = town.post("/events", event, 201)["seq"]
    assert town.post(f"/events/{seq}/erase", {}) == {"seq": seq, "reporter": True, "photos": [mine]}
    assert town.post(f"/events/{seq}/erase", {}) == {"seq": seq, "reporter": False, "photos": []}
    assert town.affairs.book.personal("app%2F1/a-1") is None
    town.ask(f"/attachments/{mine}", 410)
    town.ask(f"/attachments/{other}")
    assert town.json(f"/events/{seq}")["photos"] == event["photos"]
    town.post("/events/999/erase", {}, 404)


@pytest.mark.parametrize("kind", STORES)
def test_the_book_knows_its_photos(kind: str, tmp_path: Path) -> None:
    with new_store(kind, tmp_path) as spec, spec.open() as store:
        book = store.attachments
        book.add("a", "image/png", b"one", 5)
        book.add("b", "image/png", b"two", 6)
        assert book.known(["b", "c", "a"]) == {"a", "b"}
        assert book.known([]) == set()
        assert book.erase(["c", "b", "b"], 9) == ["b"]
        assert book.get("b") == ("b", "image/png", 3, None, 6, 9)
        assert book.get("a") == ("a", "image/png", 3, b"one", 5, None)
        assert book.get("c") is None
        assert book.known(["b"]) == {"b"}
