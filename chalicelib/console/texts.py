"""Texts, numbers and times in the person's language."""

from __future__ import annotations

import gettext
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache

from markupsafe import Markup

from chalicelib.console.assets import STATIC
from chalicelib.domain import reasons
from chalicelib.domain.definitions import DEFINITIONS

LANGUAGES = {"zh": "zh-Hans", "en": "en"}  # with the value of `lang`
SYMBOLS = {"CNY": "¥", "USD": "$", "EUR": "€", "HKD": "HK$", "GBP": "£"}
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
FIRST, LAST = -62_135_510_400_000, 253_402_214_400_000  # the years 1 to 9999 (ms), in any zone


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """Return the catalogue. English texts are their own keys."""
    path = STATIC / f"{language}.mo"
    if language == "en" or not path.is_file():
        return gettext.NullTranslations()
    with path.open("rb") as file:
        return gettext.GNUTranslations(file)


class Texts:
    """The texts, numbers and times of a visit. `offset`: hours ahead of UTC."""

    def __init__(self, language: str, offset: float, now: int, currency: str = "CNY") -> None:
        self.language, self.now, self._currency = language, now, currency
        self.zone: tzinfo = timezone(timedelta(hours=offset))
        self._catalogue = catalogue(language)

    def say(self, text: str, **values: object) -> str:
        """Translate a text and fill it in."""
        said = self._catalogue.gettext(text)
        return said % values if values else said

    def say_many(self, one: str, many: str, number: int, **values: object) -> str:
        return self._catalogue.ngettext(one, many, number) % {"num": self.number(number), **values}

    @staticmethod
    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:,}".replace("-", "−")

    def money(self, amount: float | None) -> str:
        """Write an amount with two decimals, or with all that a small one has."""
        if amount is None:
            return "–"
        is_small = 0 < abs(amount) < 1
        text = f"{amount:.6f}".rstrip("0") if is_small else f"{amount:,.2f}"
        whole, _, decimals = text.partition(".")
        symbol = SYMBOLS.get(self._currency, f"{self._currency} ")
        return f"{symbol}{whole}.{decimals:0<2}"

    @staticmethod
    def percent(part: float | None, whole: float | None = 100, digits: int = 1) -> str:
        """Write a share. Without a whole there is none."""
        if part is None or not whole:
            return "–"
        return f"{part / whole * 100:.{digits}f}%"

    def duration(self, seconds: int) -> str:
        """Write a time span in its largest whole unit."""
        if seconds >= 86_400 and seconds % 86_400 == 0:
            return self.say_many("%(num)s day", "%(num)s days", seconds // 86_400)
        if seconds >= 3600 and seconds % 3600 == 0:
            return self.say_many("%(num)s hour", "%(num)s hours", seconds // 3600)
        if seconds >= 60 and seconds % 60 == 0:
            return self.say_many("%(num)s minute", "%(num)s minutes", seconds // 60)
        return self.say_many("%(num)s second", "%(num)s seconds", seconds)

    def seconds(self, value: float | None) -> str:
        """Write a measured time, to a tenth of a second where it is short."""
        if value is None:
            return "–"
        if value >= 120:
            return self.say("%(number)s min", number=f"{value / 60:.0f}")
        return self.say("%(number)s s", number=f"{value:.0f}" if value >= 10 else f"{value:.1f}")

    def at(self, time: int) -> datetime:
        """Return a time on the person's clock. Senders and providers may tell any number."""
        known = min(max(time, FIRST), LAST)
        return datetime.fromtimestamp(known / 1000, UTC).astimezone(self.zone)

    @property
    def utc(self) -> str:
        """The name of the zone now, such as UTC+8."""
        minutes = round((self.at(self.now).utcoffset() or timedelta()).total_seconds() / 60)
        hours, rest = divmod(abs(minutes), 60)
        return f"UTC{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02d}" if rest else "")

    def exact(self, time: int) -> str:
        """Write a time to the second, with its zone."""
        moment = self.at(time)
        return f"{moment:%Y-%m-%d %H:%M:%S} (UTC{moment:%z})"

    def clock(self, time: int) -> str:
        return f"{self.at(time):%H:%M:%S}"

    def day(self, time: int) -> str:
        moment = self.at(time)
        if self.language == "zh":
            return f"{moment.month} 月 {moment.day} 日"
        return f"{moment.day} {moment:%b}"

    def relative(self, time: int) -> str:
        """Write a time as people say it: relative within a day, else the date."""
        ago = self.now - time
        if ago < MINUTE:
            return self.say("just now") if ago > -MINUTE else self._date(time)
        if ago < HOUR:
            return self.say_many("%(num)s min ago", "%(num)s min ago", ago // MINUTE)
        if ago < DAY:
            return self.say_many("%(num)s h ago", "%(num)s h ago", ago // HOUR)
        return self._date(time)

    def _date(self, time: int) -> str:
        year = f"{self.at(time):%Y}-" if self.at(time).year != self.at(self.now).year else ""
        return f"{year}{self.at(time):%m-%d %H:%M}"

    def time(self, time: int | None) -> str:
        """Write a time as an element, whose title is the exact one."""
        if not time:
            return "–"
        moment = self.at(time)
        return Markup('<time datetime="{}" title="{}">{}</time>').format(
            moment.isoformat(timespec="milliseconds"), self.exact(time), self.relative(time)
        )

    # -- words of the domain, which has them in both languages

    def either(self, words: Mapping[str, str], name: str = "") -> str:
        """Return one of two texts of the API, such as `zh` and `en`."""
        return words[f"{name}_{self.language}" if name else self.language]

    def reason(self, reason: str) -> tuple[str, str]:
        """Return the sentence of a loss, and advice."""
        words = reasons.of_loss(reason)
        return (words.zh, words.advice_zh) if self.language == "zh" else (words.en, words.advice_en)

    def definition(self, name: str) -> str:
        """Return the definition of a figure."""
        words = DEFINITIONS[name]
        return f"{words.zh}：{words.meaning_zh}。" if self.language == "zh" else words.meaning_en
