"""Where a rep's gap to quota comes from.

company    the tables of one moment, as plain arrays
stays      how long leads and deals stood in each stage, cut at period borders
rates      the company's own rates for the like, and how they grow with tenure
channels   what each cause would show in: observed beside expected, by rep and period
spells     a lasting level and a rare spell, told apart by a filter that runs forwards
ground     quotas and territories
funnel     how leads become revenue, day by day, with effects switched on and off
sizes      what each cause costs, as a share of the quota
told       which causes are said, in which order, in which words
find       all of it together: `rep_causes`
"""

from training.coaching.causes.find import rep_causes

__all__ = ["rep_causes"]
