"""Key rings and where they are kept: made whole, refused when unsafe, rotated, destroyed."""

import os
import stat
from datetime import date

import pytest

from governance.keys import custody
from governance.keys.custody import (
    EnvironmentSource,
    FileSource,
    HalvesSource,
    WrappedSource,
    add_epoch,
    join_halves,
    key_source,
    load_ring,
    new_ring,
    remove_epoch,
)
from governance.keys.permissions import sddl_lets_others_in
from governance.keys.ring import KINDS, refuse_shared
from schemas.errors import KeyProblem

TODAY = date(2026, 11, 22)
SECRET = bytes.fromhex("8d1f6c02b75e93aa40c7f5160b2e9d7183ca5e6f04d2b89917ea3c50f8b6d421")
LINE = f"cohort-journeys-key 1 identifier epoch=1 made=2026-11-22 {SECRET.hex()}"


class Mask:
    """A key service that turns every bit round, and remembers nothing."""

    def wrap(self, secret):
        return bytes(byte ^ 0xFF for byte in secret)

    unwrap = wrap


class Broken(Mask):
    def unwrap(self, wrapped):
        raise RuntimeError(wrapped.hex())


@pytest.fixture
def service(monkeypatch):
    monkeypatch.setattr(
        custody, "key_service", lambda name: {"mask": Mask, "broken": Broken}[name]()
    )


@pytest.fixture(params=["file", "halves", "wrapped"])
def source(request, tmp_path, service):
    return {
        "file": FileSource(tmp_path / "keys" / "a.key"),
        "halves": HalvesSource(tmp_path / "one" / "half.key", tmp_path / "two" / "half.key"),
        "wrapped": WrappedSource(tmp_path / "a.key", "mask"),
    }[request.param]


def write(path, text, mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return FileSource(path)


def test_a_new_key_is_whole_random_and_ours_alone(source):
    new_ring(source, "identifier", TODAY)
    ring = load_ring(source, "identifier")
    assert ring.epochs == (1,)
    assert ring.made == {1: TODAY}
    for path in source.files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert ring.root(1).secret.hex() not in path.read_text() or isinstance(source, FileSource)


def test_a_key_is_never_overwritten(source):
    new_ring(source, "identifier", TODAY)
    before = [path.read_bytes() for path in source.files]
    with pytest.raises(KeyProblem, match="already"):
        new_ring(source, "identifier", TODAY)
    assert [path.read_bytes() for path in source.files] == before


def test_rotation_adds_an_epoch_and_destruction_takes_one_away(source):
    new_ring(source, "identifier", TODAY)
    old = load_ring(source, "identifier").root(1)
    assert add_epoch(source, "identifier", TODAY) == 2
    both = load_ring(source, "identifier")
    assert both.epochs == (1, 2)
    assert both.root(1) == old != both.root(2)
    assert both.fingerprint(1) != both.fingerprint(2)
    remove_epoch(source, "identifier", 1)
    left = load_ring(source, "identifier")
    assert left.epochs == (2,)
    assert left.root(2) == both.root(2)
    with pytest.raises(KeyProblem, match="epoch 1"):
        left.root(1)
    remove_epoch(source, "identifier", 2)
    assert not any(path.exists() for path in source.files)
    for path in source.files:
        assert list(path.parent.iterdir()) == []


def test_what_is_destroyed_is_written_over_in_its_place(tmp_path):
    source = FileSource(tmp_path / "a.key")
    new_ring(source, "store", TODAY)
    add_epoch(source, "store", TODAY)
    with source.path.open("rb") as old:
        secret = load_ring(source, "store").root(1).secret.hex()
        assert secret.encode() in old.read()
        remove_epoch(source, "store", 1)
        old.seek(0)
        assert set(old.read()) == {0}


def test_a_lost_rename_loses_no_epoch(tmp_path, monkeypatch):
    source = FileSource(tmp_path / "a.key")
    new_ring(source, "store", TODAY)
    add_epoch(source, "store", TODAY)

    def refuse(path, text):
        raise OSError

    monkeypatch.setattr(custody, "_replace", refuse)
    with pytest.raises(KeyProblem, match="written"):
        remove_epoch(source, "store", 1)
    assert load_ring(source, "store").epochs == (1, 2)


def test_one_half_alone_or_halves_of_two_keys_are_refused(tmp_path):
    sources = [
        HalvesSource(tmp_path / f"{name}-1.key", tmp_path / f"{name}-2.key") for name in "ab"
    ]
    for source in sources:
        new_ring(source, "identifier", TODAY)
    mixed = load_ring(HalvesSource(sources[0].first, sources[1].second), "identifier")
    assert mixed.root(1) != load_ring(sources[0], "identifier").root(1)
    for first, second in ((sources[0].first, sources[1].first), (sources[0].first,) * 2):
        with pytest.raises(KeyProblem):
            load_ring(HalvesSource(first, second), "identifier")
    with pytest.raises(KeyProblem, match="whole"):
        load_ring(FileSource(sources[0].first), "identifier")


def test_halves_come_together_in_either_order(tmp_path):
    source = HalvesSource(tmp_path / "1.key", tmp_path / "2.key")
    new_ring(source, "identifier", TODAY)
    turned = HalvesSource(source.second, source.first)
    assert load_ring(source, "identifier") == load_ring(turned, "identifier")


def test_a_weak_half_is_refused():
    with pytest.raises(KeyProblem, match="regular"):
        join_halves(SECRET, bytes(32))


def test_an_environment_secret_is_read_and_never_written(monkeypatch):
    source = EnvironmentSource("JOURNEYS_TEST_KEY")
    monkeypatch.delenv("JOURNEYS_TEST_KEY", raising=False)
    with pytest.raises(KeyProblem, match="not set"):
        load_ring(source, "identifier")
    second = LINE.replace("epoch=1", "epoch=2").replace("8d1f", "1f8d")
    monkeypatch.setenv("JOURNEYS_TEST_KEY", f"{LINE};{second}")
    assert load_ring(source, "identifier").epochs == (1, 2)
    for change in (add_epoch, lambda s, k, t: remove_epoch(s, k, 1)):
        with pytest.raises(KeyProblem, match="secret manager"):
            change(source, "identifier", TODAY)


def test_a_key_service_that_fails_gives_nothing_away(tmp_path, service):
    source = WrappedSource(tmp_path / "a.key", "mask")
    new_ring(source, "store", TODAY)
    with pytest.raises(KeyProblem, match="does not unwrap") as caught:
        load_ring(WrappedSource(source.path, "broken"), "store")
    assert caught.value.__context__ is None
    assert source.path.read_text().split()[-1] not in str(caught.value)


def test_an_unknown_key_service_is_refused():
    with pytest.raises(KeyProblem, match="No installed package"):
        custody.key_service("nobody")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        "secret",
        LINE[:-2],
        LINE[:-1] + "z",
        LINE + "\n" + LINE,
        LINE.replace("epoch=1", "epoch=0"),
        LINE.replace("2026-11-22", "2026-13-22"),
        LINE.replace(SECRET.hex(), "00" * 32),
        LINE.replace(SECRET.hex(), "ab" * 16 + "cd" * 16),
        LINE.replace(SECRET.hex(), bytes(range(32)).hex()),
        LINE.replace("cohort-journeys-key", "cohort-journeys-half-1"),
        LINE + "\n" + LINE.replace("epoch=1", "epoch=2"),
        "\x00\xff",
    ],
)
def test_empty_short_default_repeated_and_published_keys_are_refused(tmp_path, text):
    with pytest.raises(KeyProblem) as caught:
        load_ring(write(tmp_path / "a.key", text), "identifier")
    assert SECRET.hex()[:20] not in str(caught.value)


