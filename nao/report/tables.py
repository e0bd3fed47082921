"""Tables of runs and of search spaces, and architectures as people read them."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from rich.console import Console
from rich.markup import escape

from nao.core import Architecture, Json, SearchSpace, Trial
from nao.spaces import SPACES
from nao.spaces.zoo import Published
from nao.study import History
from nao.study.front import fronts
from nao.study.recorded import RecordedSpace

SHOWN_REASONS = 3  # of the failures
CONFIRMED = ("set", "first score", "mean of new", "std", "trainings")
SHOWN_FRONT = 12  # architectures
COLUMNS = {  # of the summary of a set: heading and digits
    "mean": ("mean", 4),
    "predicted": ("predicted", 4),
    "best": ("best", 4),
    "seeds_mean": ("seeds", 4),
    "seeds_believed": ("believed", 4),
    "kendall_tau": ("tau", 3),
    "hamming": ("hamming", 2),
}
HEADINGS = ("set", "new", *(heading for heading, _ in COLUMNS.values()), "time")
MEANING = """\
mean, predicted: of the new ones, as they scored, and as f expected before
seeds, believed: of those they were decoded from, as they scored, and as f believed"""


def show_run(history: History, title: str, console: Console) -> None:
    """Prints a run: how far it is, a line per iteration, and the best architecture.

    Args:
      history: of the run.
      title: what to call it, for instance its folder.
      console: where to print.
    """
    summary = history.summary()
    console.print(f"[bold]{escape(title)}[/]  {standing(history)}", soft_wrap=True)
    failed = f", {summary['failed']} of them failed" if summary["failed"] else ""
    repeats = f" + {summary['repeats']} trainings to confirm the answer" if summary["repeats"] else ""
    count = f"{history.evaluated} architectures evaluated"
    total = f"{summary['evaluations']} = " if repeats else ""
    console.print(f"M = {total}{count}{repeats}{failed}", soft_wrap=True)
    for line in reasons(summary["reasons"]):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    print_table(HEADINGS, iterations(history), console)
    if any(row["predicted"] is not None for row in summary["iterations"]):
        console.print(f"{MEANING}\n", highlight=False, soft_wrap=True, style="dim")
    if summary["confirmed"]:
        console.print("Believed to be the best, and trained again to confirm the answer", soft_wrap=True)
        print_table(CONFIRMED, [_candidate(each) for each in summary["confirmed"]], console)
    show_fronts(history, console)
    best = summary["best"]
    if best["score"] is None:
        return
    origin = f"iteration {best['iteration']}" if best["iteration"] else "the initial architectures"
    test = "" if best["test_score"] is None else f", test {number(best['test_score'], 4)}"
    console.print(
        f"[bold]best: {number(best['score'], 4)}[/] in validation{test}; from {origin}", soft_wrap=True
    )
    if history.confirmed:
        spread = f"std {number(best['std'], 4)}; " if best["std"] is not None else ""
        mean = f"the mean of {best['trainings']} trainings more, {spread}"
        console.print(f"{mean}its first score was {number(best['first_score'], 4)}", soft_wrap=True)
    if best["metrics"]:
        console.print(metrics(best["metrics"]), highlight=False, markup=False, soft_wrap=True)
    size = f"{best['parameters']:,} parameters, {best['flops'] / 1e6:,.2f} MFLOPs a forward pass"
    console.print(f"{size}\n", soft_wrap=True)
    for line in list_nodes(history.best.architecture) if history.best else []:
        console.print(escape(line), highlight=False, soft_wrap=True)
    console.print(escape(best["architecture"]), highlight=False, soft_wrap=True, style="dim")


def metrics(measured: Mapping[str, float]) -> str:
    """What was measured beside the score, in words: `valid_loss 0.1234, test_loss 0.1306`."""
    return ", ".join(f"{name} {value:.4g}" for name, value in measured.items())


def show_fronts(history: History, console: Console) -> None:
    """Prints the Pareto fronts of score against each cost, in one table, the best architecture first.

    An architecture has a row when it is on one of them; a cost has a star where it is on that one.
    """
    found = fronts(history.trials)
    rows = sorted(
        {t.id: t for front in found.values() for t in front}.values(), key=lambda t: -(t.score or 0)
    )
    if not rows:
        return
    cells = [
        [
            f"#{t.id}",
            str(t.iteration or "initial"),
            number(t.score, 4),
            *(cost_cell(t, name, t in front) for name, front in found.items()),
        ]
        for t in rows[:SHOWN_FRONT]
    ]
    more = f"; --json has {len(rows) - SHOWN_FRONT} more" if len(rows) > SHOWN_FRONT else ""
    line = f"On the front: nothing that costs as little (*) scores as high{more}"
    console.print(line, highlight=False, markup=False, soft_wrap=True)
    print_table(("front", "set", "score", *(f"{name} " for name in found)), cells, console)


def cost_cell(trial: Trial, name: str, on_front: bool) -> str:
    """A cost, with a star where it belongs to the front."""
    cost = trial.result.cost.named().get(name) if trial.result else None
    shown = "" if cost is None else f"{cost:,}" if isinstance(cost, int) else f"{cost:,.4g}"
    return shown + ("*" if on_front else " ")


def reasons(failures: Sequence[Mapping[str, Json]]) -> list[str]:
    """Why architectures failed, and how many did for each reason: the commonest few."""
    lines = [f"{each['count']} failed: {each['reason']}" for each in failures[:SHOWN_REASONS]]
    others = sum(each["count"] for each in failures[SHOWN_REASONS:])
    return [*lines, f"{others} failed for other reasons; --json has all"] if others else lines


def standing(history: History) -> str:
    """How far a search is, in words."""
    if history.complete:
        return "complete"
    if history.all_evaluated:
        missing = history.confirmation.missing(history.trials) if history.confirmation else []
        left = f", {len(missing)} trainings to make" if missing else ""
        return f"not finished: the answer is to be confirmed{left}"
    last = history.iterations[-1].number if history.iterations else 0
    of = f" of {history.goal['iterations']}" if history.goal else ""
    pending = sum(trial.status == "pending" for trial in history.trials)
    return f"not finished: iteration {last}{of}, {pending or 'no'} architectures to evaluate"


def iterations(history: History) -> list[list[str]]:
    """The rows of the table of iterations: one for the initial architectures, then one for each decoded set.

    `seeds` is the mean score of the architectures that a set was decoded from.
    """
    summary = history.summary()
    initial = summary["initial"]
    seconds = history.iterations[0].seconds if history.iterations else None
    rows = [("initial", {**initial, "new": initial["count"], "seconds": seconds})]
    rows += [(str(i), row) for i, row in enumerate(summary["iterations"], start=1)]
    return [_cells(name, row) for name, row in rows]


def _candidate(row: Mapping[str, Json]) -> list[str]:
    """A row of the table of what was trained again to choose the answer."""
    scores = [number(row[key], 4) for key in ("first_score", "score", "std")]
    found_in = str(row["iteration"]) if row["iteration"] else "initial"
    return [found_in, *scores, str(row["trainings"] or 0)]


def _cells(name: str, row: Mapping[str, Json]) -> list[str]:
    """One of the rows, as it is printed."""
    numbers = [number(row.get(key), digits) for key, (_, digits) in COLUMNS.items()]
    return [name, str(row["new"]), *numbers, duration(row["seconds"])]


def list_nodes(architecture: Architecture) -> list[str]:
    """An architecture node by node, as formulas.

    Returns:
      Lines such as `  node3 = conv 3x3(node1) + max-pooling 3x3(node2)`; none for the space of a study that
      is a class of the user's own, of which the study has the strings alone.
    """
    space = architecture.space
    return [] if isinstance(space, RecordedSpace) else space.graph(architecture).lines()


def show_spaces(spaces: Iterable[SearchSpace], console: Console) -> None:
    """Prints what can be searched: names, sizes, and how a string of each looks."""
    spaces = list(spaces)
    rows = [(s.name, str(s.length), str(len(s.vocabulary)), scientific(s.size)) for s in spaces]
    print_table(("space", "tokens", "vocabulary", "size"), rows, console)
    for space in spaces:
        example = str(space.sample(np.random.default_rng(0), 1)[0])
        console.print(f"[bold]{escape(space.name)}[/], for example\n{escape(example)}\n", soft_wrap=True)


def show_zoo(entries: Iterable[Published], console: Console) -> None:
    """Prints published architectures: their spaces, networks and sources, and their strings."""
    entries = list(entries)
    rows = [
        (each.name, each.space.name, ", ".join(f"{network.parameters:,}" for network in each.networks))
        for each in entries
    ]
    print_table(("name", "space", "parameters of its networks"), rows, console)
    for each in entries:
        published = "; ".join(network.published for network in each.networks if network.published)
        console.print(f"[bold]{escape(each.name)}[/], {escape(each.source)}", soft_wrap=True)
        for line in (published, each.note, f"of {variant(each.space)}", str(each.architecture)):
            if line:
                console.print(escape(line), highlight=False, soft_wrap=True)
        console.print()


def variant(space: SearchSpace) -> str:
    """A space by its name, and by those of its parameters that are not as usual."""
    usual = SPACES[space.name].configuration()
    others = [f"{key}={value}" for key, value in space.configuration().items() if usual[key] != value]
    return " with ".join(filter(None, (space.name, ", ".join(others))))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], console: Console) -> None:
    """Prints a table, the first column left and the others right.

    Unlike a table of rich it is never cut, however narrow the console.
    """
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = zip(cells, widths, strict=True)
        return "  ".join([first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)])

    console.print()
    console.print(line(headings), style="bold", highlight=False, soft_wrap=True)
    for row in rows:
        console.print(escape(line(row)), highlight=False, soft_wrap=True)
    console.print()


def number(value: float | None, digits: int) -> str:
    """A number with so many decimals, or nothing when it is not known.

    Where 4 or more are wanted, as of a score, three digits of it are seen however small it is.
    """
    if value is None:
        return ""
    small = digits >= 4 and 0 < abs(value) < 10 ** (2 - digits)
    return f"{value:.3g}" if small else f"{value:.{digits}f}"


def scientific(size: int) -> str:
    """An integer of any length as 1.8e32; below a million as it is."""
    if size < 10**6:
        return f"{size:,}"
    exponent = len(str(size)) - 1
    return f"{size // 10 ** (exponent - 6) / 1e6:.1f}e{exponent}"


def duration(seconds: float | None) -> str:
    """Seconds as 1:02:03, 2:03 or 3.4 s; nothing when not known."""
    if seconds is None:
        return ""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
