"""The releases: whether each is still what its run committed."""

from __future__ import annotations

from collections.abc import Iterator

from flows.doctor.finding import Finding, Patient, fail, ok, warn
from flows.housekeeping import runs_in
from flows.releases.as_committed import ALWAYS_WITHIN, changed

REMEDY = (
    "Let nobody read it: put the whole folder back from one backup "
    "(docs/how-to/back-up-and-restore.md), or run `journeys run`, which builds a release anew."
)


def releases(patient: Patient) -> Iterator[Finding]:
    """Whether the files of every release that is kept are as they were committed."""
    settings, control = patient.settings, patient.control
    if control is None:
        return
    kept = [one for one in control.committed_runs() if one in runs_in(settings.releases)]
    read = control.release_run()
    # Where people were erased or a partner taken out since, it was removed.
    if read is not None and read.run_id not in {*kept, *control.runs_of_the_past()}:
        yield fail("releases", f"The release that people read, {read.run_id}, is missing.", REMEDY)
    known = {run_id: control.release_files(run_id) for run_id in kept}
    size = sum(one.bytes for files in known.values() for one in files)
    whole = patient.digests or size <= ALWAYS_WITHIN
    sound = 0
    for run_id in (one for one in kept if known[one]):
        found = list(changed(settings.releases / run_id, known[run_id], whole=whole))
        sound += not found
        if found:
            said = f"The release of {run_id} is not as it was committed: {'; '.join(found)}."
            yield fail("releases", said, REMEDY)
    untold = [one for one in kept if not known[one]]
    if untold:
        yield warn(
            "releases",
            f"Whether {len(untold)} releases are as they were committed cannot be told: an earlier "
            "version of this program made them.",
            "Nothing to do: each run makes a release of which it can be told, and older ones go.",
        )
    if sound:
        how = "by their digests" if whole else "by size and time; --digests reads them"
        yield ok("releases", f"{sound} releases are as they were committed, {how}.")
