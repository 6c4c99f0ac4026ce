"""What holds still and what does not, where both are planted."""

import numpy as np
import pytest
from conftest import build_runs, write_runs

from growbench.develop.bench_estimators import CANDIDATES, in_pairs, planted, stillness
from growbench.statistics.order import MAD_SCALE

QUANTILES = (5, 25, 50, 75, 95, 99)
OLD, LOWER = CANDIDATES[0], CANDIDATES[3]


def a_run(strategy="realloc_doubling", rounds=10):
    """Two labels of one thing, whose timings are all 1,000 ns and whose values are noise."""
    runs = build_runs([strategy], ["base.x", "new.x"], [100, 1000], rounds, noise=0.3)
    return runs.assign(**{f"warm_build_release_p{share}_ns": 1000.0 for share in QUANTILES})


def sides(runs):
    return [
        runs[runs["allocator"] == f"{side}.x"].assign(allocator="x") for side in ("base", "new")
    ]


def test_what_is_always_the_same_holds_still_and_what_is_noise_does_not():
    base, new = sides(a_run())
    assert stillness(LOWER, base, new) == (0.0, 0.0, 0.0, 2)
    noisy = stillness(OLD, base, new)
    assert noisy.between == pytest.approx(0.3, rel=0.6)
    assert noisy.within_pair == pytest.approx(0.3, rel=0.6)
    assert noisy.apart > 0


def test_a_cell_is_apart_from_five_percent_on():
    for factor, apart in ((1.049, 0.0), (1.051, 1.0), (1 / 1.051, 1.0)):
        base, new = sides(a_run())
        new = new.assign(warm_build_release_p25_ns=1000.0 * factor)
        assert stillness(LOWER, base, new).apart == apart


def test_what_both_sides_share_in_a_round_is_in_the_workers_and_not_in_the_pairs():
    base, new = sides(a_run())
    base, new = (
        side.assign(warm_build_release_p25_ns=1000.0 * np.exp(0.1 * side["round"]))
        for side in (base, new)
    )
    still = stillness(LOWER, base, new)
    assert still.between == pytest.approx(MAD_SCALE * 0.25) and still.within_pair < 1e-9


def test_a_round_that_one_side_lacks_is_in_no_pair():
    base, new = sides(a_run(rounds=6))
    assert len(in_pairs(LOWER, base, new[new["round"] != 3])) == 10


def test_a_planted_slowdown_is_seen_with_its_size():
    base, new = sides(a_run("slowed_doubling"))
    assert planted(LOWER, base, new) == "x1.000 0/2"
    new = new.assign(warm_build_release_p25_ns=1050.0)
    assert planted(LOWER, base, new) == "x1.050 2/2"


def test_the_command_prints_a_line_for_each_candidate(tmp_path, call_here):
    path = write_runs(a_run("slowed_doubling"), tmp_path / "runs.csv")
    done = call_here("bench-estimators", path)
    assert done.returncode == 0, done.stderr
    assert all(candidate.label in done.stdout for candidate in CANDIDATES)
    assert " x\n" in done.stdout and "x1.000 0/2" in done.stdout
    other = write_runs(build_runs(["append_in_place"], ["glibc"], [100], 1), tmp_path / "b.csv")
    assert call_here("bench-estimators", other).returncode == 2
