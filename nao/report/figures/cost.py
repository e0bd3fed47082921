"""What a search has cost: time on devices, energy and CO2, and what failed.

Axis letters: none.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from nao.core import Json, Result
from nao.report import energy
from nao.report.page import Figure, Table, Text
from nao.report.page.columns import rounded
from nao.report.page.marks import Spec, count, number, series, shown
from nao.report.page.parts import Part
from nao.report.tables import duration
from nao.study import History

PROPOSING, EVALUATING, WALL = "strategy, CPU", "children, devices", "on the clock"


def results(history: History) -> Iterator[Result]:
    """Every training, those that confirm the answer too."""
    for trial in history.trials:
        yield from (*trial.results, *trial.repeats)


def strategy_seconds(history: History) -> float:
    """What the strategy itself has computed, in seconds of a core."""
    return max((iteration.cpu_seconds for iteration in history.iterations), default=0.0)


def usages(history: History) -> list[energy.Usage]:
    """The time of each kind of device, the strategy's own among the cores."""
    return energy.usages(results(history), strategy_seconds(history))


def figure(history: History) -> Figure:
    """The time of every set: on the clock, of the strategy, and of the children on devices."""
    rows, before = [], 0.0
    for iteration in history.iterations:
        children = math.fsum(r.seconds for trial in history.of(iteration.number) for r in trial.results)
        own, before = max(iteration.cpu_seconds - before, 0.0), max(iteration.cpu_seconds, before)
        rows.append((iteration.number, iteration.seconds, own, children))
    columns: dict[str, list[object]] = {"set": [], "series": [], "seconds": []}
    for i, name in enumerate((WALL, PROPOSING, EVALUATING), start=1):
        for row in rows:
            columns["set"].append(row[0])
            columns["series"].append(name)
            columns["seconds"].append(rounded([row[i]])[0])
    sums = [math.fsum(row[i] for row in rows) for i in (1, 2, 3)]
    words = [duration(seconds) or "0 s" for seconds in sums]
    cells = [[str(row[0]), *(duration(seconds) for seconds in row[1:])] for row in rows]
    return Figure(
        name="time",
        title="Time",
        says="How long each set took on the clock; what the strategy computed for it, in seconds of a"
        " core; and what its children took on their devices, which run several at a time.",
        spec=chart(len(rows)),
        data={"time": columns},
        alternative=f"Bars over {len(rows):,} sets. In all {words[0]} on the clock, {words[1]} of the"
        f" strategy and {words[2]} on devices.",
        table=Table(("set", WALL, PROPOSING, EVALUATING), [*cells, ["all", *words]]),
        height=260,
    )


def chart(sets: int) -> Spec:
    """Bars side by side; lines where there are many sets."""
    encoding: dict[str, Json] = {
        "y": number("seconds", "seconds", zero=True),
        "color": series((WALL, PROPOSING, EVALUATING)),
        "tooltip": shown(set="set", series="what", seconds=("seconds", ",.1f")),
    }
    if sets > 20:
        line = {"type": "line", "interpolate": "monotone", "point": False}
        return {"data": {"name": "time"}, "mark": line, "encoding": {"x": count("set", "set"), **encoding}}
    bars = {"x": {"field": "set", "type": "ordinal", "title": "set", "axis": {"labelAngle": 0}}, **encoding}
    offset = {"xOffset": {"field": "series", "sort": [WALL, PROPOSING, EVALUATING]}}
    return {"data": {"name": "time"}, "mark": "bar", "encoding": {**bars, **offset}}


def energy_parts(history: History) -> list[Part]:
    """Energy and CO2, in words and numbers: what was measured, what is estimated, and from what."""
    used = usages(history)
    known = [each for each in used if each.kwh is not None]
    if not known:
        return [Text("Nothing is known of the energy: no result says on which device it was computed.")]
    measured = [each for each in known if each.measured]
    unknown = [each.kind for each in used if each.kwh is None]
    left_out = f" Not counted, as nothing is known of the device: {', '.join(unknown)}." if unknown else ""
    pounds = energy.emission(energy.total(used))
    words = f"{formula(known)}{left_out} {compared(pounds)}"
    texts = [counted(known, strategy_seconds(history))] if measured else []
    rows = [energy_row(each, bool(measured)) for each in used]
    rows.append(["all", "", "", *amounts(energy.total(used))])
    headings = ("device", "time", "watts", "kWh", "pounds of CO2", "kg of CO2")
    return [*map(Text, texts), Text(words), Table(headings, rows)]


