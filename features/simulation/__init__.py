"""A sample company whose machinery is known: `machine.Machine.step` is one day of it.

`settings` say how it is made and `state` what it is at one moment. A day is `outside` (times,
people, new leads), `deal_work` and `lead_work`. `crm` is what of that a CRM records, with
`journal`, `people`, `lead_records` and `deal_records`; `live` plays and writes a history; `truth`
tells what it never shows, from `futures` and `pasts` played many times.
"""
