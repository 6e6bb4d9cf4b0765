"""Key rings and where they are kept: made whole, refused when unsafe, rotated, destroyed."""

import os
import shutil
import stat
from datetime import date
from pathlib import Path

import pytest
from dying import killed_before

from governance.keys import custody, files
from governance.keys.custody import (
    EnvironmentSource,
    FileSource,
    HalvesSource,
    WrappedSource,
    add_epoch,
    epochs_apart,
    join_halves,
    load_ring,
    new_ring,
    refuse_stale,
    remove_epochs,
    tidy,
)
from governance.keys.permissions import sddl_lets_others_in
from governance.keys.ring import KINDS, refuse_shared
from governance.keys.sources import key_source
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
    remove_epochs(source, [1])
    left = load_ring(source, "identifier")
    assert left.epochs == (2,)
    assert left.root(2) == both.root(2)
    with pytest.raises(KeyProblem, match="epoch 1"):
        left.root(1)
    remove_epochs(source, [2])
    tidy(source)
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
        remove_epochs(source, [1])
        old.seek(0)
        assert secret.encode() not in old.read()


def test_a_copy_that_a_rotation_replaces_is_written_over(tmp_path):
    source = FileSource(tmp_path / "a.key")
    new_ring(source, "store", TODAY)
    with source.path.open("rb") as old:
        add_epoch(source, "store", TODAY)
        assert set(old.read()) == {0}


STEPS = [(os, "fsync"), (os, "open"), (Path, "open"), (Path, "replace"), (Path, "unlink")]


def killed(number, act):
    """Do something in a child that is killed before its call of that number; whether it was."""
    return killed_before(number, STEPS, act)


def holding(folder, secrets):
    """The files under a folder that hold any of some secrets."""
    return [
        path
        for path in folder.rglob("*")
        if path.is_file() and any(one in path.read_text() for one in secrets)
    ]


def secrets_of(source, epoch):
    lines = [line for path in source.files for line in path.read_text().splitlines()]
    return [line.split()[-1] for line in lines if f"epoch={epoch} " in line]


def test_a_rotation_killed_anywhere_can_be_done_again(source, tmp_path):
    new_ring(source, "store", TODAY)
    root, deaths = load_ring(source, "store").root(1), 0
    while killed(deaths + 1, lambda: add_epoch(source, "store", TODAY)):
        deaths += 1
        ring = load_ring(source, "store")
        assert ring.root(1) == root
        newest = add_epoch(source, "store", TODAY)
        refuse_stale(source, "store")
        assert load_ring(source, "store").newest == newest > ring.newest
        assert not list(tmp_path.rglob(".*"))
    assert deaths > 4


def test_a_destruction_killed_anywhere_can_be_done_again(source, tmp_path):
    new_ring(source, "store", TODAY)
    deaths, was_killed = 0, True
    while was_killed:
        newest = add_epoch(source, "store", TODAY)
        kept, gone = load_ring(source, "store").root(newest), secrets_of(source, newest - 1)
        was_killed = killed(deaths + 1, lambda old=newest - 1: remove_epochs(source, [old]))
        deaths += was_killed
        assert load_ring(source, "store").root(newest) == kept
        remove_epochs(source, [newest - 1])
        assert holding(tmp_path, gone) == []
        assert load_ring(source, "store").epochs == (newest,)
    assert deaths > len(source.files)


def test_the_end_of_a_key_killed_anywhere_can_be_done_again(source, tmp_path):
    def end():
        remove_epochs(source, None)
        tidy(source)

    deaths, was_killed = 0, True
    while was_killed:
        new_ring(source, "store", TODAY)
        gone = secrets_of(source, 1)
        was_killed = killed(deaths + 1, end)
        deaths += was_killed
        if all(path.exists() for path in source.files):
            remove_epochs(source, None)
        tidy(source)
        assert holding(tmp_path, gone) == []
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert deaths > len(source.files)


def test_a_new_key_killed_anywhere_is_whole_or_not_there(tmp_path):
    source, deaths = FileSource(tmp_path / "a.key"), 0
    while killed(deaths + 1, lambda: new_ring(source, "store", TODAY)):
        deaths += 1
        if not source.path.exists():
            new_ring(source, "store", TODAY)
        assert load_ring(source, "store").epochs == (1,)
        source.path.unlink()
    assert deaths > 2


def test_what_older_commands_left_is_taken_away_and_nothing_else(source, tmp_path):
    new_ring(source, "store", TODAY)
    for path in source.files:
        shutil.copy(path, path.with_name(f".{path.name}.part"))
        path.with_name(f".{path.name}.old").hardlink_to(path)
        path.with_name(f".{path.name}.bak").write_text("mine")
    with pytest.raises(KeyProblem, match="second name"):
        load_ring(source, "store")
    held = source.files[0].with_name(f".{source.files[0].name}.part").open("rb")
    tidy(source)
    assert set(held.read()) == {0}
    held.close()
    assert load_ring(source, "store").epochs == (1,)
    assert {path.name for path in tmp_path.rglob(".*")} == {
        f".{path.name}.bak" for path in source.files
    }
    for path in source.files:
        path.with_name(f".{path.name}.part").write_text("a note of somebody's")
    tidy(source)
    assert len(list(tmp_path.rglob(".*.part"))) == len(source.files)