def counted(known: Sequence[energy.Usage], strategy: float) -> str:
    """What was measured by which counters, what they count besides, and that the rest was not."""
    measured = [each for each in known if each.measured]
    what = " and ".join(COUNTERS[each.kind] for each in measured)
    words = [
        f"What children drew is measured where their machine counts it, by the counters of {what}. They"
        " count all that happens there, for other programs too; what several children drew at the same time"
        " is shared equally among them."
    ]
    if len(measured) < len(known):
        own = ", what the strategy itself computed included," if strategy else ""
        words.append(f"The rest{own} is estimated.")
    if strategy and any(each.kind == "cpu" for each in measured):
        words.append(
            "What it computed while children ran on the same machine is counted twice: the counters saw it."
        )
    return " ".join(words)


def formula(known: Sequence[energy.Usage]) -> str:
    """How energy and CO2 follow from the time, or from what was measured."""
    guessed = [each for each in known if not each.measured]
    watts = ", ".join(f"{each.watts:g} W for a {NAMES[each.kind]}" for each in guessed)
    assumed = f" hours x watts / 1000, with {watts}" if guessed else ""
    says, what = "", f" what was measured, or{assumed}" if guessed else " what was measured"
    if len(guessed) == len(known):
        says, what = "Estimated, not measured: a run does not record what its devices draw. ", assumed
    return (
        f"{says}Energy = {energy.USAGE_EFFECTIVENESS} (what a data centre takes in all, for each unit that"
        f" computes) x{what}, and CO2 = {energy.POUNDS_PER_KWH} pounds for each kWh (Strubell et al. 2019)."
    )


def energy_row(used: energy.Usage, tell: bool) -> list[str]:
    """The row of one kind of device; `tell` has it say whether it was measured."""
    how = (", measured" if used.measured else ", estimated") if tell and used.kwh is not None else ""
    watts = "" if used.watts is None else amount(used.watts) if used.measured else f"{used.watts:g}"
    return [f"{used.kind}{how}", duration(used.seconds), watts, *amounts(used.kwh)]


def amounts(kwh: float | None) -> list[str]:
    """An energy in kWh, and its CO2 in pounds and kg; empty where nothing is known of it."""
    if kwh is None:
        return ["", "", ""]
    pounds = energy.emission(kwh)
    return [amount(kwh), amount(pounds), amount(pounds * energy.POUND)]


COUNTERS: Mapping[str, str] = {
    "cpu": "the processors' packages (RAPL)",
    "gpu": "the graphics cards alone (NVML)",
}
NAMES: Mapping[str, str] = {"cpu": "core of a processor", "gpu": "graphics card", "tpu": "chip of a TPU"}


def compared(pounds: float) -> str:
    """An emission beside what is known from life."""
    name, theirs = next(iter(energy.COMPARABLE.items()))
    others = "; ".join(
        f"{other}: {value:,.0f}" for other, value in energy.COMPARABLE.items() if other != name
    )
    share = (
        f"1/{theirs / pounds:,.0f} of it" if 0 < pounds < theirs else f"{pounds / theirs:,.1f} times as much"
    )
    return f"Pounds of CO2 to compare: {name}: {theirs:,.0f}, and this is {share}; {others}."


def amount(value: float) -> str:
    """A small or a large number with three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def failure_parts(history: History) -> list[Part]:
    """Why trainings failed, and how many did for each reason."""
    reasons = history.summary()["reasons"]
    if not reasons:
        return [Text("No training has failed.")]
    rows = [[each["reason"], f"{each['count']:,}"] for each in reasons]
    text = "Failures count in M. Reasons that differ in numbers alone are one: the first."
    return [Text(text), Table(("reason", "trainings"), rows)]
