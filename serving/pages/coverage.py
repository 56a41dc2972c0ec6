"""How much open pipeline a quota needs, with every step of the sum."""

from __future__ import annotations

from dataclasses import dataclass

from serving.pages.region import Region
from serving.wording.forecasts import RepForecast


@dataclass(frozen=True)
class Coverage:
    """The open pipeline that reaching quota on average would take.

    Attributes:
        gap: the quota less what is closed and what new deals are expected to bring; 0 or less is
            none.
        yield_: what open deals are expected to bring in time, as a share of their amount; None
            where nothing is open.
        needed: the amount of open deals at which that share fills the gap; None where it cannot be
            said.
        open_amount: the amount that is open.
        steps: the sum, a line each.
    """

    gap: float
    yield_: float | None
    needed: float | None
    open_amount: float
    steps: tuple[str, ...]

    @property
    def is_enough(self) -> bool:
        """Whether what is open is expected to fill the gap."""
        return self.gap <= 0 or (self.needed is not None and self.open_amount >= self.needed)


def coverage_of(forecast: RepForecast, open_amount: float, region: Region) -> Coverage:
    """Return the coverage that a quota needs.

    | quota | closed | new | gap | open brings | needed   |
    |-------|--------|-----|-----|-------------|----------|
    | 100   | 30     | 10  | 60  | 24 %        | 250      |
    | 100   | 95     | 10  | -5  | 24 %        | 0        |
    | 100   | 30     | 10  | 60  | nothing     | not said |

    Args:
        forecast: of a period with a quota.
        open_amount: of the open deals that the forecast counts.
        region: writes amounts.
    """
    gap = forecast.quota - forecast.attained - forecast.expected_new
    share = forecast.expected_open / open_amount if open_amount > 0 else None
    needed = max(gap, 0.0) / share if share else None
    steps = [
        f"Quota: {region.amount(forecast.quota)}",
        f"less what is closed: {region.amount(forecast.attained)}",
        (
            "less what deals still to be created are expected to bring: "
            f"{region.about(forecast.expected_new)}"
        ),
        f"leaves for open deals: {region.about(max(gap, 0.0))}",
    ]
    if share is not None:
        steps.append(
            f"Open deals of {region.about(open_amount)} are expected to bring "
            f"{region.about(forecast.expected_open)} in time, "
            f"{region.exact_share(share)} of their amount"
        )
    if share and gap > 0:
        steps.append(
            f"{region.about(gap)} / {region.exact_share(share)} = "
            f"{region.about(needed or 0.0)} of open deals would be needed "
            "to reach the quota on average"
        )
    return Coverage(gap, share, needed, open_amount, tuple(steps))
