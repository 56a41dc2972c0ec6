"""What a call is worth, the order of a list, and whether the list helps.

- `answers`, `attempts`: past attempts to reach a lead, and how they ended
- `fit`, `model`, `risk`: the chance to reach somebody today, and what that adds
- `order`: what a call is worth now, by a formula people can read
- `anytime`: intervals that may be looked at every day
- `lots`: what each lot tells of the effect of being listed
- `holdout`: what the lots have shown so far: effect, interval, how long still
- `worth_words`, `worth_page`: the same in sentences, and as a page
"""
