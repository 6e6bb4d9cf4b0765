"""The schedule on a real server of Prefect's: registered, carried out, watched over, taken back.

One server serves the whole file. It and the worker can reach nothing but this machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import yaml
from copying import copied_whole
from listening import Webhook, webhook
from partnerships import Partnership
from servers import PostgresServer, free_port
from under_prefect import assert_no_value_in, environment

from flows.orchestration.prefect_settings import password, standing
from schemas.errors import ConfigError

REPOSITORY = Path(__file__).parents[2]
COMMAND = "from flows.cli import main; main()"


@dataclass(frozen=True)
class Scheduled:
    """A partnership whose schedule a server serves, and what its alerts go to."""

    partnership: Partnership
    hook: Webhook
    environment: dict[str, str]
    server: subprocess.Popen[bytes]

    def journeys(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", COMMAND, *words, "--config", str(self.partnership.config)],
            capture_output=True, text=True, timeout=240, env=self.environment,
        )  # fmt: skip

    def report(self, *words: str) -> tuple[int, dict[str, Any]]:
        """The exit code and the JSON report of a command, which asks as `client` does."""
        out = self.partnership.folder.parent / "report.json"
        out.unlink(missing_ok=True)
        done = self.partnership.journeys(*words, "--json", str(out))
        assert out.exists(), done.stderr
        return done.exit_code, json.loads(out.read_text())

    def alerts(self, kind: str) -> list[str]:
        return [text for text in self.hook.texts if f"#{kind}" in text]


@contextmanager
def served(folder: Path, original: Path, **named: str) -> Iterator[Scheduled]:
    """A copy of a partnership whose schedule is served.

    Args:
        folder: Where the copy is to be.
        original: What is copied.
        named: Secrets that `schedule` names, each with what its variable holds.
    """
    copied_whole(original, folder)
    partnership = Partnership(folder)
    schedule = {name: f"env:{name.upper()}" for name in named}
    said = {
        "schedule": {
            "server": f"http://127.0.0.1:{free_port()}/api", "pull": "20:15", **schedule,
        },
        "alerts": {"teams": "env:HOOK"},
    }  # fmt: skip
    partnership.config.write_text(partnership.config.read_text() + "\n" + yaml.safe_dump(said))
    with webhook() as hook:
        secrets = {name.upper(): value for name, value in named.items()}
        serves = {**environment(partnership), "HOOK": hook.address, **secrets}
        server = begin(partnership, serves)
        try:
            yield Scheduled(partnership, hook, serves, server)
        finally:
            server.terminate()
            server.wait(30)
    assert not (folder.parent / "refused").exists(), "nothing tried to leave the machine"


def begin(partnership: Partnership, serves: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start the server, and wait until it answers."""
    words = ["schedule", "serve", "--config", str(partnership.config)]
    server = subprocess.Popen([sys.executable, "-c", COMMAND, *words], env=serves)
    settings = partnership.settings
    assert wait_for(lambda: standing(settings) or server.poll() is not None, 120)
    assert server.poll() is None, "the server could not start"
    return server


