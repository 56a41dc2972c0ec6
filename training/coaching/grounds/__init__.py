"""Equal grounds: what each rep got above what an average rep would have got from the same leads.

windows    the periods that are compared, and those that are learned from
dealt      the leads and deals that reps had to work with, and what came of them
chances    what the company makes of a lead or deal like this one
levels     how far period, territory, tenure and rep lie from that, beyond luck
equal      all of it together: `equal_grounds`
"""

from training.coaching.grounds.equal import equal_grounds

__all__ = ["equal_grounds"]
