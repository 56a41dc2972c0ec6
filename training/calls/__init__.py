"""What a call is worth, and whether the list that follows from it helps.

anytime        intervals that may be looked at every day
holdout        what the lots have shown so far: effect, interval, how long still
worth_words    the same in sentences
worth_page     the same as a page
"""
