"""Extracts come from partners' sources into the inboxes, and a source that fails breaks nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from at_source import deliver, to_source
from sources import CANARY

from flows import ingest
from flows.clock import utc_now
from flows.context import actor, open_control
from flows.intake import apart
from flows.intake.apart import Limits, TookTooLong
from flows.keys.rings import source_of
from flows.refresh import begun_run, run_refresh
from flows.safe_errors import Rejected
from flows.sources.limits import TOGETHER_MINUTES
from flows.sources.look import Look
from flows.sources.pulling import pull_sources
from governance.audit import Recorder
from governance.keys.custody import new_ring
from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    from conftest import Partnership
    from servers import SftpServer

pytestmark = pytest.mark.usefixtures("slight")

AN_HOUR = 3600


def declare(partnership: Partnership, partner: str, source: dict[str, Any], **terms: Any) -> None:
    """Give a partner a source in partnership.yaml."""
    said = yaml.safe_load(partnership.config.read_text())
    said["partners"][partner] |= {"source": {"settle_seconds": 0, "attempts": 1, **source}, **terms}
    partnership.config.write_text(yaml.safe_dump(said, sort_keys=False))


def moved_to_a_share(partnership: Partnership, partner: str, **terms: Any) -> Path:
    """Take a partner's extract out of its inbox and lay it on a share that it is pulled from."""
    share = partnership.folder.parent / "share" / partner / CANARY
    shutil.move(partnership.folder / "inbox" / partner, share)
    (partnership.folder / "inbox" / partner).mkdir()
    declare(partnership, partner, {"kind": "folder", "folder": str(share)}, **terms)
    return share


def pull(partnership: Partnership, **how: Any) -> dict[str, Look]:
    settings = partnership.settings
    with open_control(settings) as control:
        recorder = Recorder(actor(), settings.purpose)
        return pull_sources(settings, control, recorder, utc_now, **how)


def inbox(partnership: Partnership, partner: str = "police") -> dict[str, str]:
    folder = partnership.folder / "inbox" / partner
    return {path.name: path.read_text() for path in folder.iterdir()}


def hidden(partnership: Partnership) -> list[str]:
    """What lies beside the inboxes, but for what is set aside until the next run."""
    names = sorted(path.name for path in (partnership.folder / "inbox").glob(".*"))
    return [name for name in names if not name.endswith(".aside")]


def write(path: Path, text: str, age: float = AN_HOUR) -> None:
    path.write_text(text)
    os.utime(path, (time.time() - age,) * 2)


def test_a_run_pulls_first_and_an_unchanged_night_pulls_nothing(ran: Partnership) -> None:
    before = inbox(ran)
    share = moved_to_a_share(ran, "police")
    write(share / "custody.csv.part", "half")
    write(share / "letter.docx", CANARY)
    report = run_refresh(ran.settings)
    assert report["partners"]["police"]["extract"] == "unchanged"
    look = report["sources"]["police"]
    assert (look["state"], look["deliveries"]) == ("pulled", 1)
    assert inbox(ran) == before and hidden(ran) == []
    assert CANARY not in json.dumps(report)
    again = pull(ran)["police"]
    assert (again.state, again.size) == ("nothing new", 0)


def test_a_source_that_fails_is_told_and_the_others_go_on(ran: Partnership) -> None:
    share = moved_to_a_share(ran, "police")
    shutil.rmtree(share)
    report = run_refresh(ran.settings)
    assert report["outcome"] == "committed"
    assert report["partners"]["police"]["extract"] == "no new extract"
    (told,) = [one for one in report["warnings"] if "source of police" in one]
    assert CANARY not in told and "not at the source" in told
    said = ran.journeys("status").output
    assert "police" in said and "refused" in said
    found = ran.journeys("pull", "police")
    assert found.exit_code == 1 and CANARY not in found.output


