"""Equal grounds: what each rep got above what an average rep would have got from the same leads.

windows      the periods that are compared, and those that are learned from
dealt        the leads and deals that reps had to work with, and what came of them
owned        who had them when, and how much of their chances fell into that time
places       territories and tenure
chances      what the company makes of a lead or deal like this one
levels       how far period, territory, tenure and rep lie from that, beyond luck
equal        all of it together: `equal_grounds`
limits       what it cannot tell from an extract
leaderboard  a ranking by it, off by default
fairness     an audit of it by groups of people; `inputs` are looked through for proxies
"""

from training.coaching.grounds.equal import equal_grounds
from training.coaching.grounds.fairness import GroundsAudit, audit_grounds
from training.coaching.grounds.inputs import ground_inputs
from training.coaching.grounds.leaderboard import Leaderboard, leaderboard
from training.coaching.grounds.limits import grounds_limits

__all__ = [
    "GroundsAudit",
    "Leaderboard",
    "audit_grounds",
    "equal_grounds",
    "ground_inputs",
    "grounds_limits",
    "leaderboard",
]
