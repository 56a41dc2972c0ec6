"""The words of a mapping file: what each key means, and which values it takes."""
