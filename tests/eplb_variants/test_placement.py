from __future__ import annotations

import numpy as np
import pytest
import torch

from eplb_variants import EplbError, Topology, check_placement

TOPOLOGY = Topology(6, 1, 1, 2)
PHY2LOG = np.array([[0, 1, 2, 3, 0, 0], [3, 2, 1, 0, 1, 2]])


def test_the_maps_follow_from_phy2log():
    placement = check_placement(torch.tensor(PHY2LOG), 4, TOPOLOGY)
    np.testing.assert_array_equal(placement.logcnt, [[3, 1, 1, 1], [1, 2, 2, 1]])
    np.testing.assert_array_equal(placement.rank, [[0, 0, 0, 0, 1, 2], [0, 0, 0, 0, 1, 1]])
    np.testing.assert_array_equal(placement.log2phy[0], [[0, 4, 5], [1, -1, -1], [2, -1, -1], [3, -1, -1]])


def test_what_agrees_passes_whatever_its_padding_and_order():
    wide = np.pad(check_placement(PHY2LOG, 4, TOPOLOGY).log2phy, ((0, 0), (0, 0), (0, 2)), constant_values=-1)
    wide[0, 0, :3] = [5, 0, 4]
    check_placement(PHY2LOG.astype(np.int16), 4, TOPOLOGY, log2phy=wide, logcnt=[[3, 1, 1, 1], [1, 2, 2, 1]])


def changed(array, index, value):
    array = np.array(array)
    array[index] = value
    return array


BASE = check_placement(PHY2LOG, 4, TOPOLOGY)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"phy2log": PHY2LOG[:, :5]}, r"phy2log has shape \[2, 5\]"),
        ({"phy2log": PHY2LOG[0]}, "must have 2 axes"),
        ({"phy2log": PHY2LOG * 1.0}, "float64 values"),
        ({"phy2log": changed(PHY2LOG, (1, 2), 4)}, "layer 1 puts expert 4 in slot 2"),
        ({"phy2log": changed(PHY2LOG, (1, 2), -1)}, "layer 1 puts expert -1 in slot 2"),
        ({"phy2log": changed(PHY2LOG, (0, 3), 0)}, "layer 0 has no slot for expert 3"),
        ({"rank": changed(BASE.rank, (1, 4), 0)}, "layer 1 does not number"),
        ({"rank": BASE.rank[:1]}, "rank has shape"),
        ({"logcnt": changed(BASE.logcnt, (1, 1), 3)}, "layer 1 claims 3 copies of expert 1"),
        ({"logcnt": BASE.logcnt[:, :3]}, "logcnt has shape"),
        ({"log2phy": changed(BASE.log2phy, (1, 1, 1), -1)}, "layer 1 does not list exactly the slots of expert 1"),
        ({"log2phy": changed(BASE.log2phy, (0, 1, 1), 1)}, "layer 0 does not list exactly the slots of expert 1"),
        ({"log2phy": changed(BASE.log2phy, (0, 1, 0), 9)}, "layer 0 names a slot outside"),
        ({"log2phy": changed(BASE.log2phy, (0, 1), [-1, 1, -1])}, "layer 0 has a hole"),
        ({"log2phy": BASE.log2phy[:, :2]}, "log2phy has shape"),
    ],
)
def test_what_is_wrong_is_said_with_the_first_layer(given, says):
    with pytest.raises(EplbError, match=says):
        check_placement(**{"phy2log": PHY2LOG, "num_experts": 4, "topology": TOPOLOGY, **given})
