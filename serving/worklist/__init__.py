"""The call list of a day: whom each rep calls, and which leads leave or enter it by lot.

    rules      which leads are listed, in which order: capacity, cool-down, long tail
    lots       who leaves or enters by lot, with what chance
    day        all reps' lists of a day
    inputs     what the rules need of scores and tables, as of a moment
    marks      what people have said about leads, and who is away
    pools      whose pool the leads of a rep who is gone stand in
    handout    where a list is made, kept and laid out with the parts of each priority
    outcomes   what became of the leads whose lot was drawn

The rules and the lots are pure; `serving.store.worklist` keeps what came of them.
"""
