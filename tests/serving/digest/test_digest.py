"""Laws of the digest: quiet unless changed, nothing told twice, nobody else's figures."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from inbox import Inbox, own_certificate, smtp_server
from made import NOW, facts, forecast
from pydantic import ValidationError

from features.errors import InputError
from serving.digest.changes import Digest, Item, Reading, manager_digest, rep_digest
from serving.digest.letter import html, letter, subject, text
from serving.digest.smtp import hand_over, mail_server, require_server
from serving.pages.region import region_of
from serving.pages.settings import TeamSettings
from serving.params import DigestParams
from serving.store.database import Store
from serving.store.digests import DigestLog

READING = Reading(TeamSettings(0.5, 5, 0.05), region_of("en-US"))
OURS = DigestParams(host="127.0.0.1", sender="pace@example.com", security="none")


def says(digest: Digest) -> list[str]:
    """What a digest tells."""
    return [item.says for item in digest.items]


def test_the_first_digest_tells_where_a_rep_stands() -> None:
    """Chance and head of the list; the same again is quiet."""
    now = facts({"a": forecast("a", 0.4)}, lists={"a": ["L1", "L2"]})
    first = rep_digest(now, "a", None, READING)
    assert says(first) == [
        "Your chance to make the quota of 100 is 40%.",
        "2 leads are at the head of your list: L1 and L2.",
    ]
    kept = json.loads(json.dumps(first.figures))
    assert rep_digest(now, "a", kept, READING).items == ()


def test_a_rep_hears_of_what_has_changed() -> None:
    """A fallen chance, a won deal and a new lead, and nothing of anybody else."""
    before = rep_digest(facts({"a": forecast("a", 0.6)}, lists={"a": ["L1"]}), "a", None, READING)
    later = NOW + timedelta(days=7)
    now = facts(
        {"a": forecast("a", 0.4), "b": forecast("b", 0.1)},
        lists={"a": ["L1", "L9"]},
        won=[("a", NOW + timedelta(days=1), 25.0), ("b", NOW + timedelta(days=1), 99.0)],
    )
    object.__setattr__(now, "data_until", later)
    told = says(rep_digest(now, "a", before.figures, READING))
    assert told == [
        "Your chance to make the quota of 100 has fallen from 60% to 40%.",
        "You won 1 deal worth 25 since the last digest.",
        "1 lead is new at the head of your list: L9.",
    ]


def test_small_movements_and_unknown_chances_are_quiet() -> None:
    """A movement below the setting is none, and what is not known is not said."""
    before = rep_digest(facts({"a": forecast("a", 0.40)}), "a", None, READING).figures
    assert not rep_digest(facts({"a": forecast("a", 0.44)}), "a", before, READING).items
    assert not rep_digest(facts({}), "a", before, READING).items


def test_a_new_period_is_told_as_new() -> None:
    """The chance of another period is no movement of the last one's."""
    before = rep_digest(facts({"a": forecast("a", 0.9)}), "a", None, READING).figures
    other = forecast("a", 0.5, period_start=datetime(2026, 8, 1))
    (told,) = says(rep_digest(facts({"a": other}), "a", before, READING))
    assert told == "Your chance to make the quota of 100 is 50%."


def test_a_manager_hears_who_is_new_who_is_over_and_who_moved() -> None:
    """At most five items, names in them, and the same again is quiet."""
    then = {
        name: forecast(name, p) for name, p in zip("abcdefgh", [0.6, 0.3] + 6 * [0.7], strict=True)
    }
    first = manager_digest(facts(then), "m", None, READING)
    assert says(first) == ["1 of 8 needs a talk this week: B Name."]
    assert manager_digest(facts(then), "m", first.figures, READING).items == ()
    now = then | {name: forecast(name, 0.9) for name in "bcdefgh"} | {"a": forecast("a", 0.2)}
    told = says(manager_digest(facts(now), "m", first.figures, READING))
    assert told[:2] == [
        "1 of 8 needs a talk this week, 1 new since the last digest: A Name.",
        "B Name does not need one any more.",
    ]
    assert told[2] == "The chance of C Name to make quota has risen from 70% to 90%."
    assert len(told) == 5


def made(says: str = "Your chance is 40%.") -> Digest:
    """A digest with one item."""
    return Digest("a", "Ada <b>", (Item(says, "/quarter?rep_id=a"),), {}, is_manager=False)


