"""From an extract to a warehouse: read, mapped, parsed, checked, and published."""
