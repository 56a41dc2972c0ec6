"""What a call is worth, and whether the list that follows from it helps.

- `anytime`: intervals that may be looked at every day
- `lots`: what each lot tells of the effect of being listed
- `holdout`: what the lots have shown so far: effect, interval, how long still
- `worth_words`, `worth_page`: the same in sentences, and as a page
"""
