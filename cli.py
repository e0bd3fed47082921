"""The `nao` command: a table of contents. Each command parses, composes and calls.

JAX is imported inside the commands that need it, so that `nao --help` answers at once.
"""

import dataclasses
import importlib.metadata
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from nao.core import MOST_SEED, Evaluator, InputError, Request, SearchSpace, Strategy

if TYPE_CHECKING:
    from nao.evaluators.pool import DevicePool

CHILD = "Child network (default: what the data set needs)"
MACHINE = "Machine"

Space = Annotated[str, typer.Option(help="What to search; see `nao spaces`.")]
Blocks = Annotated[int, typer.Option(help="Blocks of a cell.")]
Data = Annotated[str, typer.Option(help="digits, tfds:NAME or FILE.npz.")]
DataDir = Annotated[Path | None, typer.Option(help="Where tfds keeps its data.")]
Cells = Annotated[int | None, typer.Option(help="N, normal cells in a row.", rich_help_panel=CHILD)]
Channels = Annotated[int | None, typer.Option(help="F, channels.", rich_help_panel=CHILD)]
Steps = Annotated[int | None, typer.Option(help="Training steps. Default: one pass.", rich_help_panel=CHILD)]
Batch = Annotated[int | None, typer.Option(help="Images of a step.", rich_help_panel=CHILD)]
LearningRate = Annotated[float | None, typer.Option(help="At the start.", rich_help_panel=CHILD)]
Augment = Annotated[bool | None, typer.Option(help="Crop and flip.", rich_help_panel=CHILD)]
Cutout = Annotated[int | None, typer.Option(help="Side of the hole.", rich_help_panel=CHILD)]
Devices = Annotated[int | None, typer.Option(help="Default: all.", rich_help_panel=MACHINE)]
Cache = Annotated[bool, typer.Option(help="Keep compiled programs.", rich_help_panel=MACHINE)]


