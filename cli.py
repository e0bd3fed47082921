"""The `nao` command: a table of contents. Each command parses, composes and calls.

JAX is imported inside the commands that need it, so that `nao --help` answers at once.
"""

import contextlib
import dataclasses
import functools
import importlib.metadata
import json
import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nao.core import (
    MOST_SEED,
    Architecture,
    Evaluator,
    InputError,
    Request,
    SearchSpace,
    Strategy,
    is_noisy,
)
from nao.inputs import user_path
from nao.terminal import STOPPED, Commands, Output, shares_options

if TYPE_CHECKING:
    from nao.evaluators.hosts.cluster import Cluster
    from nao.evaluators.hosts.pool import HostPool
    from nao.evaluators.program import Program
    from nao.events import Observer
    from nao.limits import Limits
    from nao.sinks import Sink

CHILD = "Child network (default: what the data set needs)"
MACHINE = "Machine"
NARROW = 60  # columns below which help is written without frames
Limit = Annotated[
    list[str] | None,
    typer.Option(help="NAME=VALUE, for instance parameters=500000: propose nothing above; repeatable."),
]
Start = Annotated[
    list[str] | None,
    typer.Option(help="Begin with those of a file, or a published one (`nao spaces --zoo`); repeatable."),
]
SpaceParam = Annotated[
    list[str] | None,
    typer.Option(help="KEY=VALUE, a parameter of the space, for instance nodes=9; repeatable."),
]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Training:
    """What to train children of, on and with: the options that several commands share."""

    space: Annotated[str, typer.Option(help="What to search; see `nao spaces`.")] = "cnn-cell-small"
    blocks: Annotated[int | None, typer.Option(help="Blocks of a cell. Default: 5.")] = None
    space_param: SpaceParam = None
    data: Annotated[
        str | None,
        typer.Option(
            help="digits, tfds:NAME or FILE.npz; text, text:FOLDER, text:FILE or characters for recurrent"
            " cells. Default: digits, or text."
        ),
    ] = None
    data_dir: Annotated[Path | None, typer.Option(help="Where tfds keeps its data.")] = None
    child: Annotated[
        list[str] | None,
        typer.Option(help="KEY=VALUE, any setting of the child; repeatable.", rich_help_panel=CHILD),
    ] = None
    cells: Annotated[int | None, typer.Option(help="N, normal cells in a row.", rich_help_panel=CHILD)] = None
    channels: Annotated[int | None, typer.Option(help="F, channels.", rich_help_panel=CHILD)] = None
    steps: Annotated[
        int | None, typer.Option(help="Training steps. Default: one pass.", rich_help_panel=CHILD)
    ] = None
    batch: Annotated[int | None, typer.Option(help="Images of a step.", rich_help_panel=CHILD)] = None
    learning_rate: Annotated[float | None, typer.Option(help="At the start.", rich_help_panel=CHILD)] = None
    augment: Annotated[bool | None, typer.Option(help="Crop and flip.", rich_help_panel=CHILD)] = None
    cutout: Annotated[int | None, typer.Option(help="Side of the hole.", rich_help_panel=CHILD)] = None
    devices: Annotated[int | None, typer.Option(help="Default: all.", rich_help_panel=MACHINE)] = None
    cache: Annotated[bool, typer.Option(help="Keep compiled programs.", rich_help_panel=MACHINE)] = True
    child_timeout: Annotated[
        float | None,
        typer.Option(help="Seconds a child may take. Default: 20 medians.", rich_help_panel=MACHINE),
    ] = None
    cluster: Annotated[
        str | None,
        typer.Option(
            help="Train on hosts that join as well, at this address of this machine.",
            metavar="[HOST:PORT]",
            rich_help_panel=MACHINE,
        ),
    ] = None
    token_file: Annotated[
        Path | None, typer.Option(help="The token of a --cluster.", rich_help_panel=MACHINE)
    ] = None

    @property
    def child_settings(self) -> dict[str, Any]:
        """The settings of the child that were given, by name."""
        flags = ("cells", "channels", "steps", "batch", "learning_rate", "augment", "cutout")
        given = {name: getattr(self, name) for name in flags if getattr(self, name) is not None}
        return given | values_of("--child", self.child, "channels=16")

    @property
    def where(self) -> SearchSpace:
        """The space."""
        from nao import spaces

        found: SearchSpace = spaces.space(self.space, **parameters_of(self.space_param, self.blocks))
        return found

    def pool(self, console: Output | None = None) -> "HostPool":
        """The devices of this machine, to train such children; the console is told about the data."""
        from nao.evaluators import children
        from nao.evaluators.devices import leave_devices_to_others
        from nao.evaluators.hosts.pool import HostPool

        if self.child_timeout is not None and not self.child_timeout > 0:
            raise InputError(f"--child-timeout must be above 0 seconds, not {self.child_timeout:g}")
        leave_devices_to_others(self.cache)  # first: JAX can only be told before it is used
        where = self.where
        child = children.child(where, self.child_settings)
        dataset = children.load(where, self.data, self.data_dir)
        if console:
            console.say(f"data: {dataset.card}")
        program = children.program(where, dataset, child)
        return HostPool(
            program,
            self.devices,
            cache=self.cache,
            child_timeout=self.child_timeout,
            cluster=self.hosts_elsewhere(program, console or Output(stderr=True)),
        )

    def hosts_elsewhere(self, program: "Program", console: Output) -> "Cluster | None":
        """The hosts that are to join, if any; the console is told how they do."""
        if self.cluster is None:
            if self.token_file is not None:
                raise InputError("--token-file is for a --cluster")
            return None
        from nao.configuration import plain
        from nao.evaluators.hosts.address import check_engine, cluster_address
        from nao.evaluators.hosts.cluster import Cluster
        from nao.evaluators.hosts.token import token

        check_engine()
        address, shown = cluster_address(self.cluster), token(self.token_file)
        recipe = {"configuration": plain(program.configuration())}
        own = f" --token-file {shown.path}" if self.token_file else ""
        for line in (
            f"cluster: hosts with the token {shown.path} can join {address}:",
            f"  nao evaluate --join {address}{own}",
        ):
            console.say(line)
        return Cluster(address, shown, recipe)


