"""Where a rep's gap to quota comes from.

The parts, from the tables to the words:

    company       the tables of one moment, as plain arrays
    stays         how long leads and deals stood in each stage, cut at period borders
    rates         what the company's own rates let expect of the like
    rows          events beside what is usual, row by row
    ramp          how new reps get going, and how outcomes grow with work
    channels      what each cause would show in: observed beside usual, by rep and period
    spells        a lasting level and a rare spell, told apart by a filter that runs forwards
    believed      priors learned from the company, then the filter in every channel
    ground        quotas and territories
    funnel_rates  the company's daily rates from lead to won deal
    stocks        what each rep had when the period before began, and what came since
    funnel        how leads become revenue, day by day, with effects switched on and off
    sizes         what each cause costs, split by Shapley
    candidates    what may be told of each rep, and what it does to the funnel
    told          which causes are told, in which order, in which words
    find          all of it together: `rep_causes`
"""

from training.coaching.causes.find import rep_causes

__all__ = ["rep_causes"]
