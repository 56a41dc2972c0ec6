"""Histories in the shapes of CRMs and warehouse loaders, as rows of `changes`."""