def values_of(option: str, given: Sequence[str] | None, example: str) -> dict[str, str]:
    """What a repeatable option was given as KEY=VALUE, by key."""
    found = {}
    for text in given or ():
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise InputError(f"{option} takes KEY=VALUE, for instance {example}, not {text!r}")
        found[key.replace("-", "_")] = value
    return found


def parameters_of(given: Sequence[str] | None, blocks: int | None) -> dict[str, Any]:
    """The parameters that a space was given."""
    from nao.settings import parse

    found = {key: parse(value) for key, value in values_of("--space-param", given, "nodes=9").items()}
    return found if blocks is None else found | {"blocks": blocks}


app = typer.Typer(
    cls=Commands,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich" if shutil.get_terminal_size().columns >= NARROW else None,
)


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
@shares_options(Training)
def optimize(
    training: Training,
    iterations: Annotated[int, typer.Option(help="L: fit, ascend, decode and evaluate this often.")] = 3,
    seeds: Annotated[int, typer.Option(help="K, how many architectures are improved.")] = 100,
    initial: Annotated[int, typer.Option(help="Random architectures to begin with.")] = 400,
    new: Annotated[int, typer.Option(help="New architectures of an iteration.")] = 100,
    encoder: Annotated[str, typer.Option(help="default, process or published.")] = "default",
    evaluate_last: Annotated[bool, typer.Option(help="Evaluate what is decoded last.")] = True,
    confirm: Annotated[
        str, typer.Option(help="KxR: the K best are trained R times more; auto (5x3) or none.")
    ] = "auto",
    limit: Limit = None,
    start: Start = None,
    minutes: Annotated[
        float | None, typer.Option(help="End after so long with what there is; it can go on later.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Decides everything random.")] = 0,
    out: Annotated[str | None, typer.Option(help="The run's folder. Default: its own in runs/.")] = None,
    log: Annotated[
        list[str] | None,
        typer.Option(
            help="Draw curves there too: tensorboard:FOLDER, mlflow:URI or wandb:PROJECT; repeatable."
        ),
    ] = None,
) -> None:
    """Search a space for better architectures. The same command goes on where it was stopped."""
    import nao
    from nao.deadline import time_limit
    from nao.limits import Limits, parse_limits
    from nao.search import count_each

    time_limit(minutes)  # what is no time is refused before anything is begun
    if iterations < 1:
        raise InputError(f"iterations must be at least 1, not {iterations}")
    counts, bounds = count_each(iterations, initial, new), parse_limits(limit or [])
    sinks = sinks_of(log or [])
    with training.pool(Output()) as pool:
        limits = Limits.of(bounds, pool) if bounds else None
        settings: dict[str, Any] = {"initial": initial, "proposals": new, "seeds": seeds, "encoder": encoder}
        settings |= {"limits": limits, "noisy": pool.noisy, "starts": given_architectures(start, pool.space)}
        strategy = nao.strategy("nao", pool.space, seed=seed, **settings)
        pool.open()
        how = {"evaluate_last": evaluate_last, "confirm": confirm, "minutes": minutes}
        run(strategy, pool, counts, out, sinks, **how)


