"""What was searched and what was found, in one paragraph and a few numbers.

Axis letters: none.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from nao.core import Json
from nao.report import energy
from nao.report.figures.cost import amount, usages
from nao.report.page import Table, Text
from nao.report.page.parts import Facts, Part
from nao.report.tables import duration, metrics, scientific, standing
from nao.report.tables import number as cell
from nao.study import History

CONFIRMED = ("number", "set", "first score", "mean of new", "std", "test", "trainings")


def paragraph(history: History) -> Text:
    """The paragraph."""
    summary = history.summary()
    return Text(f"{searched(history)} {found(history, summary)} {standing(history).capitalize()}.")


def searched(history: History) -> str:
    """What was searched, by which strategy, and what a score is."""
    settings: Mapping[str, Any] = as_mapping(history.configuration.get("strategy"))
    strategy, name = str(settings.get("name", "a strategy")), history.space.name
    size = getattr(history.space, "size", None)
    many = f", {scientific(size)} strings," if isinstance(size, int) else ""
    return f"The space {name}{many} was searched by {strategy}; a score is {scored(history)}."


def scored(history: History) -> str:
    """What a score is: of a child network on data, or out of a table."""
    settings = as_mapping(history.configuration.get("evaluator"))
    data = as_mapping(settings.get("data"))
    if "table" in settings:
        return f"the column {settings.get('signal')} of the table {settings.get('file')}"
    if settings.get("program") == "language":
        kind = as_mapping(settings.get("child")).get("score")
        what = "mean log likelihood of a token" if kind == "loss" else "score of the perplexity"
        return f"the {what} of the validation text, by a language model trained on {data.get('name')}"
    if "child" in settings and "name" in data:
        return f"the validation accuracy of a child network trained on {data['name']}"
    return (
        f"what the evaluator measured on {data['name']}" if "name" in data else "what the evaluator measured"
    )


def found(history: History, summary: Mapping[str, Json]) -> str:
    """How many were evaluated, and the answer beside what the search began with."""
    failed = f", {summary['failed']:,} of which failed" if summary["failed"] else ""
    again = f", and {summary['repeats']:,} trainings more confirmed the answer" if summary["repeats"] else ""
    words = [
        f"{history.evaluated:,} architectures were evaluated{failed}{again}: M = {summary['evaluations']:,}."
    ]
    best, initial = summary["best"], summary["initial"]
    if best["score"] is None:
        return f"{words[0]} None has a score yet."
    origin = f"iteration {best['iteration']}" if best["iteration"] else "the initial architectures"
    confirmed = "" if not history.confirmed else f", the mean of {best['trainings']} new trainings"
    test = "" if best["test_score"] is None else f", and {cell(best['test_score'], 4)} in test"
    answer = "The answer" if history.complete else "The best so far"
    words.append(f"{answer}, from {origin}, scores {cell(best['score'], 4)} in validation{confirmed}{test}.")
    if history.confirmed:
        words.append(f"It was found with a score of {cell(best['first_score'], 4)}.")
    if best["metrics"]:
        words.append(f"Measured beside it: {metrics(best['metrics'])}.")
    if initial["mean"] is not None:
        words.append(
            f"The {initial['count']:,} architectures that the search began with score"
            f" {cell(initial['mean'], 4)} on average and {cell(initial['best'], 4)} at best."
        )
    return " ".join(words)


def facts(history: History) -> Facts:
    """A few numbers that stand out."""
    summary = history.summary()
    best, used = summary["best"], usages(history)
    on_devices = math.fsum(each.seconds for each in used)
    kind = f"mean of {best['trainings']} new trainings" if history.confirmed else "validation, one training"
    return Facts(
        [
            ("Best score", cell(best["score"], 4) or "none", kind if best["score"] is not None else ""),
            ("Test score", cell(best["test_score"], 4) or "none", "reported, never searched by"),
            ("M", f"{summary['evaluations']:,}", f"{summary['failed']:,} failed"),
            (
                "Time",
                duration(float(summary["seconds"])) or "0 s",
                f"{duration(on_devices)} on devices and cores",
            ),
            *energy_facts(used),
        ]
    )


def energy_facts(used: Sequence[energy.Usage]) -> list[tuple[str, str, str]]:
    """The energy, whether it was measured, and its CO2; nothing where nothing is known of it."""
    kwh, measured = energy.total(used), energy.total(each for each in used if each.measured)
    if not kwh:
        return []
    how = "estimated" if not measured else "measured" if measured == kwh else "partly measured"
    share = f"{measured / kwh:.0%} measured, " if how == "partly measured" else ""
    grams = 1000 * energy.POUND * energy.emission(kwh)
    return [(f"Energy, {how}", of_energy(kwh), f"{share}{amount(grams)} g of CO2")]


def of_energy(kwh: float) -> str:
    """An energy in a unit that suits it."""
    return f"{amount(kwh)} kWh" if kwh >= 0.1 else f"{amount(1000 * kwh)} Wh"


def confirmation(history: History) -> list[Part]:
    """The means by which the answer was chosen, where it was confirmed."""
    candidates = history.summary()["confirmed"]
    if not candidates or history.confirmation is None:
        return []
    rows = [
        [
            str(number + 1),
            str(each["iteration"]),
            *(cell(each[key], 4) for key in ("first_score", "score", "std", "test_score")),
            str(each["trainings"] or 0),
        ]
        for number, each in zip(history.confirmation.candidates, candidates, strict=True)
    ]
    says = "These were believed to be the best, and were trained again with new seeds to choose the answer."
    return [Text(says), Table(CONFIRMED, rows)]


def as_mapping(value: Any) -> Mapping[str, Any]:
    """A part of a configuration; nothing where it is something else, as a user's own class may have it."""
    return value if isinstance(value, Mapping) else {}
