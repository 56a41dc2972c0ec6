"""Protected attributes are found by name and by value, in five languages, and things are not."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.protected import folded, protected_name, protected_values


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("gender", "Gender__c sex Geschlecht sexe género geslacht Salutation Anrede civilité"),
        ("age", "Birthdate date_of_birth Geburtsdatum Alter fecha_de_nacimiento leeftijd ageGroup"),
        ("age", "contact_age date-de-naissance property_birthdate geboortedatum"),
        ("race or origin", "Race ethnicity CountryOfBirth Geburtsort Muttersprache"),
        ("nationality", "nationality Nationalität nationalité nacionalidad nationaliteit"),
        ("nationality", "Staatsangehoerigkeit citizenship"),
        ("religion", "religion Konfession religión godsdienst"),
        ("health", "health_status Krankheitstage illness enfermedad"),
        ("disability", "Disability Behinderung handicap discapacidad arbeidsbeperking"),
        ("family", "marital_status Familienstand état_civil estadoCivil burgerlijke_staat kinder"),
        ("union or politics", "trade_union Gewerkschaft syndicat political_party"),
    ],
)
def test_names_of_people_are_found_in_five_languages(kind: str, columns: str) -> None:
    """However a CRM writes them: with blanks, signs, capitals, accents, or a custom field's end."""
    assert {column: protected_name(column) for column in columns.split()} == dict.fromkeys(
        columns.split(), kind
    )


@pytest.mark.parametrize(
    "column",
    [
        *("stage", "average_amount", "page", "lead_age_days", "age_of_account", "usage", "Agent"),
        *("health_score", "account_health", "source", "LeadOrigin", "Herkunft", "territory"),
        *("trace_id", "message", "grace_period", "is_child", "Language", "Sector", "essex_office"),
        *(
            "recurrence_interval",
            "content_syndication",
            "sexton",
            "terrace",
            "package",
            "percentage",
            "manager",
            "coverage",
            "mortgage_amount",
        ),
    ],
)
def test_names_of_things_are_left_alone(column: str) -> None:
    """What only sounds alike is an attribute like any other."""
    assert protected_name(column) is None


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("gender", ["male", "female", ""]),
        ("gender", ["M", "F"]),
        ("gender", ["m", "w", "d"]),
        ("gender", ["Männlich", "Weiblich", "Divers"]),
        ("gender", ["Mr.", "Mrs.", "Dr."]),
        ("gender", ["hombre", "mujer", "otro"]),
        ("age", ["18-24", "25-34", "35-44", "65+"]),
        ("race or origin", ["White", "Asian", "Black", "Hispanic"]),
        ("nationality", ["German", "Dutch", "Belgian"]),
        ("religion", ["katholisch", "evangelisch", "keine"]),
        ("family", ["ledig", "verheiratet", "geschieden"]),
        ("family", ["célibataire", "mariée", "divorcée"]),
    ],
)
def test_values_tell_whatever_the_column_is_called(kind: str, values: list[str]) -> None:
    """A column that hides behind a neutral name is found by what it holds."""
    assert protected_values("field_17", values) == kind


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("size", ["S", "M", "L", "XL"]),
        ("employees", ["1-10", "11-50", "51-200"]),
        ("colour", ["black", "white", "red"]),
        ("plan", ["single", "team", "enterprise"]),
        ("language", ["German", "French", "Dutch"]),
        ("title", ["CEO", "Buyer", "Mr"]),
        ("answer", ["yes", "no", "other"]),
        ("level", ["sr", "jr"]),
        ("one", ["male"]),
        ("none", []),
    ],
)
def test_values_of_things_say_nothing(column: str, values: list[str]) -> None:
    """Sizes, colours, plans and languages are no attributes of people."""
    assert protected_values(column, values) is None


@settings(deadline=None)
@given(text=st.text(max_size=30))
def test_folding_is_stable_and_never_fails(text: str) -> None:
    """Any header can be asked about, and folded words stay as they are."""
    assert folded(folded(text)) == folded(text)
    protected_name(text)
    protected_values(text, [text, text.upper()])
