"""The proposals are still those that were recorded."""

import json

import pytest

from tests.golden import proposals

RECORDED = json.loads(proposals.FILE.read_text())


@pytest.mark.parametrize("space", proposals.NAMES)
@pytest.mark.parametrize("name", proposals.STRATEGIES)
def test_proposals_are_those_that_were_recorded(name, space):
    assert proposals.proposals(name, space) == RECORDED[f"{name} {space}"]