@pytest.fixture(scope="module")
def scheduled(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Iterator[Scheduled]:
    with served(tmp_path_factory.mktemp("scheduled") / "partnership", ran_original) as one:
        yield one


@pytest.fixture(autouse=True)
def _environment_as_it_was() -> Iterator[None]:
    """Commands set what Prefect reads, for their own process."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def client(scheduled: Scheduled) -> Iterator[Any]:
    with asking(scheduled.partnership) as one:
        yield one


@contextmanager
def asking(partnership: Partnership) -> Iterator[Any]:
    """Prefect's client, in this process, of a partnership's server."""
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings

    settings = partnership.settings
    word = password(settings.prefect_home)
    told = {PREFECT_API_URL: settings.schedule.server, PREFECT_API_AUTH_STRING: word}
    with temporary_settings(told), get_client(sync_client=True) as one:
        yield one


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.2)
    return False


def test_the_schedule_is_registered_once_however_often_it_is_applied(
    scheduled: Scheduled, client: Any
) -> None:
    from flows.orchestration.registering import OURS, register

    first, report = scheduled.report("schedule", "apply")
    again = asyncio.run(register(scheduled.partnership.settings))
    assert first == 0 and [one["name"] for one in report["timetable"]] == [
        "housekeeping", "nightly", "pull-housing", "pull-police", "pull-probation",
        "pull-treatment", "quarterly-draft",
    ]  # fmt: skip
    kinds = ["run-crashed", "run-failed", "run-late", "run-missing", "worker-dead"]
    assert [*again.alerts] == report["alerts"] == kinds
    assert len(again.lines) == 7 and client.read_work_pool("hub").concurrency_limit == 1
    made = client.read_deployments(deployment_filter=OURS, limit=50, sort="NAME_ASC")
    assert {len(one.schedules) for one in made} == {1}
    assert all(one.parameters == {} and one.work_pool_name == "hub" for one in made)
    assert {one.schedules[0].schedule.timezone for one in made} == {"Europe/London"}
    pulls = [one.schedules[0].schedule.cron for one in made if one.name.startswith("pull")]
    assert pulls == ["15 20 * * *"] * 4


def test_the_server_schedules_the_next_night(scheduled: Scheduled, client: Any) -> None:
    """With SQLAlchemy 2.1 Prefect's scheduler fails, and says so nowhere."""

    def nightly() -> Any:
        report = scheduled.report("schedule", "status")[1]
        return next(one["next"] for one in report["timetable"] if one["name"] == "nightly")

    assert wait_for(nightly, 60)
    coming = datetime.fromisoformat(nightly())
    assert timedelta(0) < coming - datetime.now(UTC) < timedelta(hours=25)


def test_only_who_has_the_password_is_served_and_no_secret_is_in_the_database(
    scheduled: Scheduled,
) -> None:
    settings = scheduled.partnership.settings
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{settings.schedule.server}/flow_runs/count", timeout=10)
    assert refused.value.code == 401
    word = password(settings.prefect_home)
    assert (settings.prefect_home / "server.password").stat().st_mode & 0o777 == 0o600
    for path in settings.prefect_home.glob("prefect.db*"):
        held = path.read_bytes()
        for secret in (word.partition(":")[2], scheduled.hook.address.partition("//")[2]):
            assert secret.encode() not in held, path.name


def test_after_a_restart_what_was_at_work_has_crashed_and_only_the_last_missed_run_remains(
    scheduled: Scheduled, client: Any
) -> None:
    from prefect.states import Pending, Running
    from prefect.states import Scheduled as Due

    from flows.orchestration.serving import put_right

    nightly = client.read_deployment_by_name("refresh/nightly").id
    now = datetime.now(UTC)

    def due(days: int) -> UUID:
        state = Due(scheduled_time=now - timedelta(days=days))
        return UUID(str(client.create_flow_run_from_deployment(nightly, state=state).id))

    at_work, begun, *missed = (due(days) for days in (5, 4, 3, 2, 1))
    client.set_flow_run_state(at_work, Running(), force=True)
    client.set_flow_run_state(begun, Pending(), force=True)
    assert put_right(scheduled.partnership.settings) == 2
    states = [client.read_flow_run(one).state_name for one in (at_work, begun, *missed)]
    assert states[0] == "Crashed" and states[-1] in ("Scheduled", "Late")
    assert set(states[1:-1]) == {"Cancelled"}
    name = client.read_flow_run(at_work).name
    assert wait_for(lambda: any(name in text for text in scheduled.alerts("run-crashed")), 5)
    # The worker must not begin it in the next test.
    client.delete_flow_run(missed[-1])


def test_prefects_own_automations_tell_through_our_notifier(
    scheduled: Scheduled, client: Any
) -> None:
    from prefect.states import Failed, Running

    housing = client.read_deployment_by_name("pull-housing/pull-housing").id
    run = client.create_flow_run_from_deployment(housing, name="housing, one day", state=Running())
    client.set_flow_run_state(run.id, Failed(message="Zyxforena"), force=True)
    assert wait_for(lambda: scheduled.alerts("run-failed"), 30)
    (told,) = scheduled.alerts("run-failed")
    assert "housing, one day" in told and "Zyxforena" not in told


def test_a_worker_carries_out_what_is_due_without_parameters(
    scheduled: Scheduled, client: Any
) -> None:
    keeping = client.read_deployment_by_name("housekeeping/housekeeping").id
    run = client.create_flow_run_from_deployment(keeping)
    done = scheduled.journeys("schedule", "work", "--once")
    assert done.returncode == 0, done.stderr
    found = client.read_flow_run(run.id)
    assert found.state_name == "Completed", found.state
    assert found.parameters == {}
    assert_no_value_in(scheduled.partnership, scheduled.partnership.settings.prefect_home)


@pytest.mark.slow
def test_the_server_tells_that_no_run_was_completed(scheduled: Scheduled, client: Any) -> None:
    """With the least time that Prefect watches for, in place of `missing_hours`."""
    from prefect.client.schemas.sorting import AutomationSort

    from flows.orchestration.automations import PREFIX, automations
    from flows.orchestration.registering import BLOCK

    scheduled.report("schedule", "apply")
    block = client.read_block_document_by_name(BLOCK, "journeys-alert").id
    missing = next(
        one
        for one in automations(scheduled.partnership.settings.schedule, block)
        if one.name == f"{PREFIX}run-missing"
    )
    soon = missing.trigger.model_copy(update={"within": timedelta(seconds=10)})

    async def watch() -> None:
        from prefect import get_client

        async with get_client() as asks:
            for one in await asks.read_automations(sort=AutomationSort.NAME_ASC, limit=200):
                if one.name == missing.name:
                    quick = missing.model_copy(update={"trigger": soon})
                    await asks.update_automation(one.id, quick)

    asyncio.run(watch())
    assert wait_for(lambda: scheduled.alerts("run-missing"), 60)
    time.sleep(12)  # the next time of ten seconds is over, and it is told once a day
    assert len(scheduled.alerts("run-missing")) == 1


def test_prefects_own_command_registers_the_whole_timetable(scheduled: Scheduled) -> None:
    settings = scheduled.partnership.settings
    told = {
        "PREFECT_API_URL": settings.schedule.server,
        "PREFECT_API_AUTH_STRING": password(settings.prefect_home),
        "PREFECT_HOME": str(scheduled.partnership.folder.parent / "asks"),
    }
    command = "from prefect.cli import app; app()"
    words = [sys.executable, "-c", command, "--no-prompt", "deploy", "--all"]
    done = subprocess.run(
        words, capture_output=True, text=True, cwd=REPOSITORY, env=scheduled.environment | told
    )
    assert done.returncode == 0, done.stderr[-500:]
    assert done.stdout.count("successfully created") == 7


def test_what_is_amiss_is_told_and_the_schedule_is_taken_back(
    scheduled: Scheduled, client: Any
) -> None:
    code, report = scheduled.report("schedule", "status", "--alert")
    assert set(report["amiss"]) <= {"worker-dead"}, "there is a run, and the server answers"
    assert code == bool(report["amiss"])
    assert scheduled.report("schedule", "remove") == (0, {"removed": 7})
    code, report = scheduled.report("schedule", "status")
    assert code == 1 and "schedule apply" in report["amiss"]["server-dead"]
    assert report["timetable"] == report["alerts"] == []


def test_where_no_server_answers_that_is_said(ran: Partnership) -> None:
    port = free_port()
    text = ran.config.read_text()
    ran.config.write_text(f"{text}\nschedule:\n  server: http://127.0.0.1:{port}/api\n")
    for words in (["apply"], ["remove"], ["work"]):
        done = ran.journeys("schedule", *words)
        assert done.exit_code == 1 and "does not answer" in done.stderr


def test_a_partnership_that_goes_by_a_timer_has_no_dead_server(ran: Partnership) -> None:
    for _ in range(2):  # looking is not setting up
        done = ran.journeys("schedule", "status", "--alert")
        assert done.exit_code == 0 and "does not answer" not in done.output, done.output
    password(ran.settings.prefect_home)
    port = free_port()
    text = ran.config.read_text()
    ran.config.write_text(f"{text}\nschedule:\n  server: http://127.0.0.1:{port}/api\n")
    done = ran.journeys("schedule", "status")
    assert done.exit_code == 1 and "does not answer" in done.output


def test_a_backup_that_is_not_made_is_told(ran: Partnership) -> None:
    from flows.clock import utc_now
    from flows.orchestration.looking_after import look_after

    assert any("backup" in one for one in look_after(ran.settings, utc_now))


def told_to(partnership: Partnership, hook: Webhook, patch: pytest.MonkeyPatch) -> None:
    """Have a partnership's alerts go to a webhook, and nothing wait."""
    patch.setenv("HOOK", hook.address)
    said = "\nalerts: {teams: env:HOOK}\nschedule: {wait_minutes: 0}\n"
    partnership.config.write_text(partnership.config.read_text() + said)


def test_what_fails_unattended_is_told_once_and_a_folder_that_never_ran_has_not_failed(
    fresh: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    with webhook() as hook:
        told_to(fresh, hook, monkeypatch)
        done = fresh.journeys("schedule", "housekeeping")
        assert done.exit_code == 0, done.output
        assert fresh.journeys("schedule", "status", "--alert").exit_code == 0
        assert [text for text in hook.texts if "-failed" in text or "missing" in text] == []
        # No backup key was made, and somebody takes the control database for something else.
        for _ in range(2):
            assert fresh.journeys("backup", "make", "--alert").exit_code == 1
        (fresh.folder / "control.db").write_bytes(b"no database" * 100)
        for _ in range(2):
            assert fresh.journeys("schedule", "housekeeping").exit_code == 1
        failed = [text.split("#")[1] for text in hook.texts if "-failed" in text]
        assert failed == ["backup-failed", "housekeeping-failed"]


def test_what_is_to_be_looked_after_is_told_anew_once_it_is_something_else() -> None:
    from datetime import date

    from flows.orchestration.looking_after import _key

    today, others = date(2026, 11, 23), ["The last backup is 3 days old."]
    said = [*others, "The last run, 20261122-000000-abcd, failed."]
    later = ["The last backup is 14 days old.", "The last run, 20261123-000000-ffff, failed."]
    assert _key(said, today) == _key(later, date(2026, 11, 29))
    assert _key(said, today) != _key(said, date(2026, 11, 30))
    altered = [*others, "The release of 20261122-000000-abcd is not as it was committed."]
    assert _key(said, today) != _key(altered, today) != _key(altered[:1], today)


def test_a_server_that_answers_and_refuses_is_told_as_dead(
    fresh: Partnership, monkeypatch: pytest.MonkeyPatch
) -> None:
    from httpx import ConnectError

    from flows.orchestration import prefect_settings, registering

    async def refuse() -> None:
        raise ConnectError("no")

    with webhook() as hook:
        told_to(fresh, hook, monkeypatch)
        monkeypatch.setattr(prefect_settings, "is_served", lambda settings: True)
        monkeypatch.setattr(prefect_settings, "standing", lambda settings: True)
        monkeypatch.setattr(registering, "standing_now", refuse)
        for _ in range(2):
            done = fresh.journeys("schedule", "status", "--alert")
            assert done.exit_code == 1 and "server does not answer" in done.output
        assert len([text for text in hook.texts if "#server-dead" in text]) == 1


def test_a_disk_of_backups_that_is_not_mounted_is_told_and_nothing_fails(ran: Partnership) -> None:
    text, place = ran.config.read_text(), ran.folder.parent / "backups"
    ran.config.write_text(text.replace("retention:\n", f"retention:\n  backups: {place}\n", 1))
    for words in (["status"], ["schedule", "housekeeping"]):
        done = ran.journeys(*words)
        assert done.exit_code == 0 and "kept for long enough cannot be told" in done.output
    assert ran.journeys("retention", "due").exit_code == 1


def test_an_agreement_that_ends_is_told_once(ran: Partnership) -> None:
    from flows.clock import utc_now
    from flows.orchestration.looking_after import look_after

    said = look_after(ran.settings, lambda: utc_now().replace(hour=12) + timedelta(days=320))
    assert len([one for one in said if "police: the agreement ends" in one]) == 1
    assert len([one for one in said if "police" in one and "agreement" in one]) == 1


@pytest.mark.parametrize("which", ["ran", "fresh"])
def test_a_run_is_missing_once_the_clock_says_so(
    which: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the last run, or where there was none yet, after partnership.yaml was written."""
    from flows.clock import local_day, utc_now
    from flows.orchestration.amiss import amiss_with, tell

    one: Partnership = request.getfixturevalue(which)
    begun = utc_now()
    with webhook() as hook:
        told_to(one, hook, monkeypatch)
        days = set()
        for hours in (1, 25, 27, 28, 54, 80):
            now = begun + timedelta(hours=hours)
            amiss = amiss_with(one.settings, None, served=False, clock=lambda now=now: now)
            assert set(amiss) == ({"run-missing"} if hours > 26 else set()), hours
            assert tell(one.settings, amiss, lambda now=now: now) == []
            days |= {local_day(now)} if amiss else set()
        assert len([text for text in hook.texts if "#run-missing" in text]) == len(days) >= 3


def test_what_is_told_after_the_commit_is_kept_for_status(
    fresh: Partnership, monkeypatch: pytest.MonkeyPatch, slight: None
) -> None:
    from flows.orchestration.watched import watched_run

    monkeypatch.setenv("HOOK", f"http://127.0.0.1:{free_port()}/hook")
    fresh.config.write_text(fresh.config.read_text() + "\nalerts: {teams: env:HOOK}\n")
    watched_run(fresh.settings, "20261122-020011-91c4")
    shown = fresh.journeys("status").output
    assert "After its commit The alert `draft-waits` could not be sent by teams" in shown


def test_two_commands_that_make_the_servers_password_at_once_make_one(tmp_path: Path) -> None:
    home = tmp_path / "prefect"
    home.mkdir()
    with ThreadPoolExecutor(8) as together:
        assert len(set(together.map(password, [home] * 40))) == 1


ODD = "a b$HOME`x`\\y\"z'q#;%h"


@pytest.mark.parametrize("value", [ODD, "plain-1.2:3/4", "$HOME", "C:\\new", "ends\\"])
def test_an_environment_file_says_the_same_to_a_shell_and_to_systemd(
    tmp_path: Path, value: str
) -> None:
    from flows.cli.schedule import _as_file

    path = tmp_path / "etc" / "os-release"  # which systemd reads as it reads an EnvironmentFile
    path.parent.mkdir()
    path.write_text(_as_file({"BUILD_ID": value}))
    shell = ["sh", "-c", '. "$0"; printf %s "$BUILD_ID"', str(path)]
    assert subprocess.run(shell, capture_output=True, text=True).stdout == value
    program = shutil.which("systemd-tmpfiles")
    if program is None or os.getuid() != 0:
        pytest.skip("HOW SYSTEMD READS IT IS NOT TRIED: no systemd-tmpfiles here, or not root")
    rules = tmp_path / "rules.conf"
    rules.write_text("f /told 0644 - - - %B\n")
    words = [program, f"--root={tmp_path}", "--create", str(rules)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (tmp_path / "told").read_text() == value, done.stderr


def test_a_line_break_is_not_written_into_an_environment_file() -> None:
    from flows.cli.schedule import _as_file

    with pytest.raises(ConfigError, match="line break"):
        _as_file({"A": "1\nB=2"})


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ('{"limit": null, "offset": 0, "flows": {"a": null}}', {"offset": 0, "flows": {"a": None}}),
        ("[null]", [None]),
        ('{"limit": 5}', {"limit": 5}),
    ],
)
def test_a_null_in_a_question_is_left_out(said: str, left: Any) -> None:
    from flows.orchestration.nulls import left_out

    assert json.loads(left_out(said.encode())) == left
    assert left_out(b"no JSON") == b"no JSON"


def test_the_environment_file_is_its_owners_and_is_not_shown(ran: Partnership) -> None:
    out = ran.folder.parent / "hub.env"
    shown = ran.journeys("schedule", "settings")
    written = ran.journeys("schedule", "settings", "--out", str(out))
    assert shown.exit_code == written.exit_code == 0
    word = password(ran.settings.prefect_home)
    assert word not in shown.output + written.output
    lines = out.read_text().splitlines()
    assert f"PREFECT_SERVER_API_AUTH_STRING={word}" in lines and "DO_NOT_TRACK=1" in lines
    assert out.stat().st_mode & 0o777 == 0o600


def test_a_server_that_is_not_ours_is_not_spoken_to(ran: Partnership) -> None:
    with webhook() as hook:
        text = ran.config.read_text()
        server = hook.address.removesuffix("/hook") + "/api"
        ran.config.write_text(f"{text}\nschedule:\n  server: {server}\n")
        password(ran.settings.prefect_home)
        assert not standing(ran.settings)


@pytest.mark.slow
def test_on_postgresql_the_schedule_outlives_a_server_that_was_killed(
    tmp_path: Path, ran_original: Path, postgres_server: PostgresServer
) -> None:
    database = postgres_server.new_database()
    with served(tmp_path / "partnership", ran_original, database=database) as one:
        with asking(one.partnership) as client:
            assert one.report("schedule", "apply")[0] == 0
            keeping = client.read_deployment_by_name("housekeeping/housekeeping").id
            run = client.create_flow_run_from_deployment(keeping)
        one.server.kill()
        one.server.wait(30)
        again = begin(one.partnership, one.environment)
        try:
            done = one.journeys("schedule", "work", "--once")
            assert done.returncode == 0, done.stderr
            with asking(one.partnership) as client:
                assert client.read_flow_run(run.id).state_name == "Completed"
                assert len(one.report("schedule", "status")[1]["timetable"]) == 7
        finally:
            again.terminate()
            again.wait(30)
        assert not (one.partnership.settings.prefect_home / "prefect.db").exists()
