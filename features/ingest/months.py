"""The names of the months in the languages that exports are written in."""

from __future__ import annotations

_MONTHS = (
    "january jan januar janvier janv enero ene gennaio gen janeiro januari jänner",
    "february feb februar février fevrier févr fevr fév fev febrero febbraio fevereiro februari",
    "march mar märz maerz mär mars marzo março marco maart mrt mrz",
    "april apr avril avr abril abr aprile",
    "may mai mayo maggio mag maio mei",
    "june jun juni juin junio giugno giu junho",
    "july jul juli juillet juil julio luglio lug julho",
    "august aug août aout agosto ago augustus",
    "september sep sept septembre septiembre settembre set setembro",
    "october oct oktober okt octobre octubre ottobre ott outubro out",
    "november nov novembre noviembre novembro",
    "december dec dezember dez décembre decembre déc diciembre dic dicembre dezembro",
)
MONTH_NUMBERS = {name: i for i, names in enumerate(_MONTHS, 1) for name in names.split()}
"""Names of months, whole and short, in seven languages, in small letters; none means two."""
