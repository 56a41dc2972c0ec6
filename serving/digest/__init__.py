"""The weekly digest: what has changed for a rep or a manager since the last one, in few lines.

changes   what has changed, at most five items; nothing where nothing has
letter    a digest as HTML and as plain text
smtp      hands letters to a mail server
"""