def test_a_letter_holds_the_same_words_twice_and_escapes_them() -> None:
    """HTML and plain text say the same; markup in names is text; no line breaks out."""
    page = html(made("x\n<script>"), "https://pace.example/", "Aug 5, 2026")
    assert "&lt;script&gt;" in page
    assert "Ada &lt;b&gt;" in page
    assert 'href="https://pace.example/quarter?rep_id=a"' in page
    assert "src=" not in page
    plain = text(made("x\ny"), "", "Aug 5, 2026")
    assert "- x y" in plain
    assert "not for employment decisions" in plain
    assert subject(made()) == "Your week: 1 change"


@pytest.mark.parametrize("address", ["a@x.example\nBcc: b@x.example", "a@b@c", "a", "a@x, b@x"])
def test_an_address_is_one_address(address: str) -> None:
    """Settings with an address that would break out of its header are refused."""
    for wrong in ({"sender": address}, {"addresses": {"r1": address}}):
        with pytest.raises(ValidationError):
            DigestParams.model_validate(wrong)


def test_a_letter_arrives_at_a_real_server() -> None:
    """What arrives has both forms, the addresses and the subject."""
    inbox = Inbox()
    with (
        smtp_server(inbox) as port,
        mail_server(OURS.model_copy(update={"port": port})) as server,
    ):
        hand_over(server, letter(made(), OURS.sender, "ada@example.com", "", "Aug 5, 2026"))
    (received,) = inbox.letters
    assert received["To"] == "ada@example.com"
    assert received["Subject"] == "Your week: 1 change"
    assert [part.get_content_type() for part in received.iter_parts()] == [
        "text/plain",
        "text/html",
    ]


def test_a_refused_reader_is_named() -> None:
    """The error says which address the server refused."""
    with (
        smtp_server(Inbox()) as port,
        mail_server(OURS.model_copy(update={"port": port})) as server,
        pytest.raises(InputError, match=r"refused nobody@example\.com"),
    ):
        hand_over(server, letter(made(), OURS.sender, "nobody@example.com", "", ""))


def test_settings_that_cannot_send_are_refused() -> None:
    """Without a server, or with a password in the clear, it says what to set."""
    with pytest.raises(InputError, match=r"set serving\.digest\.host and serving\.digest\.sender"):
        require_server(DigestParams())
    with pytest.raises(InputError, match="encrypted"):
        require_server(OURS.model_copy(update={"user": "pace"}))
    with smtp_server(Inbox()) as port:
        away = OURS.model_copy(update={"port": port, "security": "starttls"})
        with pytest.raises(InputError, match="could not be used"), mail_server(away):
            pass
    with pytest.raises(InputError, match="could not be used"), mail_server(away):
        pass


def test_a_letter_goes_by_login_over_an_encrypted_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes a letter only after STARTTLS and the right password, and gets both."""
    password = tmp_path / "password"
    password.write_text("open sesame\n")
    certificate, context = own_certificate(tmp_path)
    # The client believes those whom the machine believes, and OpenSSL reads them from here.
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    inbox = Inbox(user="pace", password="open sesame")  # noqa: S106 - of a server in this test
    options = {"tls_context": context, "require_starttls": True, "auth_required": True}
    with smtp_server(inbox, **options, authenticator=inbox.authenticate) as port:
        ours = OURS.model_copy(
            update={
                "host": "localhost",
                "port": port,
                "security": "starttls",
                "user": "pace",
                "password_file": str(password),
            }
        )
        with mail_server(ours) as server:
            hand_over(server, letter(made(), OURS.sender, "ada@example.com", "", ""))
        password.write_text("another")
        with pytest.raises(InputError, match="does not take the user 'pace'"), mail_server(ours):
            pass
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(InputError, match="could not be used"), mail_server(ours):
            pass
    (received,) = inbox.letters
    assert received["To"] == "ada@example.com"


def test_the_log_keeps_the_newest_of_each_reader(tmp_path: Path) -> None:
    """Digests are only added; the newest of each reader counts."""
    log = DigestLog(Store(tmp_path))
    for reader, chance in (("a", 0.1), ("b", 0.2), ("a", 0.3)):
        log.add(reader, {"chance": chance})
    assert {reader: sent.items for reader, sent in log.newest().items()} == {
        "a": {"chance": 0.3},
        "b": {"chance": 0.2},
    }