def test_a_line_half_struck_out_is_no_line_and_is_finished(tmp_path):
    second = LINE.replace("epoch=1", "epoch=2").replace("8d1f", "1f8d")
    source = write(tmp_path / "a.key", "####" + LINE[4:] + "\n" + second)
    assert load_ring(source, "identifier").epochs == (2,)
    remove_epochs(source, [1])
    assert source.path.read_text() == "#" * len(LINE) + "\n" + second


def test_half_a_rotation_or_an_old_copy_of_a_half_is_told(tmp_path):
    source = HalvesSource(tmp_path / "1.key", tmp_path / "2.key")
    new_ring(source, "store", TODAY)
    old = source.second.read_text()
    add_epoch(source, "store", TODAY)
    kept = load_ring(source, "store")
    new = source.second.read_text()
    source.second.write_text(old)
    assert epochs_apart(source, "store") == (2,)
    with pytest.raises(KeyProblem, match="newer epoch"):
        refuse_stale(source, "store")
    assert add_epoch(source, "store", TODAY) == 3
    refuse_stale(source, "store")
    # The half that was thought lost still opens what it did: its number was not used again.
    source.second.write_text(new)
    assert load_ring(source, "store").root(2) == kept.root(2)


@pytest.fixture
def linked(tmp_path):
    """A key on a medium, and the link that names it at the hub."""
    for name in ("medium", "hub"):
        (tmp_path / name).mkdir()
    source = FileSource(tmp_path / "hub" / "a.key")
    new_ring(FileSource(tmp_path / "medium" / "b.key"), "store", TODAY)
    source.path.symlink_to("../medium/b.key")
    return source


def test_a_link_is_followed_to_the_medium_it_points_to(linked, tmp_path):
    (first,) = secrets_of(linked, 1)
    assert add_epoch(linked, "store", TODAY) == 2
    assert linked.path.is_symlink()
    assert holding(tmp_path / "medium", [first]) == [tmp_path / "medium" / "b.key"]
    remove_epochs(linked, [1])
    assert holding(tmp_path, [first]) == []
    assert load_ring(linked, "store").epochs == (2,)
    remove_epochs(linked, None)
    tidy(linked)
    assert not [path for path in tmp_path.rglob("*") if not path.is_dir()]


def test_what_was_left_on_the_medium_of_a_link_is_taken_away_too(linked, tmp_path):
    for path in (linked.path, tmp_path / "medium" / "b.key"):
        shutil.copy(path, path.with_name(f".{path.name}.part"))
    tidy(linked)
    assert not list(tmp_path.rglob(".*"))


def test_a_half_that_cannot_be_written_leaves_the_other_as_it_is(tmp_path, monkeypatch):
    source = HalvesSource(tmp_path / "1.key", tmp_path / "2.key")
    new_ring(source, "store", TODAY)
    before = [path.read_bytes() for path in source.files]
    written = files._write_new

    def full(path, text):
        written(path, text)
        if "2.key" in path.name:
            raise OSError

    monkeypatch.setattr(files, "_write_new", full)
    with pytest.raises(KeyProblem, match=r"2\.key could not be written"):
        add_epoch(source, "store", TODAY)
    assert [path.read_bytes() for path in source.files] == before
    assert not list(tmp_path.glob(".*"))


def test_no_key_is_made_where_a_link_leads_to_a_medium_that_is_not_in(linked, tmp_path):
    (tmp_path / "medium").rename(tmp_path / "drawer")
    with pytest.raises(KeyProblem, match="already"):
        new_ring(linked, "store", TODAY)
    for change in (lambda: add_epoch(linked, "store", TODAY), lambda: remove_epochs(linked, None)):
        with pytest.raises(KeyProblem, match="medium"):
            change()


def test_a_half_that_is_not_at_hand_leaves_the_other_as_it_is(tmp_path):
    source = HalvesSource(tmp_path / "1.key", tmp_path / "2.key")
    new_ring(source, "store", TODAY)
    before = source.first.read_bytes()
    source.second.rename(tmp_path / "drawer")
    for change in (lambda: add_epoch(source, "store", TODAY), lambda: remove_epochs(source, None)):
        with pytest.raises(KeyProblem, match="medium"):
            change()
    assert source.first.read_bytes() == before
    assert not list(tmp_path.glob(".*"))


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
    for change in (add_epoch, lambda s, k, t: remove_epochs(s, [1])):
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
        LINE.replace(SECRET.hex(), (bytes(range(16)) * 2).hex()),
        "#" * len(LINE),
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


def test_a_key_with_a_second_name_is_refused(tmp_path):
    source = write(tmp_path / "a.key", LINE)
    (tmp_path / "b").hardlink_to(source.path)
    with pytest.raises(KeyProblem, match="second name"):
        load_ring(source, "identifier")


@pytest.mark.parametrize("folder", ["hub", "medium"])
def test_a_key_that_anybody_may_exchange_is_refused(linked, tmp_path, folder):
    (tmp_path / folder).chmod(0o777)
    with pytest.raises(KeyProblem, match="exchange"):
        load_ring(linked, "store")
    (tmp_path / folder).chmod(0o1777)
    assert load_ring(linked, "store").epochs == (1,)


@pytest.mark.parametrize("user", [0, 1000])
def test_a_key_of_another_user_is_refused_to_root_too(tmp_path, monkeypatch, user):
    source = write(tmp_path / "a.key", LINE)
    owned = os.fstat

    def strange(handle):
        found = list(owned(handle))
        found[4] = 4711
        return os.stat_result(found)

    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "fstat", strange)
    with pytest.raises(KeyProblem, match="another user"):
        load_ring(source, "identifier")


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
