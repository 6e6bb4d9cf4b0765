"""A publication is, byte for byte, the draft that two people approved, and anybody can check it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pack as packs
import pytest
from published import MADE, SPRING, SUMMER, certified, drafted, published

from governance.disclosure.certify import Certified
from governance.disclosure.rules import DisclosureError
from schemas.errors import JourneysError, StoreError
from warehouse.publish.assemble import tables_of
from warehouse.publish.folder import Approval, draft_digest, write_draft, write_publication
from warehouse.publish.machine import pack_json
from warehouse.publish.release_file import read_releases
from warehouse.publish.verify import NotVerified, verify


@pytest.fixture(scope="module")
def spring() -> Certified:
    return certified(SPRING)


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory, spring: Certified) -> Path:
    folder = tmp_path_factory.mktemp("drafts") / "d1"
    drafted(folder, [spring])
    return folder


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory, draft: Path) -> Path:
    folder = tmp_path_factory.mktemp("publications") / "p1"
    return published(folder, draft, draft_digest(draft))


@pytest.fixture
def copy(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "p1")
    return tmp_path / "p1"


def test_what_is_published_is_what_was_approved_and_no_more(draft: Path, original: Path) -> None:
    shown = {p.relative_to(draft / "pack").as_posix() for p in (draft / "pack").rglob("*.*")}
    there = {p.relative_to(original).as_posix() for p in original.rglob("*.*")}
    assert there == shown | {"publication.json"}
    for name in shown:
        assert (original / name).read_bytes() == (draft / "pack" / name).read_bytes()
    assert (draft / "for-approvers" / "masks.csv").is_file()


def test_a_publication_is_verified_with_and_without_its_certificate(
    original: Path, spring: Certified
) -> None:
    told = verify(original)
    assert told.officers == ("A. Officer", "B. Officer") and told.files == 3 and not told.proofs
    proved = verify(original, [spring.certificate]).proofs[spring.release.release_id]
    assert proved.tables >= 1 and proved.values == told.values == 12


def test_what_was_public_before_is_what_it_was_checked_against(
    tmp_path: Path, spring: Certified
) -> None:
    """A release that was made as if nothing were public is not published beside what is."""
    for place, beside in enumerate(([spring.release], [])):
        later = certified(SUMMER, beside, name="others", seed=3)
        drafted(tmp_path / f"d{place}", [later], [spring.release])
        draft = tmp_path / f"d{place}"
        folder = published(tmp_path / f"p{place}", draft, draft_digest(draft))
        if beside:
            verify(folder)
        else:
            with pytest.raises(NotVerified, match="without regard to"):
                verify(folder)


def test_a_table_of_an_analyst_s_is_shown_in_its_own_publication_only(tmp_path: Path) -> None:
    """So it can be withdrawn whatever packs came after it."""
    alone = certified(SPRING, name="table people_by_area")
    later = certified(SUMMER, [alone.release], seed=3)
    drafted(tmp_path / "d1", [alone])
    drafted(tmp_path / "d2", [later], [alone.release])
    assert read_releases(tmp_path / "d1" / "pack").shown == {alone.release.digest}
    assert read_releases(tmp_path / "d2" / "pack").shown == {later.release.digest}


def test_a_table_that_its_releases_do_not_show_is_noticed(
    tmp_path: Path, spring: Certified
) -> None:
    """Even where everything was approved: the files have to say what was certified."""
    pack = packs.pack(releases=(spring.release,))
    shown = tables_of(pack.releases)["outcomes"].write_csv().encode()
    for place, (table, sound) in enumerate(((shown, True), (shown + b"x,5\n", False))):
        draft, files = tmp_path / f"d{place}", {"outcomes.csv": table}
        digest = write_draft(draft, pack, [spring], (), files, {}, title="Spring")
        folder = published(tmp_path / f"p{place}", draft, digest)
        if sound:
            assert verify(folder).tables == 1
        else:
            with pytest.raises(NotVerified, match="table outcomes is not"):
                verify(folder)


def test_a_count_in_pack_json_that_its_releases_do_not_show_is_noticed(
    tmp_path: Path, spring: Certified
) -> None:
    pack = packs.pack(releases=(spring.release,))
    pack = replace(pack, tables={**pack.tables, **tables_of(pack.releases)})
    sound = pack_json(pack)
    forged = json.loads(sound)
    forged["tables"]["outcomes"]["rows"].append({"metric": "x", "numerator": 3})
    for place, told in enumerate((sound, json.dumps(forged).encode())):
        draft = tmp_path / f"d{place}"
        digest = write_draft(draft, pack, [spring], (), {"pack.json": told}, {}, title="Spring")
        folder = published(tmp_path / f"p{place}", draft, digest)
        if told == sound:
            verify(folder)
        else:
            with pytest.raises(NotVerified, match=r"pack\.json is not"):
                verify(folder)


def test_the_certificate_of_another_release_proves_nothing(original: Path) -> None:
    with pytest.raises(NotVerified, match="no release of this publication"):
        verify(original, [certified(SPRING, seed=2).certificate])


def test_windows_that_follow_one_another_are_told_together(
    tmp_path: Path, spring: Certified
) -> None:
    summer = certified(SUMMER, [spring.release], seed=3)
    digest = drafted(tmp_path / "d2", [summer], [spring.release])
    folder = published(tmp_path / "p2", tmp_path / "d2", digest)
    assert read_releases(folder).new == (summer.release,)
    assert len(verify(folder, [summer.certificate]).releases) == 2


def change(name: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1))

    return apply


def one_officer(folder: Path) -> None:
    record = json.loads((folder / "publication.json").read_text())
    record["approvals"][1]["officer"] = "a.  OFFICER"
    (folder / "publication.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    "tamper",
    [
        change("data/funnel.csv", "5", "7"),
        change("release.json", "[c]", "5"),
        change("publication.json", "Spring 2026", "Summer 2026"),
        lambda folder: (folder / "index.html").unlink(),
        lambda folder: (folder / "more.csv").write_text("people\n3\n"),
        lambda folder: (folder / "release.json").unlink(),
        lambda folder: (folder / "publication.json").write_text("[]"),
        lambda folder: (folder / "publication.json").unlink(),
        lambda folder: (folder / "link").symlink_to(folder / "index.html"),
        lambda folder: (folder / "publication.json").write_text("[" * 100_000),
        one_officer,
    ],
)
def test_a_publication_that_was_touched_is_not_verified(
    copy: Path, tamper: Callable[[Path], None]
) -> None:
    tamper(copy)
    with pytest.raises(JourneysError):
        verify(copy)


def test_a_publication_is_verified_without_a_solver_or_keys() -> None:
    program = "import sys, warehouse.publish.verify as v; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert not {b"scipy", b"cryptography", b"sqlalchemy"} & set(done.stdout.split())


def test_a_pack_the_gate_did_not_make_is_not_written(tmp_path: Path, spring: Certified) -> None:
    for made in ([spring], [], list(packs.releases()[:1])):
        with pytest.raises(DisclosureError, match="did not come from the gate"):
            write_draft(tmp_path / "d", packs.pack(), made, (), {}, {}, title="None")  # type: ignore[arg-type]
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("name", ["pack/index.html", "for-approvers/masks.csv", "draft.json"])
def test_a_draft_that_was_touched_is_no_draft(draft: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(draft, tmp_path / "d1")
    path = tmp_path / "d1" / name
    path.write_bytes(path.read_bytes().replace(b"a", b"b", 1))
    with pytest.raises(StoreError, match="not as it was recorded"):
        draft_digest(tmp_path / "d1")


def test_what_approvers_see_cannot_be_guessed_from_its_digest(
    tmp_path: Path, spring: Certified
) -> None:
    assert drafted(tmp_path / "a" / "d1", [spring]) != drafted(tmp_path / "b" / "d1", [spring])


@pytest.mark.parametrize("second", ["A. OFFICER", "B. Officer"])
def test_two_approvals_of_this_digest_are_needed(tmp_path: Path, draft: Path, second: str) -> None:
    digest = draft_digest(draft) if second != "B. Officer" else "another"
    approvals = [Approval("A. Officer", draft_digest(draft), MADE), Approval(second, digest, MADE)]
    with pytest.raises(StoreError, match="2 different people"):
        write_publication(draft, tmp_path / "p", approvals, publication_id="p", published_at=MADE)
    assert not (tmp_path / "p").exists()
