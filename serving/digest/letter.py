"""A digest as a letter: HTML that mail programs show as it is, and the same as plain text."""

from __future__ import annotations

from email.message import EmailMessage
from email.utils import make_msgid

from serving.digest.changes import Digest
from serving.pages.trust import PURPOSE
from training.report.page import templates


def subject(digest: Digest) -> str:
    """Return the subject: nothing about a person that a lock screen should not show."""
    number = len(digest.items)
    what = "Your team" if digest.is_manager else "Your week"
    return f"{what}: {number} {'change' if number == 1 else 'changes'}"


def html(digest: Digest, link: str, as_of: str) -> str:
    """Return the letter as HTML, everything that the data say escaped.

    Args:
        digest: with at least one item.
        link: the address of the pages; empty: without links.
        as_of: the end of the data, in words.
    """
    page = templates(own="serving.digest").get_template("digest.html.j2")
    return page.render(
        digest=digest, subject=subject(digest), link=link.rstrip("/"), as_of=as_of, purpose=PURPOSE
    )


def text(digest: Digest, link: str, as_of: str) -> str:
    """Return the letter as plain text."""
    base = link.rstrip("/")
    lines = [f"{_on_one_line(digest.name)}, what has changed (data up to {as_of}):", ""]
    for item in digest.items:
        lines.append(f"- {_on_one_line(item.says)}")
        if base:
            lines.append(f"  {base}{item.path}")
    return "\n".join([*lines, "", PURPOSE, ""])


def letter(digest: Digest, sender: str, address: str, link: str, as_of: str) -> EmailMessage:
    """Return the message to be sent.

    Args:
        digest: with at least one item.
        sender: the address it comes from.
        address: the reader's.
        link: the address of the pages.
        as_of: the end of the data, in words.
    """
    message = EmailMessage()
    message["Subject"] = subject(digest)
    message["From"] = sender
    message["To"] = address
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text(digest, link, as_of))
    message.add_alternative(html(digest, link, as_of), subtype="html")
    return message


def _on_one_line(words: str) -> str:
    return " ".join(words.split())
