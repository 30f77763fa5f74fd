"""Estimates of advantages: normal forms, and sums of discounted errors."""

import numpy as np
import pytest

from planners.learning.estimates import batch_normal, generalised, group_normal


def test_normal_forms():
    x, group = np.array([1.0, 2.0, 6.0, 5.0, 5.0, 3.0]), np.array([7, 7, 7, 2, 2, 4])
    found = group_normal(x, group, 1, 0.0)
    np.testing.assert_allclose(found, [*((x[:3] - 3.0) / np.std(x[:3], ddof=1)), 0.0, 0.0, 0.0])
    assert (group_normal(np.full(9, 0.1), np.zeros(9, int), 1, 0.0) == 0.0).all()  # 0.1 * 9 is rounded
    np.testing.assert_allclose(group_normal(x[:3], group[:3], 0, 1.0), (x[:3] - 3.0) / (np.std(x[:3]) + 1.0))
    mask = np.array([True, True, True, False, False, True])
    np.testing.assert_allclose(batch_normal(x, mask, 1, 0.0)[mask], (x[mask] - 3.0) / np.std(x[mask], ddof=1))
    assert (batch_normal(x, mask)[~mask] == 0.0).all() and (batch_normal(np.array([3.0])) == 0.0).all()


def test_generalised_advantages_are_sums_of_discounted_errors():
    rng = np.random.default_rng(1)
    r, v, after = (rng.normal(size=(2, 5)) for _ in range(3))
    ended, cut = np.zeros((2, 5), bool), np.zeros((2, 5), bool)
    ended[0, 2], cut[:, 4], cut[1, 1] = True, True, True
    found = generalised(r, v, after, ended, cut, 0.9, 0.8)
    for i in range(2):
        for t in range(5):
            total, factor = 0.0, 1.0
            for k in range(t, 5):
                total += factor * (r[i, k] + 0.9 * (0.0 if ended[i, k] else after[i, k]) - v[i, k])
                if ended[i, k] or cut[i, k]:
                    break
                factor *= 0.72
            assert found[i, t] == pytest.approx(total)