@contextlib.contextmanager
def stoppable(kept: str) -> Iterator[None]:
    """Lets Ctrl-C stop what is done inside, and says what is kept of it."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(f"stopped: {kept}; the same command goes on", err=True)
        raise typer.Exit(STOPPED) from None


def sinks_of(log: Sequence[str]) -> "list[Sink]":
    """Where else curves go, as is said on the command line; nothing is imported for those who do not ask."""
    if not log:
        return []
    from nao.sinks import sink

    return [sink(text) for text in log]


def observer_of(console: Output, sinks: "Sequence[Sink]") -> "Observer":
    """The observer of a search: shows how it goes on, and tells the sinks."""
    from nao import events, report

    shown = report.observer(console)
    if not sinks:
        return shown
    from nao.sinks import SinkObserver

    return events.together(shown, *(SinkObserver(each, shown) for each in sinks))


def run(
    strategy: Strategy,
    evaluator: Evaluator,
    counts: Sequence[int],
    out: str | None,
    sinks: "Sequence[Sink]" = (),
    **how: Any,
) -> None:
    """Runs or goes on with a search, in its own folder unless told otherwise, and shows the result."""
    from nao import folder, report, search, study

    where = (
        folder.named(out) if out is not None else study.default_folder(search.identity(strategy, evaluator))
    )
    console = Output()
    console.say(f"run: {where}")
    with stoppable(f"everything so far is in {where}"):
        observer = observer_of(console, sinks)
        found = search.search(strategy, evaluator, counts, out=where, observer=observer, **how)
    console.print()
    report.show_run(found, str(where), console)
    if found.trials and found.best is None:
        scored = any(trial.score is not None for trial in found.trials)
        again = "could be confirmed" if scored else "has a score"
        raise InputError(f"no architecture {again}: every one failed, for the reasons above")


@app.command()
@shares_options(Training)
def evaluate(
    training: Training,
    architectures: Annotated[
        list[str] | None,
        typer.Argument(
            help="Strings of the space, each in quotes; files of them, one on each line; -; or published ones"
            " (`nao spaces --zoo`)."
        ),
    ] = None,
    join: Annotated[
        str | None, typer.Option(help="Train for a search at HOST:PORT, until told to stop.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of weights and batches.", min=0, max=MOST_SEED)] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Append the lines to this file, and go on with it.")
    ] = None,
) -> None:
    """Train the given architectures and write a line of JSON for each, as it finishes.

    Or train whatever a search has for this machine (--join).
    """
    if join is not None:
        if architectures or out is not None:
            raise InputError("with --join the search says what to train: leave out architectures and --out")
        join_search(training, join)
        return
    if not architectures:
        raise InputError("there is nothing to train: give architectures, or --join HOST:PORT")
    from nao.loop import answers
    from nao.scores import scores_file

    requests = [Request(each, seed) for each in given_architectures(architectures, training.where)]
    failed = scored = 0
    with contextlib.ExitStack() as stack:
        if out is not None:
            stack.enter_context(stoppable(f"everything so far is in {out}"))
        pool = stack.enter_context(training.pool())
        file = None if out is None else stack.enter_context(scores_file(out, pool.configuration()))
        if file:
            left = [request for request in requests if file.key(request) not in file.known]
            dropped = "; its last line was cut off, and is dropped" if file.dropped else ""
            known = len(requests) - len(left)
            typer.echo(f"{out} has {known} of {len(requests)} architectures{dropped}")
            requests = left
        pool.open()
        for result in answers(pool, requests):
            for notice in pool.notices():
                typer.echo(notice, err=True)
            if file:
                file.append(result)
            else:
                typer.echo(json.dumps(result.record(), allow_nan=False))
            scored, failed = scored + (result.score is not None), failed + (result.score is None)
        if file:
            typer.echo(f"{scored} scored, {failed} failed: {out}")
    if failed and not scored:
        reasons = "above" if out is None else f"in {out}"
        raise InputError(f"no architecture has a score: every one failed, for the reasons {reasons}")


def join_search(training: Training, address: str) -> None:
    """Has the devices of this machine train for a search elsewhere."""
    from nao.evaluators.hosts.address import check_engine, cluster_address
    from nao.evaluators.hosts.join import EvaluatorHost, host_name
    from nao.evaluators.hosts.station import Station
    from nao.evaluators.hosts.token import existing_token

    own = ("devices", "cache", "data_dir", "token_file")
    if training.devices is not None and training.devices < 1:
        raise InputError(f"devices must be at least 1, not {training.devices}")
    if training != Training(**{name: getattr(training, name) for name in own}):
        raise InputError(
            "with --join the search says what to train: give --devices, --cache, --data-dir, --token-file"
            " only"
        )
    check_engine()
    console, name = Output(), host_name()

    station = Station(
        name, console.say, devices=training.devices, cache=training.cache, data_dir=training.data_dir
    )
    host = EvaluatorHost(
        name, cluster_address(address), existing_token(training.token_file), station, console.say
    )
    with stoppable("what was begun is tried again elsewhere"):
        host.run()


def given_architectures(sources: Sequence[str] | None, where: SearchSpace) -> list[Architecture]:
    """The architectures that are named on the command line."""
    from nao import given

    return given.architectures(sources or (), where)


@app.command()
@shares_options(Training)
def compare(
    training: Training,
    out: Annotated[str, typer.Option(help="The folder for its runs, tables and plots.")],
    strategies: Annotated[
        str, typer.Option(help="NAME or LABEL=NAME, with commas; the first is compared to each other.")
    ] = "nao,random",
    param: Annotated[
        list[str] | None, typer.Option(help="LABEL.PARAMETER=VALUE, for one of the strategies; repeatable.")
    ] = None,
    table: Annotated[Path | None, typer.Option(help="Known scores. Default: children are trained.")] = None,
    signal: Annotated[str | None, typer.Option(help="Column of the table to search by.")] = None,
    report: Annotated[str | None, typer.Option(help="Column of the table to report.")] = None,
    limit: Limit = None,
    start: Start = None,
    budget: Annotated[int, typer.Option(help="M, labels of a run; the initial ones count.")] = 200,
    repeats: Annotated[int, typer.Option(help="Runs of each strategy.")] = 30,
    seed: Annotated[int, typer.Option(help="Of the first repeat; the next has the next.")] = 0,
    workers: Annotated[int | None, typer.Option(help="Runs at a time, on a table. Default: cores.")] = None,
) -> None:
    """Compare strategies: the same budget and starts, every label counted. The same command goes on."""
    from nao.limits import Limits, parse_limits

    factories = strategy_factories(strategies, param or [], budget, training.cache)
    bounds = parse_limits(limit or [])

    def meant_for(evaluator: Evaluator) -> dict[str, StrategyFactory]:
        limits = Limits.of(bounds, evaluator) if bounds else None
        noisy, starts = is_noisy(evaluator), tuple(given_architectures(start, evaluator.space))
        return {
            label: dataclasses.replace(each, limits=limits, noisy=noisy, starts=starts)
            for label, each in factories.items()
        }

    how: dict[str, Any] = {"budget": budget, "repeats": repeats, "seed": seed}
    if table is None:
        if (signal, report, workers) != (None, None, None):
            raise InputError("--signal, --report and --workers are for a --table; without one, see --devices")
        columns = ("validation score", "test score")
        with training.pool(Output()) as pool:
            title = f"{training.space} on {pool.configuration()['data']['name']}"
            pool.open()
            run_comparison(meant_for(pool), pool, out, title, columns, durable=True, **how)
        return
    given = dataclasses.replace(training, space=Training.space, cache=True)
    if given != Training():
        raise InputError("a --table has scores: --blocks, --data, --devices and the child's are for training")
    if signal is None or report is None:
        raise InputError("a --table needs --signal and --report, the columns to search by and to report")
    from nao.evaluators import tables

    known = tables.table(training.space, table, signal, report, list(bounds))
    made = meant_for(known)
    how |= {"workers": workers if workers is not None else len(os.sched_getaffinity(0))}
    title = f"{training.space}, {table.name}"
    optimum = known.optimum_within(bounds)
    run_comparison(made, known, out, title, (signal, report), optimum=optimum, **how)


@dataclasses.dataclass(frozen=True)
class StrategyFactory:
    """Makes a strategy from its name on the command line; crosses to other processes.

    Attributes:
      name: of the strategy.
      parameters: its own; NAO's `encoder` is the name of one.
      cache: keep compiled programs.
      limits: what an architecture may cost to be proposed; None for anything.
      noisy: whether an architecture might have had another score.
      starts: architectures to begin with.
    """

    name: str
    parameters: Mapping[str, Any]
    cache: bool
    limits: "Limits | None" = None
    noisy: bool = False
    starts: tuple[Architecture, ...] = ()

    def __call__(self, space: SearchSpace, seed: int) -> Strategy:
        """A new strategy."""
        import nao

        if self.name == "nao":
            from nao.evaluators.devices import set_up_devices

            set_up_devices(1, self.cache)
        how: dict[str, Any] = {"limits": self.limits, "noisy": self.noisy, "starts": self.starts}
        return nao.strategy(self.name, space, seed=seed, **how, **self.parameters)


def strategy_factories(
    strategies: str, parameters: list[str], budget: int, cache: bool
) -> dict[str, StrategyFactory]:
    """What makes each strategy of a comparison, by its label, as is said on the command line."""
    from nao.compare.entries import entries

    made = {}
    for label, entry in entries(strategies, parameters).items():
        # Its schedule is to end with the comparison, unless it is told otherwise.
        own = {"budget": budget} if entry.name == "q-learning" else {}
        made[label] = StrategyFactory(entry.name, own | dict(entry.parameters), cache)
    return made


def run_comparison(
    factories: Mapping[str, StrategyFactory],
    evaluator: Evaluator,
    out: str,
    title: str,
    columns: tuple[str, str],
    **how: Any,
) -> None:
    """Runs or goes on with a comparison, and shows and draws the result."""
    from nao import compare, folder
    from nao.report import comparison as shown

    where = folder.named(out)
    console = Output()
    with stoppable(f"every finished run is in {where}"):
        observer = shown.comparison_observer(console)
        found = compare.compare(factories, evaluator, out=where, observer=observer, **how)
    from nao.report.comparison_page import Names, draw

    shown.show_comparison(found, console)
    draw(found, where / "curves.html", Names(title, *columns))
    line = f"tables and plots: {where}, begin with {where / 'curves.html'}"
    console.say(line)
    if found.failed:
        run = where / "runs" / f"{next(iter(factories))}-0"
        raise InputError(f"no architecture has a score: every one failed; nao show {run} says why")


@app.command()
def show(
    run: Annotated[Path, typer.Argument(help="The folder of a search or of a comparison.", metavar="RUN")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")] = False,
) -> None:
    """Show what a search or a comparison has found, also while it is running."""
    from nao import folder, report, study

    run = user_path(run)
    if folder.kind(run) == "comparison":
        from nao import compare
        from nao.report import comparison as shown

        found = compare.read(run)
        if as_json:
            typer.echo(json.dumps(shown.records(found), indent=2, allow_nan=False))
        else:
            shown.show_comparison(found, Output())
        return
    history = study.read(run)
    if as_json:
        typer.echo(json.dumps(history.summary(), indent=2, allow_nan=False))
    else:
        report.show_run(history, str(run), Output())


@app.command()
def draw(
    architecture: Annotated[
        str,
        typer.Argument(
            help="A string of the space, in quotes; a published one (`nao spaces --zoo`); or the folder of a"
            " search, whose best one is drawn.",
            metavar="ARCHITECTURE|RUN",
        ),
    ],
    space: Annotated[
        str | None, typer.Option(help="Of the string; see `nao spaces`. Default: cnn-cell-small.")
    ] = None,
    blocks: Annotated[int | None, typer.Option(help="Blocks of a cell. Default: 5.")] = None,
    space_param: SpaceParam = None,
    out: Annotated[
        Path | None, typer.Option(help="X.svg, X.png or X.pdf. Default: as text, in the terminal.")
    ] = None,
) -> None:
    """Draw an architecture, or the best one that a search has found so far."""
    from nao.report.drawing import in_ascii, text, write_drawing
    from nao.report.drawing.given import given_architecture

    found = given_architecture(architecture, space, parameters_of(space_param, blocks))
    console = Output()
    graph = found.space.graph(found)
    if out is None:
        drawing = text(graph)
        console.say(drawing if console.encoding.startswith("utf") else in_ascii(drawing))
        return
    write_drawing(graph, user_path(out))
    console.say(f"drawing: {out}")


@app.command()
def embed(
    run: Annotated[Path, typer.Argument(help="The folder of a search.", metavar="RUN")],
    out: Annotated[
        str, typer.Option(help="X.npz, X.parquet, or a folder X/ for TensorBoard's embedding projector.")
    ],
    iteration: Annotated[
        int | None, typer.Option(help="Whose model; the last is fitted to most. Default: the last.")
    ] = None,
    projection: Annotated[str, typer.Option(help="What x and y are: pca, tsne or umap.")] = "pca",
    seed: Annotated[int, typer.Option(help="Of the projection.", min=0, max=MOST_SEED)] = 0,
) -> None:
    """Write what E and f make of a search's architectures: strings, scores, origins, embeddings, a map."""
    from nao import folder
    from nao.analysis.export import writer

    write, run = writer(out), user_path(run)
    if folder.kind(run) == "comparison":
        raise InputError(f"{run} is a comparison, which keeps no fitted model; name the folder of a search")
    import nao
    from nao.analysis.table import embedding_table

    found = nao.load(run)
    fitted = found.fitted
    if iteration is not None and iteration not in fitted:
        raise InputError(f"{run} has no model of iteration {iteration}, but of {', '.join(map(str, fitted))}")
    model = found.model_of(fitted[-1] if iteration is None else iteration)
    table = embedding_table(found.history, model, projection=projection, seed=seed)
    write(table)
    count, width = table.embedding.shape
    Output().say(f"{count} architectures, embeddings of {width} numbers: {out}")