def test_the_same_content_under_another_name_is_known(ran: Partnership) -> None:
    share = moved_to_a_share(ran, "police", files="{table}_{period:%Y-%m}.csv")
    for table in ("custody", "drug_test", "intensive_programme"):
        if (share / f"{table}.csv").exists():
            (share / f"{table}.csv").rename(share / f"{table}_2026-10.csv")
    (ran.folder / "inbox" / ".police.pulling").mkdir()
    for words in (("sources", "test"), ("pull", "police", "--dry-run")):
        looked = ran.journeys(*words)
        assert looked.exit_code == 0 and "1 delivery of" in looked.output
        assert CANARY not in looked.output and "custody" not in looked.output
    assert inbox(ran) == {} and hidden(ran) == [".police.pulling"]
    assert pull(ran)["police"].state == "pulled"
    landed = inbox(ran)
    assert "custody.csv" in landed
    for path in list(share.iterdir()):
        path.rename(path.with_name(path.name.upper().replace(".CSV", ".csv")))
    look = pull(ran)["police"]
    assert (look.state, look.deliveries) == ("nothing new", 0)
    assert inbox(ran) == landed
    assert pull(ran, again=True)["police"].state == "pulled"


def in_periods(share: Path, *periods: str) -> None:
    """Make an extract into increments: its rows in turn, and each period repeats the one before."""
    for path in list(share.glob("*.csv")):
        header, *rows = path.read_text().splitlines(keepends=True)
        for number, period in enumerate(periods):
            upto = rows[: len(rows) * (number + 1) // len(periods)]
            start = len(rows) * max(0, number - 1) // len(periods)
            write(share / f"{path.stem}_{period}.csv", header + "".join(upto[start:]))
        path.unlink()


def test_increments_make_the_extract_that_a_snapshot_is(ran: Partnership) -> None:
    with open_control(ran.settings) as control:
        last = control.last_run()
    assert last is not None and last.report is not None
    staged = last.report["partners"]["police"]
    pattern = {"files": "{table}_{period:%Y-%m}.csv", "delivery": "increment"}
    share = moved_to_a_share(ran, "police", **pattern)
    in_periods(share, "2026-09", "2026-10", "2026-11")
    november = [path.rename(path.with_suffix(".late")) for path in share.glob("*11.csv")]
    assert pull(ran)["police"].deliveries == 2
    for path in november:
        path.rename(path.with_suffix(".csv"))
    report = run_refresh(ran.settings)
    assert report["sources"]["police"]["deliveries"] == 1
    police = report["partners"]["police"]
    assert police["extract"] == "new"
    same = ("received", "kept", "quarantined", "data_as_at")
    assert {name: police[name] for name in same} == {name: staged[name] for name in same}

    # A period that comes again with other content is refused, or takes the earlier one's place.
    custody = share / "custody_2026-10.csv"
    write(custody, custody.read_text().rpartition("\n")[0].rpartition("\n")[0] + "\n", age=60)
    before = inbox(ran)
    look = pull(ran)["police"]
    assert look.state == "contradicted" and "2026-10" in look.said
    assert inbox(ran) == before and hidden(ran) == []
    assert pull(ran)["police"].state == "contradicted"
    with open_control(ran.settings) as control:
        assert [row.state for row in control.pulls("police")].count("refused") == 1
    declare(ran, "police", {"kind": "folder", "folder": str(share)}, resupplies="newest")
    assert pull(ran)["police"].state == "pulled"
    assert inbox(ran)["custody_2026-10.csv"] == custody.read_text()

    # What was pulled and is gone from the inbox is missed.
    (ran.folder / "inbox" / "police" / "custody_2026-09.csv").unlink()
    (ran.folder / "inbox" / "police" / "drug_test_2026-09.csv").unlink()
    (ran.folder / "inbox" / "police" / "intensive_programme_2026-09.csv").unlink(missing_ok=True)
    found = ran.journeys("run", "--no-server")
    assert found.exit_code == 1 and "lacks 2026-09" in found.output
    assert ran.journeys("pull", "police", "--again").exit_code == 0
    assert "custody_2026-09.csv" in inbox(ran)


def test_what_fails_its_checks_makes_way_for_the_last_good_one(ran: Partnership) -> None:
    good, bad = inbox(ran), f"not,a,table\n{CANARY},2,3\n"
    share = ran.folder.parent / "share"
    share.mkdir()
    declare(
        ran, "police", {"kind": "folder", "folder": str(share)}, files="{table}_{period:%Y-%m}.csv"
    )

    def send(text: str, age: float) -> None:
        for name, whole in good.items():
            write(share / name.replace(".csv", "_2026-11.csv"), text or whole + "\n", age)

    send(bad, AN_HOUR)
    with pytest.raises(Rejected) as caught:
        run_refresh(ran.settings)
    assert "taken out of its inbox again" in str(caught.value) and CANARY not in str(caught.value)
    assert inbox(ran) == good and hidden(ran) == []

    # From then on it is told every night, and hinders nobody: a source that fails refuses no run.
    with begun_run(ran.settings, None, utc_now) as run:
        agreed = ingest.agree(run, ingest.pull(run))
    assert agreed.problems == {} and not agreed.fresh and inbox(ran) == good
    look = agreed.looks["police"]
    assert look.state == "failed its checks" and "2026-11" in look.said and CANARY not in look.said
    said = ran.journeys("pull", "police").output
    assert "failed its checks  What the source holds of 2026-11" in said and CANARY not in said

    # It is tried again if somebody wishes, or once it may have been put right here.
    assert pull(ran, look_only=True)["police"].deliveries == 0
    assert pull(ran, look_only=True, again=True)["police"].deliveries == 1
    ran.settings.policy.write_text("# a line more\n")
    assert pull(ran, look_only=True)["police"].deliveries == 1
    ran.settings.policy.unlink()

    # What the partner sends in its place is no re-supply. Once that is taken in, another is.
    send("", 60)
    assert run_refresh(ran.settings)["partners"]["police"]["extract"] == "new"
    assert not (ran.folder / "inbox" / ".police.aside").exists()
    send(bad, 30)
    assert pull(ran)["police"].state == "contradicted"


def test_a_sealed_file_that_is_refused_makes_way_too(
    ran: Partnership, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is read: for what it says of itself, or since it says nothing."""
    desk = to_source(ran.folder, tmp_path / "desks", ["police"])["police"]
    there = deliver(ran.folder, desk)
    good, share = there.read_bytes(), tmp_path / "share"
    share.mkdir()
    declare(ran, "police", {"kind": "folder", "folder": str(share)})

    def refused() -> str:
        with pytest.raises(Rejected) as caught, begun_run(ran.settings, None, utc_now) as run:
            ingest.encode(run, ingest.agree(run, ingest.pull(run)))
        assert there.read_bytes() == good and hidden(ran) == []
        return str(caught.value)

    (share / there.name).write_bytes(good[:300])
    assert "taken out of its inbox again" in refused()

    def of_another_agreement(*words: object) -> None:
        raise ExtractRejected("It was made under another agreement.", "Ask again.")

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "check_arrived", of_another_agreement)
        (share / there.name).unlink()
        assert desk.encode(share / there.name).exit_code == 0
        assert "taken out of its inbox again" in refused()

    # What a hub's key does not open is lost no more than anything else, and hinders nobody: it is
    # tried again as soon as the hub has another key, or the one that it had.
    (share / there.name).unlink()
    assert desk.encode(share / there.name).exit_code == 0
    source = source_of(ran.settings, "seal")
    key = Path(ran.folder / "keys" / "seal.key")
    right = key.rename(key.with_suffix(".aside"))
    new_ring(source, "seal", date(2026, 11, 23))
    said = refused()
    assert "a key that this hub does not hold" in said and "taken out of its inbox again" in said
    assert pull(ran)["police"].state == "failed its checks" and there.read_bytes() == good
    right.rename(key)
    with begun_run(ran.settings, None, utc_now) as run:
        parted = ingest.encode(run, ingest.agree(run, ingest.pull(run)))
    assert (
        set(parted.taken) == {"police"} and there.read_bytes() == (share / there.name).read_bytes()
    )


def test_a_source_that_hangs_or_is_killed_stops_nobody_else(
    ran: Partnership, real_child: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {partner: inbox(ran, partner) for partner in ("police", "probation")}
    for partner in before:
        moved_to_a_share(ran, partner)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        there = f"https://127.0.0.1:{silent.getsockname()[1]}/{CANARY}/custody.csv"
        declare(ran, "police", {"kind": "https", "urls": [there], "longest_minutes": 1})
        monkeypatch.setattr("flows.sources.bounded.MINUTE", 2)
        looks = pull(ran)
    assert {name: look.state for name, look in looks.items()} == {
        "police": "broken off",
        "probation": "pulled",
    }
    assert inbox(ran, "police") == {} and inbox(ran, "probation") == before["probation"]
    assert hidden(ran) == [] and CANARY not in looks["police"].said
    honest = apart.in_a_child_within

    def killed(limits: Limits, function: Any, asked: Any) -> Any:
        return (
            honest(limits, os.kill, 0, 9)
            if asked.partner == "police"
            else honest(limits, function, asked)
        )

    monkeypatch.setattr(apart, "in_a_child_within", killed)
    looks = pull(ran, again=True)
    assert {look.state for look in looks.values()} == {"broken off", "pulled"}


def test_sources_that_hang_take_the_night_of_nobody(
    ran: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All pulls together have one bound; who had no turn tonight has it first tomorrow."""
    for partner in ("police", "probation", "treatment", "housing"):
        moved_to_a_share(ran, partner)
    now, called, honest = [0.0], [], apart.in_a_child_within
    monkeypatch.setattr("flows.sources.bounded.time.monotonic", lambda: now[0])
    hanging = {"police", "probation", "treatment"}

    def hangs(limits: Limits, function: Any, asked: Any) -> Any:
        called.append(asked.partner)
        if asked.partner not in hanging:
            return honest(limits, function, asked)
        now[0] += limits.seconds or 0
        raise TookTooLong("", "")

    monkeypatch.setattr(apart, "in_a_child_within", hangs)
    declare(ran, "probation", {"kind": "folder", "folder": "elsewhere", "longest_minutes": 90})
    looks = pull(ran)
    assert now[0] == TOGETHER_MINUTES * 60 and called == ["police", "probation"]
    assert {name: look.state for name, look in looks.items()} == {
        "police": "broken off",
        "probation": "broken off",
        "treatment": "not reached",
        "housing": "not reached",
    }
    assert "60 minutes" in looks["police"].said and "had taken the 120" in looks["probation"].said
    assert "was not called" in looks["housing"].said and hidden(ran) == []
    assert "housing: not reached." in ran.journeys("status").output
    called.clear()
    assert pull(ran)["housing"].state == "pulled"
    assert called == ["treatment", "housing", "police"]


def test_a_pull_by_sftp_is_done_in_a_child_and_tells_no_name(
    ran: Partnership, real_child: None, sftp_server: SftpServer
) -> None:
    before = inbox(ran)
    share = moved_to_a_share(ran, "police")
    there = {
        "kind": "sftp",
        "host": sftp_server.host,
        "port": sftp_server.port,
        "user": sftp_server.user,
        "folder": str(share),
        "host_key": sftp_server.fingerprint,
        "key_file": str(sftp_server.key_file),
    }
    declare(ran, "police", there)
    leftover = ran.folder / "inbox" / ".police.pulling"
    leftover.mkdir()
    (leftover / "0").write_text(CANARY)
    done = ran.journeys("pull")
    assert done.exit_code == 0 and inbox(ran) == before and hidden(ran) == []
    declare(ran, "police", there | {"host_key": "SHA256:" + "A" * 43})
    refused = ran.journeys("pull")
    assert refused.exit_code == 1 and "host key" in refused.output
    for one in (done, refused):
        assert CANARY not in one.output and "custody" not in one.output
    said = ran.journeys("status").output
    assert "Source          police: refused." in said and CANARY not in said


def test_what_could_not_land_to_the_end_is_not_taken_in(ran: Partnership) -> None:
    moved_to_a_share(ran, "police")
    pull(ran)
    landing = ran.folder / "inbox" / ".police.landing"
    landing.mkdir()
    (landing / "0").write_text((ran.folder / "inbox/police/custody.csv").read_text() + "\n")
    (landing / "1").write_text("cannot take the place of a folder")
    (landing / "landing.json").write_text(
        json.dumps({"moves": {"0": "custody.csv", "1": "blocked"}, "gone": []})
    )
    (ran.folder / "inbox" / "police" / "blocked").mkdir()
    with begun_run(ran.settings, None, utc_now) as run:
        found = ingest.pull(run)
    assert found.looks["police"].state == "not written"
    assert found.extracts["police"] is None and not found.problems
    (ran.folder / "inbox" / "police" / "blocked").rmdir()
    with begun_run(ran.settings, None, utc_now) as run:
        assert ingest.pull(run).extracts["police"] is not None


def test_nothing_is_pulled_without_an_agreement_in_force(ran: Partnership) -> None:
    moved_to_a_share(ran, "police")
    agreement = ran.settings.partner("police").agreement
    agreement.write_text(agreement.read_text().replace("police", "probation", 1))
    look = pull(ran)["police"]
    assert look.problem is not None and inbox(ran) == {} and hidden(ran) == []
    with open_control(ran.settings) as control:
        assert control.source_looks()["police"].state == "refused"