class Commands(TyperGroup):
    """The commands. Says what is wrong with the input in one line, and exits with status 2."""

    def invoke(self, ctx: Any) -> Any:
        """Runs a command."""
        try:
            return super().invoke(ctx)
        except InputError as error:
            typer.echo(f"error: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(2) from error


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


def print_version(wanted: bool) -> bool:
    """Prints the version and exits, if that is wanted."""
    if wanted:
        typer.echo(f"nao {importlib.metadata.version('nao-search')}")
        raise typer.Exit
    return wanted


@app.callback()
def about(
    version: Annotated[
        bool, typer.Option("--version", callback=print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Neural Architecture Optimization: finds better network architectures by gradient ascent."""


@app.command()
def optimize(
    iterations: Annotated[int, typer.Option(help="L: fit, ascend, decode and evaluate this often.")] = 3,
    seeds: Annotated[int, typer.Option(help="K, how many architectures are improved.")] = 100,
    space: Space = "cnn-cell-small",
    blocks: Blocks = 5,
    data: Data = "digits",
    data_dir: DataDir = None,
    initial: Annotated[int, typer.Option(help="Random architectures to begin with.")] = 400,
    new: Annotated[int, typer.Option(help="New architectures of an iteration.")] = 100,
    encoder: Annotated[str, typer.Option(help="default, joint or published.")] = "default",
    evaluate_last: Annotated[bool, typer.Option(help="Evaluate what is decoded last.")] = True,
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
    out: Annotated[Path | None, typer.Option(help="The run's folder. Default: its own in runs/.")] = None,
    cells: Cells = None,
    channels: Channels = None,
    steps: Steps = None,
    batch: Batch = None,
    learning_rate: LearningRate = None,
    augment: Augment = None,
    cutout: Cutout = None,
    devices: Devices = None,
    cache: Cache = True,
) -> None:
    """Search a space for better architectures. The same command goes on where it was stopped."""
    from nao import encoders

    if iterations < 1:
        raise InputError(f"iterations must be at least 1, not {iterations}")
    child = given(cells=cells, channels=channels, steps=steps, batch=batch)
    child |= given(learning_rate=learning_rate, augment=augment, cutout=cutout)
    evaluator = pool(space, blocks, data, data_dir, child, devices, cache)
    rule = "first" if encoder == "published" else "predicted"  # nao.strategies.NAO says what they are
    what = given(space=evaluator.space, evaluator=evaluator, encoder=encoders.encoder(encoder), choose=rule)
    what |= given(seeds=seeds, initial=initial, new=new, seed=seed)
    run(what, out, iterations=iterations, evaluate_last=evaluate_last)


@app.command()
def evaluate(
    architectures: Annotated[list[str], typer.Argument(help="Strings of the space, each in quotes.")],
    space: Space = "cnn-cell-small",
    blocks: Blocks = 5,
    data: Data = "digits",
    data_dir: DataDir = None,
    seed: Annotated[int, typer.Option(help="Of weights and batches.", min=0, max=MOST_SEED)] = 0,
    cells: Cells = None,
    channels: Channels = None,
    steps: Steps = None,
    batch: Batch = None,
    learning_rate: LearningRate = None,
    augment: Augment = None,
    cutout: Cutout = None,
    devices: Devices = None,
    cache: Cache = True,
) -> None:
    """Train the given architectures and print a line of JSON for each, as it finishes."""
    from nao import spaces

    where = spaces.space(space, blocks=blocks)
    wanted = [where.parse(text) for text in architectures]
    child = given(cells=cells, channels=channels, steps=steps, batch=batch)
    child |= given(learning_rate=learning_rate, augment=augment, cutout=cutout)
    evaluator = pool(space, blocks, data, data_dir, child, devices, cache)
    for result in evaluator.evaluate([Request(architecture, seed) for architecture in wanted]):
        typer.echo(json.dumps(result.record(), allow_nan=False))


def pool(
    space: str,
    blocks: int,
    data: str,
    data_dir: Path | None,
    child: dict[str, Any],
    devices: int | None,
    cache: bool,
) -> "DevicePool":
    """The devices of this machine, ready to train architectures of a space."""
    from nao import spaces
    from nao.data import load
    from nao.evaluators.child import Child
    from nao.evaluators.devices import prepare
    from nao.evaluators.pool import DevicePool

    prepare(devices, cache)  # first: JAX can only be told before it is used
    where = spaces.space(space, blocks=blocks)
    return DevicePool(where, load(data, data_dir=data_dir), Child(**child), devices)


def given(**options: Any) -> dict[str, Any]:
    """The options that have a value; the defaults of the others are where they are used."""
    return {name: value for name, value in options.items() if value is not None}


def run(what: dict[str, Any], out: Path | None, **goal: Any) -> None:
    """Runs or goes on with a search, in its own folder unless told otherwise, and shows the result."""
    from nao import report, search, study

    folder = out or study.default_folder(search.identity(**what))
    console = Console()
    console.print(f"run: {folder}", highlight=False, markup=False, soft_wrap=True)
    try:
        found = search.optimize(**what, **goal, out=folder, observer=report.observer(console))
    except KeyboardInterrupt:
        typer.echo(f"stopped: everything so far is in {folder}; the same command goes on", err=True)
        raise typer.Exit(130) from None
    console.print()
    report.show_run(found, str(folder), console)


@app.command()
def compare(
    out: Annotated[Path, typer.Option(help="The folder for its runs, tables and plots.")],
    strategies: Annotated[
        str, typer.Option(help="NAME or LABEL=NAME, with commas; the first is compared to each other.")
    ] = "nao,random",
    param: Annotated[
        list[str] | None, typer.Option(help="LABEL.PARAMETER=VALUE, for one of the strategies; repeatable.")
    ] = None,
    table: Annotated[Path | None, typer.Option(help="Known scores. Default: children are trained.")] = None,
    signal: Annotated[str | None, typer.Option(help="Column of the table to search by.")] = None,
    report: Annotated[str | None, typer.Option(help="Column of the table to report.")] = None,
    budget: Annotated[int, typer.Option(help="M, labels of a run; the initial ones count.")] = 200,
    repeats: Annotated[int, typer.Option(help="Runs of each strategy.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the first repeat; the next has the next.")] = 0,
    workers: Annotated[int | None, typer.Option(help="Runs at a time, on a table. Default: cores.")] = None,
    space: Space = "cnn-cell-small",
    blocks: Annotated[int | None, typer.Option(help="Blocks of a cell. Default: 5.")] = None,
    data: Annotated[str | None, typer.Option(help="digits (the default), tfds:NAME or FILE.npz.")] = None,
    data_dir: DataDir = None,
    cells: Cells = None,
    channels: Channels = None,
    steps: Steps = None,
    batch: Batch = None,
    learning_rate: LearningRate = None,
    augment: Augment = None,
    cutout: Cutout = None,
    devices: Devices = None,
    cache: Cache = True,
) -> None:
    """Compare strategies: the same budget and starts, every label counted. The same command goes on."""
    made = makers(strategies, param or [], budget, cache)
    how = {"budget": budget, "repeats": repeats, "seed": seed}
    child = given(cells=cells, channels=channels, steps=steps, batch=batch)
    child |= given(learning_rate=learning_rate, augment=augment, cutout=cutout)
    if table is None:
        if (signal, report, workers) != (None, None, None):
            raise InputError("--signal, --report and --workers are for a --table; without one, see --devices")
        data = "digits" if data is None else data
        evaluator = pool(space, 5 if blocks is None else blocks, data, data_dir, child, devices, cache)
        columns = ("validation score", "test score")
        contest(made, evaluator, out, f"{space} on {data}", columns, durable=True, **how)
        return
    if child or given(blocks=blocks, data=data, data_dir=data_dir, devices=devices):
        raise InputError("a --table has scores: --blocks, --data, --devices and the child's are for training")
    if signal is None or report is None:
        raise InputError("a --table needs --signal and --report, the columns to search by and to report")
    from nao.evaluators import tables

    known = tables.table(space, table, signal, report)
    how |= {"workers": workers if workers is not None else len(os.sched_getaffinity(0))}
    contest(made, known, out, f"{space}, {table.name}", (signal, report), optimum=known.optimum, **how)


@dataclasses.dataclass(frozen=True)
class Maker:
    """Makes a strategy from its name on the command line; crosses to other processes.

    Attributes:
      name: of the strategy.
      parameters: its own; NAO's `encoder` is the name of one.
      cache: keep compiled programs.
    """

    name: str
    parameters: Mapping[str, Any]
    cache: bool

    def __call__(self, space: SearchSpace, seed: int) -> Strategy:
        """A new strategy."""
        from nao.strategies import NAO, named

        if self.name != "nao":
            return named.strategy(self.name, space, seed=seed, **self.parameters)
        from nao.encoders import encoder
        from nao.evaluators.devices import prepare

        parameters = dict(self.parameters)
        kind = str(parameters.pop("encoder", "default"))
        parameters = named.checked("nao", NAO, parameters)
        prepare(1, self.cache)
        rule = {"choose": "first"} if kind == "published" else {}  # as `optimize` does
        return NAO(space, encoder(kind), seed=seed, **rule | parameters)


def makers(strategies: str, parameters: list[str], budget: int, cache: bool) -> dict[str, Maker]:
    """Makes each strategy of a comparison, by its label, from what is said on the command line."""
    from nao.compare.entries import entries

    made = {}
    for label, entry in entries(strategies, parameters).items():
        # Its schedule is to end with the comparison, unless it is told otherwise.
        own = {"budget": budget} if entry.name == "q-learning" else {}
        made[label] = Maker(entry.name, own | dict(entry.parameters), cache)
    return made


def contest(
    makers: Mapping[str, Maker],
    evaluator: Evaluator,
    out: Path,
    title: str,
    columns: tuple[str, str],
    **how: Any,
) -> None:
    """Runs or goes on with a comparison, and shows and draws the result."""
    from nao.compare import compare as run_comparison
    from nao.report import comparison as shown

    console = Console()
    try:
        found = run_comparison(makers, evaluator, out=out, observer=shown.comparison_observer(console), **how)
    except KeyboardInterrupt:
        typer.echo(f"stopped: every finished run is in {out}; the same command goes on", err=True)
        raise typer.Exit(130) from None
    from nao.report.curves import draw

    shown.show_comparison(found, console)
    draw(found, out, title=title, signal=columns[0], report=columns[1])
    where = f"tables and plots: {out}, begin with {out / 'curves.html'}"
    console.print(where, highlight=False, markup=False, soft_wrap=True)


@app.command()
def show(
    run: Annotated[Path, typer.Argument(help="The folder of a run.", metavar="RUN")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
) -> None:
    """Show what a search has found, also while it is running."""
    from nao import report, study

    history = study.read(run)
    if as_json:
        typer.echo(json.dumps(history.summary(), indent=2, allow_nan=False))
    else:
        report.show_run(history, str(run), Console())


@app.command()
def spaces() -> None:
    """List the search spaces."""
    from nao import report
    from nao.spaces import SPACES

    report.show_spaces(SPACES.values(), Console())


def main() -> None:
    """Runs the command line."""
    app(prog_name="nao")
