"""Pools of language models meet the contract of evaluators."""

import pytest

from tests.evaluators.test_contract import TestEvaluatorContract  # noqa: F401  # run here with other pools

pytestmark = pytest.mark.xdist_group("language")


@pytest.fixture
def evaluator(language_pool):
    """In place of those of the other contract tests."""
    return language_pool
