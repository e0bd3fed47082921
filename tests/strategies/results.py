"""What a strategy is told in these tests: results that hold a score and nothing else."""

from nao.core import Request, Result


def result(architecture, score):
    """A result; it failed if the score is None."""
    return Result(Request(architecture), score, status="failed" if score is None else "ok")


def scored(proposals, score):
    """The results of proposals, each with the score that a function gives its architecture."""
    return [result(p.architecture, score(p.architecture)) for p in proposals]


def total(architecture):
    """The sum of the tokens, which every test here knows the best of."""
    return float(sum(architecture.tokens))


def play(strategy, budget, score=total):
    """Asks for batch after batch. Returns each proposal with its score, in order."""
    history = []
    while len(history) < budget and (proposals := strategy.ask(min(strategy.batch, budget - len(history)))):
        told = scored(proposals, score)
        strategy.tell(told)
        history += [(p, r.score) for p, r in zip(proposals, told, strict=True)]
    return history


def scores(strategy, budget, score=total):
    """The scores alone of what `play` finds."""
    return [found for _, found in play(strategy, budget, score)]
