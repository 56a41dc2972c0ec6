"""A sample company whose true chances are known: `machine.Machine.step` is one day of it.

- `settings` hold every number of the company, `state` what it is like at one moment.
- A day consists of `outside` (the market, people, new leads), `deal_work` and `lead_work`.
- `crm` records what a CRM would, with `journal`, `people`, `lead_records` and `deal_records`.
- `live` plays a whole history and writes its tables.
- `truth` writes what no CRM knows, from `futures` and `pasts` that are played many times.
"""
