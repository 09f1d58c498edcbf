"""The menu of a chat's preferences, edited in place. A button names the value it sets: a second press does nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from bot.chat.screens import Button, Rows, Screen, box, in_rows, join, marked
from bot.chat.texts import Texts, own_name
from bot.chat.views import pack_settings
from bot.chat.zones import city, is_fixed
from bot.domain.chats import LANGUAGES, Loudness, Preferences
from bot.domain.presets import Preset

USUAL_DAYS = (14, 7, 5, 3, 2, 1, 0)
RHYTHMS = ((1, 3, 7), (1, 2, 3, 4, 5, 6, 7), (1, 7), (7,), ())
"""Days after the due date on which a chat is reminded of an overdue invoice, then weekly. Without days, never."""

HOURS = range(24)
ON, OFF = "on", "off"
ZONE_OF_PROVIDER = "provider"
LANGUAGE_OF_TELEGRAM = "auto"


@dataclass(frozen=True, slots=True)
class Choices:
    """What the menu shows: the preferences in force, the language (None: Telegram's), and the zones to offer.

    ``own``: the chat has preferences of its own, which can be reset. ``preset`` is the one that they are, if any.
    ``reference`` is that of bank transfers.
    """

    preferences: Preferences
    language: str | None
    zones: Sequence[str]
    own: bool
    preset: Preset | None
    reference: str | None = None


def menu(t: Texts, choices: Choices, now: datetime) -> Screen:
    """Show all preferences, and buttons to change them."""
    chosen = choices.preferences
    facts = {
        "preset": _preset_text(t, choices.preset),
        "days": _days_text(t, chosen),
        "after": rhythm(t, chosen.after),
        "hour": t.hour(chosen.hour),
        "quiet": _quiet_text(t, chosen),
        "zone": _zone_text(t, chosen, now),
        "language": _language_text(t, choices.language),
        "loud": t.plain(f"settings.loud.{chosen.loudness}"),
        "packs": pack_settings.line(t, chosen),
        "news": _switch_text(t, on=chosen.news),
        "digest": _switch_text(t, on=chosen.digest),
        "pdf": _switch_text(t, on=chosen.pdf_after_payment),
        "pinned": _switch_text(t, on=chosen.pinned),
        "discreet": _switch_text(t, on=chosen.discreet),
        "protected": _switch_text(t, on=chosen.protected),
    }
    if t.calendar.transfer_days is not None:
        facts["transfer"] = _switch_text(t, on=chosen.transfer)
    if t.top_up.payee is not None:
        facts["reference"] = _reference_text(t, choices.reference)
    lines = [t("settings.title"), Markup(""), *(t(f"settings.line.{name}", value=v) for name, v in facts.items())]
    lines += _warnings(t, chosen)
    sections = [Button(t.plain(f"settings.button.{name}"), f"set:{name}") for name in SECTIONS]
    switches = {
        "news": chosen.news,
        "digest": chosen.digest,
        "pdf": chosen.pdf_after_payment,
        "pinned": chosen.pinned,
        "discreet": chosen.discreet,
        "protected": chosen.protected,
    }
    if t.calendar.transfer_days is not None:
        switches["transfer"] = chosen.transfer
    sections += [_switch(t, name, on=on) for name, on in switches.items()]
    if t.top_up.payee is not None:
        sections.append(Button(t.plain("settings.button.reference"), "reference"))
    rows = in_rows(sections)
    return Screen(
        join(lines),
        [*rows, [Button(t.plain("settings.button.defaults"), "set:defaults")]] if choices.own else rows,
        of_chat=True,
    )


def preset(t: Texts, choices: Choices, _: datetime) -> Screen:
    """Ask how much to tell. A preset sets several of the other preferences at once."""
    options = {str(each): t.plain(f"settings.preset.{each}") for each in Preset}
    last = t("settings.preset.last_announced" if t.calendar.announces else "settings.preset.last_due")
    text = join([t("settings.ask.preset"), Markup(""), t("settings.preset.what", last=last)])
    return _one_of(t, "preset", options, str(choices.preset), text=text)


def _reference_text(t: Texts, reference: str | None) -> str:
    return t.plain("settings.reference.unset") if reference is None else reference or t.plain("settings.reference.none")


def days(t: Texts, choices: Choices, _: datetime) -> Screen:
    """Show the days before the due date. Each can be switched on and off."""
    before = choices.preferences.before
    offered = sorted({*USUAL_DAYS, *before}, reverse=True)
    buttons = [
        Button(f"{box(ticked=day in before)} {_day_before(t, day)}", f"set:days:{day}:{OFF if day in before else ON}")
        for day in offered
    ]
    lines = [t("settings.ask.days"), Markup(""), *_without_days(t, choices.preferences)]
    return _section(t, lines if lines[2:] else lines[:1], in_rows(buttons))


def after(t: Texts, choices: Choices, _: datetime) -> Screen:
    """Ask how often to remind of an overdue invoice."""
    chosen = choices.preferences.after
    offered = [*RHYTHMS] if chosen in RHYTHMS else [chosen, *RHYTHMS]
    options = {(".".join(map(str, each)) or OFF): rhythm(t, each) for each in offered}
    return _one_of(t, "after", options, ".".join(map(str, chosen)) or OFF)


def hour(t: Texts, choices: Choices, _: datetime) -> Screen:
    """Ask at which hour reminders come."""
    options = {str(each): t.hour(each) for each in HOURS}
    return _one_of(t, "hour", options, str(choices.preferences.hour), columns=4)


def quiet(t: Texts, choices: Choices, _: datetime) -> Screen:
    """Ask when quiet hours begin, or whether there are none."""
    chosen = choices.preferences.quiet
    options = {str(each): t.hour(each) for each in HOURS} | {OFF: t.plain("settings.quiet.none")}
    return _one_of(t, "quiet", options, OFF if chosen is None else str(chosen.start), columns=4)


def quiet_end(t: Texts, choices: Choices, start: int) -> Screen:
    """Ask when the quiet hours end that begin at ``start``."""
    chosen = choices.preferences.quiet
    present = f"{chosen.start}-{chosen.end}" if chosen else ""
    options = {f"{start}-{each}": t.hour(each) for each in HOURS if each != start}
    text = t("settings.ask.quiet_end", start=t.hour(start))
    return _one_of(t, "quiet", options, present, columns=4, text=text)


def zone(t: Texts, choices: Choices, now: datetime) -> Screen:
    """Ask for the time zone: offer the likely ones, and say how to name another."""
    return zones(t, choices, now, t("settings.ask.zone", zone=_zone_text(t, choices.preferences, now)), choices.zones)


def zones(t: Texts, choices: Choices, now: datetime, text: Markup, offered: Iterable[str]) -> Screen:
    """Offer time zones, with the present time in each."""
    options = {name: zone_name(t, name, now) for name in offered}
    options[ZONE_OF_PROVIDER] = t.plain("settings.zone.provider")
    return _one_of(t, "zone", options, choices.preferences.zone or ZONE_OF_PROVIDER, text=text)


def language(t: Texts, choices: Choices, _: datetime) -> Screen:
    """Ask for the language. Each is called by its own name."""
    options = {code: own_name(code) for code in LANGUAGES} | {LANGUAGE_OF_TELEGRAM: t.plain("language.auto")}
    return _one_of(t, "language", options, choices.language or LANGUAGE_OF_TELEGRAM)


def loud(t: Texts, choices: Choices, _: datetime) -> Screen:
    """Ask which messages ring."""
    options = {str(each): t.plain(f"settings.loud.{each}") for each in Loudness}
    return _one_of(t, "loud", options, str(choices.preferences.loudness))


def packs(t: Texts, choices: Choices, _: datetime) -> Screen:
    """Ask which packs come by themselves, and what their documents are called."""
    chosen = choices.preferences
    return _section(t, pack_settings.text(t, chosen), pack_settings.rows(t, chosen))


SECTIONS = {
    "preset": preset,
    "days": days,
    "after": after,
    "hour": hour,
    "quiet": quiet,
    "zone": zone,
    "language": language,
    "loud": loud,
    "packs": packs,
}
"""What each button of the menu opens."""


def rhythm(t: Texts, after: Sequence[int]) -> str:
    """Write days after the due date: ``1, 3 and 7 days after, then weekly``."""
    if not after:
        return t.plain("settings.after.none")
    last = max(after)
    if last > 1 and sorted(after) == list(range(1, last + 1)):
        return t.count("settings.after.daily", last).unescape()
    return t.count("settings.after.days", last, days=t.listing([str(day) for day in sorted(after)])).unescape()


def zone_name(t: Texts, name: str, now: datetime) -> str:
    """Write a zone's city and time: ``Wien, 10:30``."""
    return f"{city(name, t.language)}, {t.clock(now, name)}"


def _days_text(t: Texts, chosen: Preferences) -> str:
    ahead = sorted((day for day in chosen.before if day), reverse=True)
    parts = []
    if ahead:
        count = t.count("settings.days.before", max(ahead), days=t.listing([str(day) for day in ahead]))
        parts.append(count.unescape())
    if 0 in chosen.before:
        parts.append(t.plain("settings.days.on_the_day"))
    return t.listing(parts) if parts else t.plain("settings.days.none")


def _day_before(t: Texts, day: int) -> str:
    return t.count("settings.days.before", day, days=day).unescape() if day else t.plain("settings.days.on_the_day")


def _quiet_text(t: Texts, chosen: Preferences) -> str:
    if chosen.quiet is None:
        return t.plain("settings.quiet.none")
    return f"{t.hour(chosen.quiet.start)}–{t.hour(chosen.quiet.end)}"


def _zone_text(t: Texts, chosen: Preferences, now: datetime) -> str:
    if chosen.zone is None:
        return t.plain("settings.zone.as_provider", clock=t.clock(now))
    key = "settings.zone.fixed" if is_fixed(chosen.zone) else "settings.zone.own"
    return t.plain(key, city=city(chosen.zone, t.language), clock=t.clock(now))


def _language_text(t: Texts, chosen: str | None) -> str:
    return own_name(chosen) if chosen else t.plain("settings.language.auto", language=own_name(t.language))


def _preset_text(t: Texts, chosen: Preset | None) -> str:
    return t.plain(f"settings.preset.{chosen or 'own'}")


def _switch(t: Texts, name: str, *, on: bool) -> Button:
    flip = OFF if on else ON
    return Button(t.plain(f"settings.{name}.{flip}"), f"set:{name}:{flip}")


def _switch_text(t: Texts, *, on: bool) -> str:
    return t.plain(f"settings.{ON if on else OFF}")


def _warnings(t: Texts, chosen: Preferences) -> list[Markup]:
    lines = _without_days(t, chosen)
    if chosen.quiet is not None and chosen.hour in chosen.quiet:
        at = chosen.quiet.end if chosen.reminder_hour in chosen.quiet else chosen.reminder_hour
        lines.append(t("settings.hour_is_quiet", hour=t.hour(chosen.hour), at=t.hour(at)))
    return [Markup(""), *lines] if lines else []


def _without_days(t: Texts, chosen: Preferences) -> list[Markup]:
    """Say what is left to hear where no reminder comes before the due date."""
    if chosen.before:
        return []
    if t.calendar.announces:
        return [t("settings.last_days_announced")]
    if chosen.news:
        return [t("settings.no_days" if chosen.after else "settings.no_reminders")]
    if chosen.after:
        return [t("settings.no_days_no_news")]
    return [t("settings.only_overview" if chosen.digest else "settings.silence")]


def _one_of(
    t: Texts, name: str, options: Mapping[str, str], chosen: str, columns: int = 1, text: Markup | None = None
) -> Screen:
    buttons = [Button(marked(label, chosen=value == chosen), f"set:{name}:{value}") for value, label in options.items()]
    return _section(t, [t(f"settings.ask.{name}") if text is None else text], in_rows(buttons, columns))


def _section(t: Texts, lines: Sequence[Markup], rows: Rows) -> Screen:
    return Screen(join(lines), [*rows, [Button(t.plain("settings.button.back"), "set")]], of_chat=True)
