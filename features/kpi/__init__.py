"""Key figures of a sales team: declared once, measured for any period and group."""
