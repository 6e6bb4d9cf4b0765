"""Every table of every partner: its key, what it belongs to, and where it names a person.

Importing this module is cheap; a table's columns and model load pandera when first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from schemas.columns import PLANNED_DATES, Column

if TYPE_CHECKING:
    from schemas.models import CrossRule, Extract


@dataclass(frozen=True)
class IdentityColumns:
    """Which column of a table holds which part of a person's identity; None where none does."""

    forename: str = "forename"
    surname: str = "surname"
    dob: str = "dob"
    sex: str = "sex"
    postcode: str | None = "postcode"
    nhs_number: str | None = None
    nino: str | None = None
    pnc_id: str | None = None
    cro_number: str | None = None
    noms_number: str | None = None
    local_id: tuple[str, ...] = ()
    forename_initial: str | None = None
    surname_initial: str | None = None
    sector: str | None = None


@dataclass(frozen=True)
class Table:
    """One table of a partner's extract.

    Args:
        partner: Who sends it, which is also the module that declares it.
        name: The table, which is the name of its file without `.csv`.
        model_name: The class in that module.
        key: The columns that make a record's key, in order.
        parents: For each set of columns that refers to another table, that table; the columns
            have the same names there and are its key.
        expected: Tables of which every record should have one that belongs to it, each with the
            rule that is broken where it has none.
        identity: Where each row names a person; None for a table of events only.
        consent: The column that says Y or N to sharing, if the table has one.
        given_without_consent: The only columns that may be filled where the answer is N.
        title: What it is, for people to read.
        optional: Whether an extract is whole without it. The agreement need not list it either.
        restricted: Whether it is so sensitive that an agreement has to name it expressly; no
            template does.
    """

    partner: str
    name: str
    model_name: str
    key: tuple[str, ...]
    parents: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    expected: Mapping[str, str] = field(default_factory=dict)
    identity: IdentityColumns | None = None
    consent: str | None = None
    given_without_consent: tuple[str, ...] = ()
    title: str = ""
    optional: bool = False
    restricted: bool = False

    @property
    def model(self) -> type[Extract]:
        """The table's pandera model."""
        return _model(self.partner, self.model_name)

    @property
    def columns(self) -> dict[str, Column]:
        """The table's columns as they arrive, in order."""
        return dict(_columns(self.partner, self.model_name))

    @property
    def validated_columns(self) -> tuple[str, ...]:
        """The table's columns once validated: free text has given way to its category."""
        return tuple(column.becomes or name for name, column in self.columns.items())

    @property
    def withheld_by(self) -> str | None:
        """The column under which rows withheld for want of consent are counted, if any can be.

        What belongs to a person has no answer of its own, but refers to the record that has.
        """
        if self.consent is not None:
            return self.consent
        above = (columns for columns, name in self.parents.items()
                 if find_table(self.partner, name).withheld_by)  # fmt: skip
        return next((columns[-1] for columns in above), None)

    @property
    def past_dates(self) -> dict[str, str | None]:
        """The columns whose dates cannot lie after the extract.

        Each with the column that says, once it is filled, that a planned date has come; None
        where the date is of something that has happened anyhow.
        """
        dates = (name for name, column in self.columns.items() if column.kind == "date")
        said = {name: (PLANNED_DATES.get((self.name, name)), (self.name, name)) for name in dates}
        return {
            name: settled
            for name, (settled, where) in said.items()
            if settled or where not in PLANNED_DATES
        }

    @property
    def cross_rules(self) -> tuple[CrossRule, ...]:
        """The rules between this table and the one it belongs to."""
        module = import_module(f"schemas.{self.partner}")
        return tuple(rule for rule in module.CROSS_RULES if rule.table == self.name)


@cache
def _model(partner: str, model_name: str) -> type[Extract]:
    return getattr(import_module(f"schemas.{partner}"), model_name)


@cache
def _columns(partner: str, model_name: str) -> dict[str, Column]:
    from schemas.models import columns_of

    return columns_of(_model(partner, model_name))


