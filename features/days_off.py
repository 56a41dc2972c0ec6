"""Public holidays, by country, as the library `holidays` lists them."""

from __future__ import annotations

from datetime import date
from functools import cache


@cache
def public_holidays(code: str, first_year: int, last_year: int) -> frozenset[date]:
    """Return the public holidays of some years, those that fall on a weekend included.

    Args:
        code: a country's ISO code, with a subdivision's after a hyphen where it matters: "DE",
            "DE-HE". The empty code has no holidays.
        first_year: the first year listed.
        last_year: the last one.

    Raises:
        ValueError: no holidays are listed for the code.
    """
    if not code:
        return frozenset()
    # Imported where it is needed: few businesses set a country, and it takes a tenth of a second.
    from holidays import country_holidays  # noqa: PLC0415 - see above

    country, _, subdivision = code.partition("-")
    try:
        listed = country_holidays(
            country, subdiv=subdivision or None, years=range(first_year, last_year + 1)
        )
    except NotImplementedError:
        raise ValueError(
            f"no public holidays are listed for {code!r}; write a country's ISO code, "
            "with a subdivision's where it matters: DE or DE-HE"
        ) from None
    return frozenset(listed)


def listed_country(code: str) -> str:
    """Return a code of `public_holidays` as it is, for validators.

    Raises:
        ValueError: no holidays are listed for it.
    """
    public_holidays(code, 2000, 2000)
    return code
