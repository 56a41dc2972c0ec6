"""Pages for people: rendered on the server, with no build step and nothing fetched from outside.

region      numbers, dates and amounts as the reader's region writes them
facts       everything the pages say of one home, worked out once and replaced whole
desk        the newest facts, kept up to date in the background
today       whom a rep calls today
quarter     one rep's quota period; the same facts for the rep and the manager
team        a manager's team, with what matters in one sentence
models      what an analyst asks of the models
preview     what another threshold or capacity would have meant
exports     scores of leads as a file
app         the routes
"""
