"""The `journeys` command, one file per noun. Nothing heavy is imported until a command needs it."""

from __future__ import annotations

from flows.cli.agreements import agreements_app
from flows.cli.attack import attack_command
from flows.cli.audit import audit_app
from flows.cli.backup import backup_app
from flows.cli.break_glass import break_glass_app
from flows.cli.check import check_command
from flows.cli.cohorts import cohorts_app
from flows.cli.doctor import doctor_command
from flows.cli.encode import encode_command
from flows.cli.evidence import evidence_command
from flows.cli.init import init_command
from flows.cli.keys import keys_app
from flows.cli.lineage import lineage_command
from flows.cli.link import link_app
from flows.cli.linkage_benchmark import linkage_benchmark_command
from flows.cli.metrics import metrics_app
from flows.cli.migrate import migrate_command
from flows.cli.publish import publish_command
from flows.cli.pull import pull_command, sources_app
from flows.cli.release import release_app
from flows.cli.retention import retention_app
from flows.cli.rights import rights_app
from flows.cli.run import run_command
from flows.cli.schedule import schedule_app
from flows.cli.shell import program
from flows.cli.sql import sql_command
from flows.cli.status import status_command
from flows.cli.synthesise import synthesise_command
from flows.cli.verify import verify_command

COMMANDS = (
    ("init", init_command, "journeys init --out partnership"),
    ("synthesise", synthesise_command, "journeys synthesise --people 5000 --seed 1 --out demo"),
    ("check", check_command, "journeys check police inbox/police --html check.html"),
    (
        "encode",
        encode_command,
        "journeys encode police extracts/ --keys police.bundle --passphrase-file police.passphrase "
        "--out police.sealed",
    ),
    ("pull", pull_command, "journeys pull police"),
    ("run", run_command, "journeys run --config demo/partnership.yaml"),
    ("status", status_command, "journeys status --config demo/partnership.yaml"),
    ("migrate", migrate_command, "journeys migrate --dry-run"),
    ("doctor", doctor_command, "journeys doctor --sources --json doctor.json"),
    ("sql", sql_command, 'journeys sql "SELECT count(*) FROM person" --format csv'),
    (
        "lineage",
        lineage_command,
        "journeys lineage waiting_time/within_3_weeks --config demo/partnership.yaml",
    ),
    ("publish", publish_command, 'journeys publish --approve --officer "A. Name"'),
    ("verify", verify_command, "journeys verify demo/publications/20261122-020011-91c4"),
    ("evidence", evidence_command, "journeys evidence --out evidence"),
    ("attack", attack_command, "journeys attack --records 10000 --json attack.json"),
    (
        "linkage-benchmark",
        linkage_benchmark_command,
        "journeys linkage-benchmark labelled.parquet --json benchmark.json",
    ),
)

app = program(
    "Pseudonymised record linkage and cohort journeys for a Combating Drugs Partnership.",
    COMMANDS,
    epilog="Begin with `journeys init --out DIR`. Every command has --help with an example.",
)
app.add_typer(agreements_app, name="agreements")
app.add_typer(audit_app, name="audit")
app.add_typer(backup_app, name="backup")
app.add_typer(break_glass_app, name="break-glass")
app.add_typer(cohorts_app, name="cohorts")
app.add_typer(keys_app, name="keys")
app.add_typer(link_app, name="link")
app.add_typer(metrics_app, name="metrics")
app.add_typer(release_app, name="release")
app.add_typer(retention_app, name="retention")
app.add_typer(rights_app, name="rights")
app.add_typer(sources_app, name="sources")
app.add_typer(schedule_app, name="schedule")


def main() -> None:
    """The entry point of the `journeys` command."""
    app()