def test_a_key_of_another_kind_is_refused(tmp_path):
    source = write(tmp_path / "a.key", LINE)
    assert load_ring(source, "identifier").roots[1].secret == SECRET
    for kind in set(KINDS) - {"identifier"}:
        with pytest.raises(KeyProblem, match=f"not the {kind} key"):
            load_ring(source, kind)


def test_two_kinds_with_one_secret_are_refused(tmp_path):
    one = load_ring(write(tmp_path / "a.key", LINE), "identifier")
    other = load_ring(write(tmp_path / "b.key", LINE.replace("identifier", "store")), "store")
    refuse_shared([one])
    with pytest.raises(KeyProblem, match="the same"):
        refuse_shared([one, other])


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_others_can_reach_is_refused(tmp_path, mode):
    with pytest.raises(KeyProblem, match="read by others"):
        load_ring(write(tmp_path / "a.key", LINE, mode), "identifier")


def test_a_missing_key_says_what_to_do(tmp_path):
    with pytest.raises(KeyProblem, match="custodian"):
        load_ring(FileSource(tmp_path / "gone.key"), "identifier")


@pytest.mark.skipif(os.name == "nt", reason="a folder opens otherwise on Windows")
def test_a_folder_or_pipe_is_no_key(tmp_path):
    (tmp_path / "a.key").mkdir()
    with pytest.raises(KeyProblem):
        load_ring(FileSource(tmp_path / "a.key"), "identifier")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("keys/a.key", FileSource),
        ("env:NAME", EnvironmentSource),
        ({"halves": ["a", "b"]}, HalvesSource),
        ({"wrapped": "a", "service": "vault"}, WrappedSource),
    ],
)
def test_each_source_can_be_named(tmp_path, said, expected):
    assert isinstance(key_source(said, tmp_path), expected)


@pytest.mark.parametrize(
    "said",
    ["", "env:", "env:a b", 3, None, {}, {"halves": ["a"]}, {"halves": ["a", "a"]},
     {"halves": ["a", "b"], "more": 1}, {"wrapped": "a"}],
)  # fmt: skip
def test_anything_else_is_no_source(tmp_path, said):
    with pytest.raises(ValueError, match="is not a file"):
        key_source(said, tmp_path)


OWNER = "S-1-5-21-1-2-3-1001"


@pytest.mark.parametrize(
    ("entries", "open_to_others"),
    [
        (f"D:P(A;;FA;;;{OWNER})", False),
        (f"D:PAI(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;{OWNER})", False),
        (f"D:AI(D;;FA;;;WD)(A;;FA;;;{OWNER})", False),
        ("D:P", False),
        (f"D:AI(A;ID;FA;;;SY)(A;ID;0x1200a9;;;BU)(A;;FA;;;{OWNER})", True),
        ("D:(A;;FR;;;WD)", True),
        ("D:(A;;FR;;;S-1-5-21-1-2-3-1002)", True),
        ("D:(OA;;FR;;;AU)", True),
        ("D:NO_ACCESS_CONTROL", True),
        ("", True),
        ("D:(A;;FR)", True),
    ],
)
def test_a_windows_list_that_lets_others_in_is_seen(entries, open_to_others):
    assert sddl_lets_others_in(f"O:{OWNER}{entries}") is open_to_others


def test_a_windows_descriptor_that_does_not_read_is_open():
    assert sddl_lets_others_in("")
