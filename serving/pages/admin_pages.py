"""The pages of analysts and admins: models, people, settings."""

from __future__ import annotations

from starlette.responses import HTMLResponse, Response

from features.errors import InputError, NotFoundError
from serving.access.people import Role
from serving.access.tokens import Grant, create, list_tokens, revoke
from serving.home.overlay import replaced
from serving.pages.frame import Visit
from serving.pages.models import models_page
from serving.pages.preview import preview
from serving.pages.settings import CHANGEABLE, value_of
from serving.store.overrides import OverrideLog
from serving.store.promotions import PromotionLog

REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""A report stands alone: its styles are inside, and it has no script."""
LONGEST_DAYS = 3650


def models(visit: Visit) -> Response:
    """Show the models."""
    facts = visit.facts
    entries = PromotionLog(visit.desk.store).entries()
    return visit.page(
        "models.html.j2",
        models=models_page(facts, entries, visit.region),
        mlflow=visit.desk.settings.serving.pages.mlflow,
        as_of=facts.data_until,
    )


def report(visit: Visit) -> Response:
    """Return a report that the training of a champion left.

    Raises:
        NotFoundError: there is none of that name.
    """
    kind, name = (visit.request.path_params[key] for key in ("kind", "name"))
    model = visit.facts.models.get(kind)
    if model is None or name not in model.files:
        raise NotFoundError(f"there is no report {name!r} of {kind!r}")
    text = model.files[name].read_text(encoding="utf-8")
    return HTMLResponse(text, headers={"Content-Security-Policy": REPORT_POLICY})


def people(visit: Visit, secret: str = "", whose: str = "") -> Response:
    """Show who has access."""
    tokens = list_tokens(visit.desk.store)
    staff = visit.facts.staff
    known = sorted((staff.name(rep), rep) for rep in {*staff.managers, *staff.leading()})
    return visit.page(
        "people.html.j2",
        tokens=tokens,
        roles=list(Role),
        staff=known,
        names=staff.names,
        secret=secret,
        whose=whose,
    )


def add_person(visit: Visit) -> Response:
    """Create a token, and show its secret once.

    Raises:
        InputError: the role, the rep or the days do not go together.
    """
    form = visit.form
    role = form.get("role", "")
    if role not in set(Role):
        raise InputError(f"{role[:20]!r} is no role; choose one of {', '.join(Role)}")
    days = form.get("days", "").strip()
    if days and (not days.isdecimal() or not 1 <= int(days) <= LONGEST_DAYS):
        raise InputError(f"days should be 1 to {LONGEST_DAYS}, or empty for no end")
    grant = Grant(Role(role), form.get("rep", "").strip() or None, int(days) if days else None)
    _, secret = create(visit.desk.store, form.get("name", ""), grant)
    return people(visit, secret, form.get("name", "").strip())


def remove_person(visit: Visit) -> Response:
    """Revoke a token."""
    token = revoke(visit.desk.store, visit.form.get("token_id", ""))
    return visit.back("/people", f"{token.name} has no access any more.")


def settings(visit: Visit) -> Response:
    """Show what can be set, with what another value would have meant."""
    asked, region = visit.request.query_params, visit.region
    now, log = visit.settings, OverrideLog(visit.desk.store)
    below = now.serving.pages.talk_below
    rows = []
    for item in CHANGEABLE:
        present = value_of(now, item.name)
        wanted = _wanted(asked.get(item.name, ""), present)
        replaced(now, {item.name: wanted})
        rows.append(
            {
                "item": item,
                "present": present,
                "wanted": wanted,
                "meant": preview(visit.facts, item.name, present, below, region),
                "would": ""
                if wanted == present
                else preview(visit.facts, item.name, wanted, below, region),
                "file": value_of(visit.desk.settings, item.name),
            }
        )
    return visit.page("settings.html.j2", rows=rows, changes=list(reversed(log.all()))[:10])


def change_setting(visit: Visit) -> Response:
    """Keep another value of a setting, or let params.yaml count again.

    Raises:
        InputError: there is no such setting, or it does not take the value.
    """
    name = visit.form.get("name", "")
    known = {item.name: item for item in CHANGEABLE}
    if name not in known:
        raise InputError(f"{name[:40]!r} cannot be set here")
    log = OverrideLog(visit.desk.store)
    if visit.form.get("reset"):
        log.add(name, None, visit.person.name)
        return visit.back("/settings", f"{known[name].label}: params.yaml counts again.")
    value = _wanted(visit.form.get("value", ""), None)
    replaced(visit.settings, {name: value})
    log.add(name, value, visit.person.name)
    return visit.back("/settings", f"{known[name].label}: {value:g} from now on.")


def _wanted(text: str, otherwise: float | None) -> float | int:
    """Read a number, whole where it is one.

    Raises:
        InputError: it is none.
    """
    plain = text.strip()
    if not plain and otherwise is not None:
        return otherwise
    try:
        value = float(plain)
    except ValueError:
        raise InputError(f"{plain[:20]!r} is no number; write one such as 20 or 0.5") from None
    return int(value) if value.is_integer() else value
