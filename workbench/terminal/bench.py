"""What a person sees of measurements of speed."""

from collections.abc import Callable, Sequence
from typing import Any

from workbench.terminal.durations import format_duration
from workbench.terminal.printing import echo
from workbench.terminal.tables import print_line, print_table


def print_bench(record: dict[str, Any]) -> None:
    """Print the figures of ``gameplan bench cfr``: medians, with the quartiles' distance in percent as spread."""

    def spread(timing: dict[str, Any]) -> str:
        return f"±{50 * (timing['high'] - timing['low']) / timing['median']:.0f} %"

    print_line(f"noise: a fixed loop of pure Python varies by {spread(record['clock'])} between quartiles")
    for game in record["games"]:
        echo()
        print_line(f"{game['game']}  {game['histories']:,} histories, {game['terminal_rows']:,} terminal rows")
        setup, cached = game["setup"], game["cached_load"]
        share = f"{100 * game['cached_load_share']:.2g} % of set-up"
        rows = [
            ("set-up", format_duration(setup["median"]), spread(setup), f"{game['setup_per_history'] * 1e6:.2f} us a history"),
            ("cached load", format_duration(cached["median"]), spread(cached), share),
        ]
        for algo, timing in game["iteration"].items():
            note = f"x{timing['ratio_to_first']:.2f}"
            rows.append((f"{algo} iteration", format_duration(timing["median"]), spread(timing), note))
        timing = game["exploitability"]
        rows.append(
            (
                "exploitability",
                format_duration(timing["median"]),
                spread(timing),
                f"{game['exploitability_in_iterations']:.2f} iterations",
            )
        )
        for name, timing in game["peers"].items():
            if "reason" in timing:
                rows.append((name, "-", "", timing["reason"]))
                continue
            what = name if "NashConv" in name else f"{name} CFR+ iteration"
            rows.append((what, format_duration(timing["median"]), spread(timing), f"{timing['ratio']:,.0f} times ours"))
        print_table(("what", "median", "spread", "note"), rows, prose=("what", "note"))
        print_line(f"memory: {game['bytes_per_row_and_player']:.0f} bytes a terminal row and player")


def print_bench_psro(record: dict[str, Any]) -> None:
    """Print the figures of ``gameplan bench psro``."""
    rows = []
    for game in record["games"]:
        for algo, timing in game["algos"].items():
            ratio = f"{timing['ratio']:,.0f} times ours" if "ratio" in timing else game.get("peer", {}).get("reason", "")
            rows.append((game["game"], algo, format_duration(timing["total"]), format_duration(timing["per_iteration"]), ratio))
    header = ("game", "algorithm", f"{record['iterations']} iterations", "per iteration", "psro_v2, early")
    print_table(header, rows, left=2, prose=("psro_v2, early",))


def print_bench_sampling(record: dict[str, Any]) -> None:
    """Print the figures of ``gameplan bench sampling``."""
    rows = []
    for game in record["games"]:
        for algo, found in game["algos"].items():
            times = f"{found['ratio']:,.0f} times ours" if "ratio" in found else ""
            nodes = f"{found['nodes_per_iteration']:,.1f}", f"{found['nodes_per_second'] / 1e6:,.1f} M"
            rows.append((game["game"], algo, format_duration(found["per_iteration"]), *nodes, times))
    print_table(("game", "algorithm", "iteration", "nodes", "nodes a second", "OpenSpiel C++"), rows, left=2, spare=("nodes",))


def _print_rows(table: Sequence[dict[str, Any]]) -> None:
    """Print records of the same keys as a table."""
    heads = [key.replace("_", " ") for key in table[0]]
    cells = [
        [f"{v:,.4g}" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) else str(v) for v in row.values()] for row in table
    ]
    print_table(heads, cells, left=2, prose=("collection",))


def print_bench_planning(record: dict[str, Any], rows: Callable[[Any], Sequence[tuple[str, Any]]]) -> None:
    """Print the figures of ``gameplan bench planning``, a table a part."""
    for part, found in record["parts"].items():
        shown = []
        for name, n in rows(found["figures"]):
            if isinstance(n, list):
                _print_rows(n)
                continue
            text = f"{n:,.0f}" if isinstance(n, float) and abs(n) >= 1000 else f"{n:,.4g}" if isinstance(n, int | float) else str(n)
            shown.append((name, text))
        print_table(
            (part, "figure"), shown, prose=(part,), title=f"calibration kernel: {found['calibration'] / 1e6:,.0f} M steps/s"
        )