@app.command("report")
def write_report(
    run: Annotated[Path, typer.Argument(help="The folder of a search or of a comparison.", metavar="RUN")],
    out: Annotated[
        Path | None, typer.Option(help="The page. Default: report.html, or curves.html, in the folder.")
    ] = None,
) -> None:
    """Write what was found as one HTML page that works offline, also while it is running."""
    from nao import folder

    run = user_path(run)
    comparison = folder.kind(run) == "comparison"
    page = user_path(out) if out else run / ("curves.html" if comparison else "report.html")
    if page.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"a report is an HTML file, such as {page.with_suffix('.html')}, not {page}")
    if not page.parent.is_dir() and run.is_dir():
        raise InputError(f"there is no folder {page.parent} for the report")
    if comparison:
        from nao import compare
        from nao.compare.folder import contents
        from nao.report.comparison_page import Names, draw

        draw(compare.read(run), page, Names.of((contents(run) or {})["settings"]))
    else:
        report_search(run, page)
    typer.echo(page)


def report_search(run: Path, page: Path) -> None:
    """Writes the report of a search, with all of its models that can be read."""
    import nao
    from nao.evaluators.devices import leave_devices_to_others
    from nao.report import search_page

    found = nao.load(run)
    leave_devices_to_others()
    try:
        fitted = found.fitted
    except InputError:  # there is none yet, or the strategy has none: the report says which
        fitted = []
    models = {iteration: functools.partial(found.model_of, iteration) for iteration in fitted}
    search_page.write_report(found.history, page, models, name=run.name or str(run))


@app.command()
def spaces(
    zoo: Annotated[bool, typer.Option("--zoo", help="List published architectures instead.")] = False,
) -> None:
    """List the search spaces, or published architectures of them."""
    from nao import report
    from nao.spaces import SPACES
    from nao.spaces import zoo as published

    if zoo:
        report.show_zoo(published.zoo(), Output())
    else:
        report.show_spaces(SPACES.values(), Output())


def main() -> None:
    """Runs the command line.

    A command that was stopped leaves without taking the interpreter down: that would wait for what JAX still
    compiles or computes, or crash under it.
    """
    try:
        app(prog_name="nao")
    except SystemExit as end:
        if end.code == STOPPED:
            os._exit(STOPPED)
        raise
