"""A sample company whose machinery is known: `machine.step` is one day of it.

`settings` say how it is made, `state` what it is at one moment, `machine` what a day does to it,
`crm` what of that a CRM records, `truth` what replaying the future tells.
"""
