"""What can be wrong with a source. No message holds a URL, a credential or a file's name there."""

from __future__ import annotations

from schemas.errors import JourneysError


class SourceProblem(JourneysError):
    """A source that nothing could be pulled from; what lies in the inbox is as it was."""

    state = "refused"


class SourceRefused(SourceProblem):
    """A source that must not be trusted, or that does not let us in: it is not tried again."""


class SourceUnsound(SourceProblem):
    """A source whose files contradict what it, or the ledger, says of them."""

    state = "unsound"


class SourceAway(SourceProblem):
    """A source that did not answer, or stopped answering: it is tried again."""

    state = "unreachable"


class CutShort(SourceAway):
    """A file of which fewer bytes came than the source says it has."""

    state = "unsound"


class Contradicted(SourceProblem):
    """Two extracts of one period with different content."""

    state = "contradicted"


class FailedItsChecks(SourceProblem):
    """What the source holds was pulled before and failed its checks."""

    state = "failed its checks"


class BrokenOff(SourceProblem):
    """A pull that was ended before it was done: of one source, which hinders no other."""

    state = "broken off"


class NotReached(SourceProblem):
    """A source that was not called: others had taken the time that all have together."""

    state = "not reached"


class DiskFull(SourceProblem):
    """What was pulled could not be written."""

    state = "not written"


class LackingExtra(SourceProblem):
    """A kind of source that this installation cannot pull from."""

    def __init__(self, extra: str, remedy: str = "") -> None:
        self.extra = extra
        super().__init__(
            f"Pulling from a source of this kind needs the extra `{extra}`, which is not "
            "installed.",
            f"Install it (`pip install 'cohort-journeys[{extra}]'`, or from the offline bundle), "
            "then run again.",
        )

    def __reduce__(self) -> tuple[type[LackingExtra], tuple[str]]:
        """Rebuild from the name of the extra."""
        return type(self), (self.extra,)


def not_let_in() -> SourceRefused:
    """The source refused the credential, or what was asked for with it."""
    return SourceRefused(
        "The source refused the credential, or what was asked for with it.",
        "Check that the credential is the right one, has not expired and may read there; renew it "
        "with the partner.",
    )


def not_there() -> SourceRefused:
    """The folder, bucket or file is not at the source."""
    return SourceRefused(
        "What partnership.yaml names is not at the source.",
        "Correct the folder, bucket, container or address under `source`, or ask the partner.",
    )


def away() -> SourceAway:
    """The source did not answer."""
    return SourceAway(
        "The source did not answer, or the connection to it broke.",
        "Check the network, the host and the port under `source`, and ask the partner whether it "
        "is up; the next run tries again.",
    )


def changed() -> SourceUnsound:
    """A file changed while it was pulled."""
    return SourceUnsound(
        "A file changed at the source while it was being pulled.",
        "Nothing of it was taken; it is pulled once it stands still. If it happens every night, "
        "agree on another hour, on a marker file, or on a longer `settle_seconds`.",
    )


def too_long() -> SourceUnsound:
    """More bytes came than the source says there are."""
    return SourceUnsound(
        "The source gave more bytes of a file than it says the file has.",
        "Nothing of it was taken. Ask the partner whether the file was still being written.",
    )


def cut_short() -> CutShort:
    """Fewer bytes came than the source says there are."""
    return CutShort(
        "A file ended before the source's own size of it was reached.",
        "Nothing of it was taken. If it happens again, ask the partner whether the file is whole "
        "on its side.",
    )


def disk_full() -> DiskFull:
    """What was pulled has no room, or no right, to be written."""
    return DiskFull(
        "What was pulled could not be written beside the inbox.",
        "Make room on the hub's disk, or correct the folder's permissions, then run again; "
        "nothing was half taken.",
    )


def was_ended() -> BrokenOff:
    """A pull whose process was killed."""
    return BrokenOff(
        "The process that pulled from the source was ended before it was done.",
        "Nothing of it was taken, and the other sources went on. Check that the machine has "
        "memory enough; the next run tries again.",
    )


def took_too_long(minutes: int) -> BrokenOff:
    """A pull that was not done in its time."""
    return BrokenOff(
        f"Pulling from the source was not done in {minutes} minutes, and was ended.",
        "Nothing of it was taken, and the other sources went on. Ask the partner whether its "
        "server hangs; if it is only slow, raise `longest_minutes` under `source`.",
    )


def took_all_the_time(minutes: int) -> BrokenOff:
    """A pull that was not done when the time of all sources together was over."""
    return BrokenOff(
        f"Pulling from the source was ended: all sources together had taken the {minutes} minutes "
        "that they may.",
        "Nothing of it was taken. See which source was broken off or slow, and ask that partner; "
        "the next run calls this one after those that did well.",
    )


def no_time_left(minutes: int) -> NotReached:
    """A source that there was no time for."""
    return NotReached(
        f"The source was not called: the others had taken the {minutes} minutes that all sources "
        "have together.",
        "See which of them was broken off, and ask that partner whether its server hangs. The "
        "next run calls this one before it; `journeys pull` with this partner's name does so now.",
    )


def took_too_much(megabytes: int) -> BrokenOff:
    """A pull of more bytes than one may be of."""
    return BrokenOff(
        f"The source holds more than the {megabytes:,} MB that one pull may be of.",
        "Nothing of it was taken. Ask the partner what it put there; if so much is right, raise "
        "`most_megabytes` under `source`.",
    )


def out_of_memory() -> BrokenOff:
    """A pull that asked for more memory than one may have."""
    return BrokenOff(
        "Pulling from the source needed more memory than one pull may have.",
        "Nothing of it was taken, and the other sources went on. Ask the partner what it put "
        "there: a query or a file whose rows are very long, or very many files.",
    )