CUSTODY = Table(
    "police",
    "custody",
    "Custody",
    key=("custody_ref",),
    identity=IdentityColumns(pnc_id="pnc_id", cro_number="cro_number"),
    title="Custody records",
)
DRUG_TEST = Table(
    "police",
    "drug_test",
    "DrugTest",
    key=("drug_test_ref",),
    parents={("custody_ref",): "custody"},
    title="Drug tests on arrest",
)
INTENSIVE_PROGRAMME = Table(
    "police",
    "intensive_programme",
    "IntensiveProgramme",
    key=("programme_ref",),
    identity=IdentityColumns(pnc_id="pnc_id"),
    title="Membership of an intensive programme",
    optional=True,
)
SUSPECTED_DRUG_DEATH = Table(
    "police",
    "suspected_drug_death",
    "SuspectedDrugDeath",
    key=("death_ref",),
    identity=IdentityColumns(pnc_id="pnc_id"),
    title="Suspected drug-related deaths",
    optional=True,
    restricted=True,
)
SENTENCE = Table(
    "probation",
    "sentence",
    "Sentence",
    key=("sentence_ref",),
    identity=IdentityColumns(
        nino="nino",
        pnc_id="pnc_id",
        cro_number="cro_number",
        noms_number="noms_number",
        local_id=("crn",),
    ),
    title="Sentences",
)
REQUIREMENT = Table(
    "probation",
    "requirement",
    "Requirement",
    key=("requirement_ref",),
    parents={("sentence_ref",): "sentence"},
    title="Requirements of sentences",
)
RELEASE = Table(
    "probation",
    "release",
    "Release",
    key=("release_ref",),
    parents={("sentence_ref",): "sentence"},
    title="Releases from prison",
)
ENFORCEMENT = Table(
    "probation",
    "enforcement",
    "Enforcement",
    key=("enforcement_ref",),
    parents={("sentence_ref",): "sentence"},
    title="Breaches and recalls",
    optional=True,
)
ACCOMMODATION = Table(
    "probation",
    "accommodation",
    "Accommodation",
    key=("accommodation_ref",),
    parents={("sentence_ref",): "sentence"},
    title="Accommodation during sentences",
    optional=True,
)
EPISODE_KEY = ("agncy", "clientid", "episodid")
EPISODE = Table(
    "treatment",
    "episode",
    "Episode",
    key=EPISODE_KEY,
    identity=IdentityColumns(
        nhs_number="nhsno",
        local_id=("agncy", "clientid"),
        forename_initial="finitial",
        surname_initial="sinitial",
        sector="pc",
    ),
    consent="consent",
    given_without_consent=("agncy", "clientid", "consent"),
    title="Treatment episodes",
)
INTERVENTION = Table(
    "treatment",
    "intervention",
    "Intervention",
    key=("modid",),
    parents={EPISODE_KEY: "episode"},
    title="Interventions",
)
OUTCOMES_PROFILE = Table(
    "treatment",
    "outcomes_profile",
    "OutcomesProfile",
    key=("topid",),
    parents={EPISODE_KEY: "episode"},
    title="Treatment Outcomes Profiles",
    optional=True,
)
SECURE_TREATMENT = Table(
    "treatment",
    "secure_treatment",
    "SecureTreatment",
    key=("secure_ref",),
    identity=IdentityColumns(
        postcode=None,
        nhs_number="nhsno",
        noms_number="noms_number",
        local_id=("agncy", "clientid"),
        forename_initial="finitial",
        surname_initial="sinitial",
    ),
    consent="consent",
    given_without_consent=("agncy", "clientid", "consent"),
    title="Treatment in secure settings",
    optional=True,
)
TRANSFER = Table(
    "treatment",
    "transfer",
    "Transfer",
    key=("transfer_ref",),
    parents={("secure_ref",): "secure_treatment"},
    title="Transfers to the community on release",
    optional=True,
)
CJ_ASSESSMENT = Table(
    "treatment",
    "cj_assessment",
    "CjAssessment",
    key=("cj_assessment_ref",),
    identity=IdentityColumns(
        postcode=None,
        local_id=("agncy", "clientid"),
        forename_initial="finitial",
        surname_initial="sinitial",
        sector="pc",
    ),
    title="Criminal-justice team: assessments",
    optional=True,
)
CJ_CASELOAD = Table(
    "treatment",
    "cj_caseload",
    "CjCaseload",
    key=("cj_caseload_ref",),
    parents={("cj_assessment_ref",): "cj_assessment"},
    title="Criminal-justice team: caseload",
    optional=True,
)
PRISON_REFERRAL = Table(
    "treatment",
    "prison_referral",
    "PrisonReferral",
    key=("prison_referral_ref",),
    identity=IdentityColumns(
        postcode=None,
        noms_number="noms_number",
        local_id=("agncy", "clientid"),
        forename_initial="finitial",
        surname_initial="sinitial",
    ),
    title="Criminal-justice team: referrals from prison",
    optional=True,
)
APPLICATION = Table(
    "housing",
    "application",
    "Application",
    key=("case_ref",),
    expected={"person": "application_without_people"},
    title="Homelessness applications",
)
PERSON = Table(
    "housing",
    "person",
    "Person",
    key=("person_ref",),
    parents={("case_ref",): "application"},
    identity=IdentityColumns(nino="nino"),
    title="People of households",
)
DUTY = Table(
    "housing",
    "duty",
    "Duty",
    key=("duty_ref",),
    parents={("case_ref",): "application"},
    title="Homelessness duties",
)
TENANCY = Table(
    "housing",
    "tenancy",
    "Tenancy",
    key=("tenancy_ref",),
    parents={("person_ref",): "person"},
    title="Tenancies",
)
TEMPORARY_ACCOMMODATION = Table(
    "housing",
    "temporary_accommodation",
    "TemporaryAccommodation",
    key=("placement_ref",),
    parents={("case_ref",): "application"},
    title="Temporary accommodation",
    optional=True,
)
ROUGH_SLEEPING = Table(
    "housing",
    "rough_sleeping",
    "RoughSleeping",
    key=("sighting_ref",),
    identity=IdentityColumns(postcode=None),
    title="Sightings of rough sleeping",
    optional=True,
)

TABLES: dict[str, tuple[Table, ...]] = {
    "police": (CUSTODY, DRUG_TEST, INTENSIVE_PROGRAMME, SUSPECTED_DRUG_DEATH),
    "probation": (SENTENCE, REQUIREMENT, RELEASE, ENFORCEMENT, ACCOMMODATION),
    "treatment": (
        EPISODE,
        INTERVENTION,
        OUTCOMES_PROFILE,
        SECURE_TREATMENT,
        TRANSFER,
        CJ_ASSESSMENT,
        CJ_CASELOAD,
        PRISON_REFERRAL,
    ),
    "housing": (
        APPLICATION,
        PERSON,
        DUTY,
        TENANCY,
        TEMPORARY_ACCOMMODATION,
        ROUGH_SLEEPING,
    ),
}
"""Each partner's tables, every one after those it belongs to."""


def find_table(partner: str, name: str) -> Table:
    """The table of that name; KeyError where there is none, which is a slip in our own code."""
    for table in TABLES[partner]:
        if table.name == name:
            return table
    raise KeyError(f"{partner} has no table {name}")
