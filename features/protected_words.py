"""Names and values of protected attributes of people, in English, German, French, Spanish, Dutch.

All are written as `features.protected.folded` returns them: small letters without accents, words
parted by blanks.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

Words = Mapping[str, frozenset[str]]
"""For each kind of protected attribute its words."""


def _listed(words: str) -> frozenset[str]:
    return frozenset(word.strip() for word in words.split(","))


def _split(lists: Mapping[str, str]) -> Words:
    return MappingProxyType({kind: _listed(words) for kind, words in lists.items()})


NAMES = _split(
    {
        "gender": "gender, sex, genero, sexe, sexo, salutation, anrede, civilite, aanhef, "
        "sexual orientation, pronouns",
        "age": "age, alter, edad, leeftijd, age group, age band, age range, dob, birthday, "
        "year of birth, geboren, fecha nacimiento, fecha de nacimiento",
        "race or origin": "race, ethnic, rasse, herkunftsland, country of birth, birthplace, "
        "place of birth, geburtsort, lieu de naissance, lugar de nacimiento, geboorteplaats, "
        "country of origin, pays d origine, pais de origen, land van herkomst, mother tongue, "
        "native language, national origin, caste",
        "nationality": "citizenship, citizen of, ciudadania",
        "religion": "faith, konfession, confession, kirche, godsdienst, geloof",
        "health": "health status, health condition, medical condition, sick days, sick leave, "
        "illness, disease, diagnosis, maladie, sante, salud, ziekte",
        "disability": "disability, disabilities, handicap, handicapped, invalidite, beperking, "
        "arbeidsbeperking, disability status, is handicapped",
        "family": "marital, marital status, etat civil, situation familiale, estado civil, "
        "burgerlijke staat, enceinte, kinder, children, kids, enfants, hijos, kinderen, "
        "spouse, dependents, "
        "number of children, family status, gezinssituatie",
        "union or politics": "syndicat, sindicato, political party, political affiliation, "
        "trade union, "
        "union membership, union member",
    }
)
"""Whole words, or words in a row, of a column's name."""

PARTS = _split(
    {
        "gender": "geschlecht, geslacht",
        "age": "birthdate, dateofbirth, birthyear, geburtsdatum, geburtstag, geburtsjahr, "
        "datedenaissance, fechadenacimiento, fechanacimiento, geboortedatum, altersgruppe, "
        "leeftijdsgroep, agebracket",
        "race or origin": "ethnicity, ethnie, etnia, etnicidad, etniciteit, ethnisch, "
        "muttersprache, languematernelle, lenguamaterna, moedertaal, migrationshintergrund",
        "nationality": "nationalit, nacionalidad, staatsangeho, staatsburger, staatsbuerger",
        "religion": "religio, religion, konfession",
        "health": "krankheit, gesundheitszustand, enfermedad, gezondheidstoestand, healthcondition",
        "disability": "behinderung, schwerbehindert, discapacidad, disabilitystatus",
        "family": "familienstand, maritalstatus, schwanger, pregnan, embaraz, zwanger, "
        "estadocivil, etatcivil, kinderzahl, numberofchildren, parentalleave, elternzeit",
        "union or politics": "gewerkschaft, vakbond, politicalparty",
    }
)
"""Parts that no other word has, looked for in a name whose words are joined."""

NOT_OF_PEOPLE = _listed(
    "account, company, deal, lead, opportunity, record, days, day, ticket, case, stage, pipeline, "
    "firma, konto, entreprise, compte, empresa, cuenta, bedrijf"
)
"""With one of these, `age` is that of a thing: lead_age, account_age_days."""
OF_PEOPLE = _listed("contact, person, buyer, driver, employee, rep, owner, insured, patient")
"""With one of these, `age` is that of a person, whatever else the name says."""

VALUES = _split(
    {
        "gender": "male, female, man, woman, men, women, mannlich, maennlich, weiblich, mann, "
        "frau, herr, divers, nonbinary, non binary, homme, femme, masculin, feminin, monsieur, "
        "madame, mr, mrs, ms, miss, mx, hombre, mujer, masculino, femenino, senor, senora, sr, "
        "sra, vrouw, mannelijk, vrouwelijk, dhr, mevr, mevrouw, de heer, transgender, m, mme, mlle",
        "age": "18 24, 25 34, 35 44, 45 54, 55 64, 65 74, 65, 75, under 18, under 25, over 65, "
        "20 29, 30 39, 40 49, 50 59, 60 69, 60, unter 18, unter 25, uber 65",
        "race or origin": "african american, asian, caucasian, hispanic, latino, latina, latinx, "
        "native american, pacific islander, black or african american, middle eastern, mixed race, "
        "biracial, multiracial, white british, black, white, east asian, south asian",
        "nationality": "german, french, english, dutch, british, american, spanish, italian, "
        "polish, turkish, austrian, swiss, belgian, indian, chinese, portuguese, russian, "
        "ukrainian, romanian, greek, swedish, danish, norwegian, finnish, irish, czech, hungarian, "
        "deutsch, "
        "franzosisch, niederlandisch, britisch, amerikanisch, spanisch, italienisch, polnisch, "
        "turkisch, osterreichisch, schweizerisch, allemande, francaise, espanola, frances, aleman, "
        "duits, frans, nederlands, turks, pools, marokkaans, marocain, marocaine, moroccan",
        "religion": "christian, catholic, roman catholic, protestant, muslim, islam, islamic, "
        "jewish, hindu, buddhist, sikh, atheist, agnostic, evangelisch, katholisch, "
        "romisch katholisch, konfessionslos, muslimisch, judisch, orthodox, catholique, musulman, "
        "musulmane, juif, juive, catolico, catolica, katholiek, protestants, moslim, joods",
        "family": "married, divorced, widowed, separated, single, engaged, ledig, verheiratet, "
        "geschieden, verwitwet, getrennt lebend, celibataire, marie, mariee, divorce, divorcee, "
        "veuf, veuve, pacse, soltero, soltera, casado, casada, divorciado, divorciada, viudo, "
        "viuda, gehuwd, ongehuwd, gescheiden, weduwe, weduwnaar, alleenstaand, samenwonend",
        "disability": "disabled, not disabled, able bodied, nondisabled, schwerbehindert, "
        "nicht behindert, handicape, discapacitado, gehandicapt",
    }
)
"""Values that say a protected attribute whatever the column is called."""

SIDE_VALUES = _split(
    {
        "gender": "other, unknown, diverse, dr, prof, prefer not to say, unbekannt, andere, "
        "autre, otro, anders, onbekend, x, d, u, na",
        "age": "unknown, other, 75, unbekannt",
        "race or origin": "other, unknown, two or more races",
        "nationality": "other, unknown, sonstige, unbekannt, autre, anders",
        "religion": "other, none, unknown, keine, aucune, ninguna, geen",
        "family": "other, unknown, unbekannt, autre, otro, anders",
        "disability": "yes, no, unknown",
    }
)
"""Values that may stand beside those, and say nothing alone."""

PAIRED_LETTERS = (
    frozenset("mf"),
    frozenset("mw"),
    frozenset("hf"),
    frozenset("hm"),
    frozenset("mv"),
)
"""Both letters of a pair, in a column of letters, say the gender."""
AMBIGUOUS = frozenset(
    {"m", "sr", "black", "white", "single", "engaged", "separated", "65", "60", "75"}
)
"""Values that other columns hold too: sizes, seniorities, colours; they never count alone."""
LANGUAGE = _listed("language, languages, lang, sprache, langue, idioma, taal, locale")
"""A column with such a name holds languages, which are named like nationalities."""
