"""Pages of runs, as a person sees them: in a browser, with filters, sliders and keys; hostile names and cut files in words."""

import json
import re
import shutil
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

import workbench.pages.document as document
from games.errors import UsageError
from tests.toy_discovery import FAST, OVERFIT, SLOW, TASK, discovery
from workbench.commands.report import report as command
from workbench.comparison.place import writing
from workbench.discovery.task import find_task, name_task
from workbench.pages.parts import Section, embed
from workbench.pages.report import report, runs_at
from workbench.pages.watching import follow
from workbench.planning.config import PlanConfig
from workbench.planning.run import run_plan
from workbench.runs import formats
from workbench.runs.directory import RunDirectory
from workbench.solving.config import SolveConfig
from workbench.solving.run import solve
from workbench.training.config import TrainConfig, resolve_train
from workbench.training.run import train
from workbench.views.curves import solver_curves
from workbench.views.thinning import spread, thinned_lines

CHROMIUM, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
OLD = Path(__file__).parent / "cases" / "run-0.1.0"
HOSTILE = "<img src=x onerror=alert(1)> &lt;\u202e'\"`${1}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder with one run of every kind; one has a hostile name, one a cut file, and one is no longer JSON."""
    pytest.importorskip("plotly")
    root = tmp_path_factory.mktemp("runs") / "all"
    shutil.copytree(OLD / "psro", root / "psro")
    solve(SolveConfig("leduc_2p", "vad-cfr", 20), RunDirectory.create(root / HOSTILE))
    for name, algo in (("one", "cfr+"), ("cut", "dcfr"), ("broken", "cfr"), ("mended", "lcfr")):
        solve(SolveConfig("kuhn_2p", algo, 30), RunDirectory.create(root / name))
    metrics = root / "cut" / "metrics.jsonl"
    metrics.write_bytes(metrics.read_bytes()[:-9])  # as a crash leaves it
    (root / "broken" / "config.json").write_text('{"game": ')
    lines = (root / "mended" / "metrics.jsonl").read_text().splitlines()
    (root / "mended" / "metrics.jsonl").write_text(
        "\n".join([lines[0], '{"iteration": "</script><b>", "exploitability": 1, "nash_conv": 2, "values": []}', *lines[2:]]) + "\n"
    )
    run_plan(PlanConfig("2048-2x3", "mcts", 3, simulations=20), RunDirectory.create(root / "plan"))
    run_plan(PlanConfig("kg-walk", "greedy", 2), RunDirectory.create(root / "walk"))
    for name, seed in (("td", 0), ("td1", 1)):
        train(resolve_train(TrainConfig("2048-2x2", "td", updates=3, episodes=2, seed=seed)), RunDirectory.create(root / name))
    folder = root.parent / "toy"
    folder.mkdir()
    (folder / "task.py").write_text(TASK)
    name_task(str(folder))
    evil = "PARAMS = {}\ndef step(x, t, params):\n    '</script><script>alert(1)</script>'\n    return 0.05 * x"
    programs = [(SLOW, "seed", ()), (FAST, HOSTILE, (0,)), (OVERFIT, "random", (1,)), (evil, "random", (1,))]
    store, _ = discovery(root / "discovery", str(folder), find_task(str(folder)), programs)
    store.close()
    return root


@pytest.fixture(scope="module")
def page(runs):
    path = runs.parent / "report.html"
    path.write_text(report(runs_at([runs]), title=HOSTILE))
    return path


@pytest.fixture(scope="module")
def browser(page):
    """A browser with the page of `runs`, all of it scrolled through."""
    if not (CHROMIUM.exists() and DRIVER.exists()):
        pytest.skip("there is no Chromium with its driver: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver")
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1000"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    found = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    found.set_script_timeout(60)
    found.get(page.as_uri())
    yield found
    found.quit()


def see(browser, section, what="true"):
    """Scroll to a section and wait until an expression of JavaScript is true; return its value."""
    browser.execute_script(f"document.getElementById('{section}').scrollIntoView()")
    for _ in range(400):
        found = browser.execute_script(f"return {what}")
        if found:
            return found
        browser.execute_script("scrollBy(0, 150); if (scrollY + innerHeight >= document.body.scrollHeight - 2)"
                               f"document.getElementById('{section}').scrollIntoView()")  # fmt: skip
    raise AssertionError(f"never true: {what}; {browser.get_log('browser')}")


def choose(browser, control, value):
    browser.execute_script(
        "const e = document.getElementById(arguments[0]); if (e.type === 'checkbox') e.checked = arguments[1]; else e.value = arguments[1];"
        "e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true}));",
        control, value,
    )  # fmt: skip


def drawn(place):
    return f"[...document.querySelectorAll('{place} .figure')].length && [...document.querySelectorAll('{place} .figure')].every(f => f.dataset.drawn)"


@pytest.mark.slow  # a browser
def test_the_table_of_runs_is_sorted_and_filtered(browser):
    see(browser, "runs", "document.getElementById('runs-count').value")
    shown = "[...document.getElementById('runs-table').tBodies[0].rows].filter(row => !row.hidden)"
    names = f"return {shown}.map(row => row.cells[0].querySelector('summary').textContent)"
    assert len(browser.execute_script(names)) == 11
    choose(browser, "runs-search", "kuhn*cfr+")
    assert browser.execute_script(names) == ["one"]
    choose(browser, "runs-search", "")
    choose(browser, "runs-kind", "solve")
    browser.execute_script("document.querySelectorAll('#runs-table th button')[5].click()")  # by result
    results = browser.execute_script(f"return {shown}.map(row => row.cells[5].dataset.by)")
    known = [float(result) for result in results if result]
    assert len(known) >= 3 and known == sorted(known) and "" not in results[: len(known)]
    choose(browser, "runs-kind", "")


@pytest.mark.slow  # a browser
def test_curves_are_drawn_when_seen_and_by_other_axes(browser):
    assert browser.execute_script("return typeof Plotly") in ("undefined", "object")
    see(browser, "curves", drawn("#curves"))
    kuhn = "[...document.querySelectorAll('#curves .figure')].find(f => f.layout.title.text.startsWith('kuhn'))"
    names = browser.execute_script(f"return {kuhn}.data.filter(t => t.showlegend).map(t => t.name)")
    assert {"cfr+", "dcfr"} <= set(names) and "lcfr" not in names  # one file was cut, another is damaged
    by_iteration = browser.execute_script(f"return {kuhn}.data.find(t => t.name === 'cfr+').x")
    choose(browser, "curves-by", "nodes")
    assert see(browser, "curves", f"{kuhn}.layout.xaxis.title.text") == "nodes visited"
    by_nodes = browser.execute_script(f"return {kuhn}.data.find(t => t.name === 'cfr+').x")
    assert len(by_nodes) == len(by_iteration) and {n / t for n, t in zip(by_nodes, by_iteration, strict=True)} == {2 * 58}
    assert browser.execute_script(f"return {kuhn}.layout.yaxis.type") == "log"
    choose(browser, "curves-log-y", False)
    assert see(browser, "curves", f"{kuhn}.layout.yaxis.type === 'linear'")


@pytest.mark.slow  # a browser
def test_policies_are_searched_and_filtered(browser):
    see(browser, "policies", "document.querySelectorAll('#policies-table tbody tr').length")
    choices = browser.execute_script("return [...document.getElementById('policies-run').options].map(o => o.textContent)")
    choose(browser, "policies-run", str(next(k for k, name in enumerate(choices) if "leduc" in name)))
    assert "936 infosets" in browser.execute_script("return document.getElementById('policies-count').value")
    choose(browser, "policies-search", "private: 2*public: 4")
    cells = "[...document.querySelectorAll('#policies-table tbody tr')].map(row => [row.cells[0].textContent, row.cells[1].textContent])"
    found = browser.execute_script(f"return {cells}")
    assert found and all("Private: 2" in label and "Public: 4" in label for _, label in found)
    choose(browser, "policies-player", "1")
    assert {who for who, _ in browser.execute_script(f"return {cells}")} == {"1"}
    choose(browser, "policies-sort", "regret")
    regrets = [
        float(x)
        for x in browser.execute_script(
            "return [...document.querySelectorAll('#policies-table tbody tr')].map(r => r.cells[5].textContent)"
        )
    ]
    assert regrets == sorted(regrets, reverse=True) and regrets[0] > 0
    rows = int(browser.execute_script("return document.getElementById('policies-count').value").split()[0])
    assert see(browser, "policies-map", drawn("#policies-map"))
    assert see(browser, "policies-map", f"document.querySelector('#policies-map .figure').data[0].z.length === {min(rows, 150)}")


@pytest.mark.slow  # a browser
def test_the_slider_shows_the_population_of_an_iteration(browser, runs):
    see(browser, "populations", drawn("#populations-mixtures"))
    lines = [json.loads(line) for line in (runs / "psro" / "metrics.jsonl").read_text().splitlines()]
    for place in (1, len(lines) - 1):
        choose(browser, "populations-at", str(place))
        weights = "document.querySelector('#populations-mixtures .figure').data[1].y"
        assert see(browser, "populations-mixtures", f"{weights}.length === {len(lines[place]['train'][0])}")
        assert browser.execute_script(f"return {weights}") == pytest.approx(lines[place]["train"][0], abs=1e-5)
    assert see(browser, "populations", drawn("#populations-game"))


@pytest.mark.slow  # a browser
def test_an_episode_is_replayed_by_keys(browser, runs):
    see(browser, "plays", "document.querySelector('#plays-board rect')")
    line = max(
        (json.loads(line) for line in (runs / "plan" / "episodes.jsonl").read_text().splitlines()), key=lambda line: line["score"]
    )
    most = int(browser.execute_script("return document.getElementById('plays-at').max"))
    assert most == line["steps"] and browser.execute_script("return document.querySelectorAll('#plays-board rect').length") == 6
    texts = "return [...document.querySelectorAll('#plays-board text')].map(t => t.textContent).join(' ')"
    first, stage = browser.execute_script(texts), browser.find_element("id", "plays-stage")
    assert browser.execute_script("return document.querySelectorAll('#plays-values .taken').length") == 1
    stage.send_keys("\ue014\ue014")  # right, twice
    assert (
        browser.execute_script("return document.getElementById('plays-at').value") == "2" and browser.execute_script(texts) != first
    )
    stage.send_keys("\ue010")  # end
    tiles = [int(text) for text in browser.execute_script(texts).split()]
    assert max(tiles) == line["marks"]["max_tile"] if "max_tile" in line.get("marks", {}) else max(tiles) >= 4
    choices = browser.execute_script("return [...document.getElementById('plays-run').options].map(o => o.textContent)")
    choose(browser, "plays-run", str(next(k for k, name in enumerate(choices) if "walk" in name)))
    assert browser.execute_script("return document.querySelectorAll('#plays-board circle').length") > 5
    see(browser, "plays", drawn("#plays-scores"))


@pytest.mark.slow  # a browser
def test_several_seeds_have_a_band(browser):
    see(browser, "learning", drawn("#learning"))
    lines = browser.execute_script(
        "return [...document.querySelectorAll('#learning .figure')].flatMap(f => f.data).filter(t => t.line.width === 2.5)"
        ".map(t => [t.name, t.y, t.x])"
    )
    assert [name for name, _, _ in lines] == ["td"]
    low, high = browser.execute_script(
        "return [...document.querySelectorAll('#learning .figure')].flatMap(f => f.data).filter(t => t.line.width === 0).map(t => t.y)"
    )
    assert all(a <= b <= c for a, b, c in zip(low, lines[0][1], high, strict=True)) and low != high


@pytest.mark.slow  # a browser
def test_learning_curves_have_measures(browser):
    see(browser, "learning", drawn("#learning"))
    assert "td" in browser.execute_script("return document.querySelector('#learning .figure').data.map(t => t.name)")
    choose(browser, "learning-by", "update")
    assert see(browser, "learning", "document.querySelector('#learning .figure').data[0].x.join() === '1,2,3'")


@pytest.mark.slow  # a browser
def test_a_click_on_a_program_shows_its_source_and_what_changed(browser):
    see(browser, "discoveries", "document.querySelector('#discoveries circle[data-key]')")
    browser.execute_script(
        "[...document.querySelectorAll('#discoveries circle[data-key]')].at(-1).dispatchEvent(new Event('click', {bubbles: true}))"
    )
    assert see(browser, "discoveries", "document.querySelector('.program .add')")
    assert "0.05 * x" in browser.execute_script("return document.querySelector('.program').textContent")


@pytest.mark.slow  # a browser
def test_hostile_names_are_texts_and_damaged_runs_are_told(browser, runs):
    told = browser.execute_script("return [...document.querySelectorAll('#problems li')].map(e => e.textContent)")
    assert len(told) == 2 and any("broken" in line for line in told)
    assert any("metrics.jsonl, line 2" in line and "</script><b>" in line for line in told), told
    assert browser.execute_script("return document.querySelectorAll('img, iframe, main b b').length") == 0
    title = browser.execute_script("return document.title")
    assert title == HOSTILE.replace("\u202e", r"\u202e")
    names = browser.execute_script("return [...document.querySelectorAll('#runs-table summary')].map(e => e.textContent)")
    assert any(name.startswith("<img src=x") for name in names)
    assert "http" not in browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name).join()")


@pytest.mark.slow  # a browser
@pytest.mark.parametrize("width", [400, 1280])
def test_nothing_is_wider_than_the_window_and_no_error_is_logged(browser, width):
    from selenium.webdriver.support.ui import WebDriverWait

    for scheme in ("dark", "light"):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        )
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        fits = f"return document.documentElement.scrollWidth <= {width}"  # once figures that are drawn have followed
        WebDriverWait(browser, 20).until(lambda browser, fits=fits: browser.execute_script(fits))
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not [entry for entry in browser.get_log("browser") if entry["level"] != "INFO"]


def test_data_cannot_leave_its_element():
    for text in ("</script>", "<!--<script>", "\u2028\ud800"):
        inside = (
            embed("x", {text: [text, float("nan")]})
            .removeprefix('<script type="application/json" id="data-x">')
            .removesuffix("</script>")
        )
        assert "<" not in inside and inside.isascii() and next(iter(json.loads(inside).values()))[1] is None


def test_a_policy_allows_the_pages_own_scripts_only(page):
    text = page.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search(r"script-src[^;]*(unsafe|\*|http|self)", policy)
    allowed = set(re.findall(r"'sha256-([^']*)'", policy))
    code = re.findall(r"<script>(.*?)</script>|<script type=\"text/plain\"[^>]*>(.*?)</script>", text, re.DOTALL)
    assert {document.digest(own or library) for own, library in code} == allowed and len(allowed) == 2


def test_the_script_is_put_beside_pages_once(runs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one.html", "two.html"):
        result = CliRunner().invoke(
            command, [str(runs / "one"), "--out", f"pages/{name}", "--assets", "assets"], standalone_mode=False
        )
        assert result.exception is None, result.exception
    (script,) = (tmp_path / "assets").iterdir()
    assert script.stat().st_size > 1e6 and all(page.stat().st_size < 2e5 for page in (tmp_path / "pages").iterdir())
    assert f"../assets/{script.name}" in (tmp_path / "pages" / "one.html").read_text()


def test_without_the_extra_one_line_names_it(monkeypatch, runs):
    monkeypatch.setattr(document, "PLOTLY", "no_such_package")
    with pytest.raises(UsageError, match=r"extra 'report' \(plotly\)"):
        document.document("x", [Section("curves", "x", "", {}, figures=True)], {})
    assert "<h1>x</h1>" in document.document("x", [Section("runs", "x", "", {"count": 0})], {})


def test_of_a_long_file_few_lines_are_read(tmp_path):
    path = tmp_path / "metrics.jsonl"
    with open(path, "w") as stream:
        for n in range(1, 20_001):
            stream.write(json.dumps({"iteration": n, "exploitability": 1 / n, "nash_conv": 2 / n, "values": [0.1, -0.1]}) + "\n")
        stream.write('{"iteration": 20001, "exploit')
    found = thinned_lines(path, formats.METRIC, 200, whole=1000)
    ns = [line["iteration"] for line in found]
    assert ns[0] == 1 and ns[-1] == 20_000 and ns == sorted(set(ns)) and 100 < len(ns) <= 201
    assert sum(n < 100 for n in ns) > 20 and max(b - a for a, b in pairwise(ns)) < 400
    whole = [line["iteration"] for line in thinned_lines(path, formats.METRIC, 200, whole=1 << 30)]
    assert whole == [place + 1 for place in spread(20_000, 200)]
    assert thinned_lines(tmp_path / "none", formats.METRIC) == []


def test_thinning_leaves_the_values_and_the_clock(runs):
    curves, paths, problems = solver_curves([runs / "one"])
    ((_, curve),) = curves["kuhn_2p"].items()
    lines = [json.loads(line) for line in (runs / "one" / "metrics.jsonl").read_text().splitlines()]
    clock = [json.loads(line) for line in (runs / "one" / "timing.jsonl").read_text().splitlines()]
    assert [point["exploitability"] for point in curve.points] == [line["exploitability"] for line in lines]
    assert [point["seconds"] for point in curve.points] == [line["seconds"] for line in clock]
    assert paths == [runs / "one"] and not problems


def test_a_watched_page_follows_runs_until_they_have_ended(tmp_path):
    class View:
        def __init__(self, status):
            self.path, self.status = tmp_path, status

    states, written, now = ["unfinished", "running", "running", "running", "done", "done", "done", "done"], [], [0.0]

    def sleep(seconds):
        now[0] += seconds
        if now[0] == 10.0:
            (tmp_path / "metrics.jsonl").write_text("one\n")

    follow(lambda: [View(states.pop(0))], lambda views, again: written.append((views[0].status, again)), pause=5.0, quiet=15.0,
           clock=lambda: now[0], sleep=sleep)  # fmt: skip
    assert written == [("unfinished", 5.0), ("running", 5.0), ("running", 5.0), ("done", 5.0), ("done", 0.0)] and len(states) <= 1


@pytest.mark.slow  # a browser
@pytest.mark.slow
def test_fifty_runs_and_a_hundred_megabytes_of_metrics_are_a_small_page_that_opens_at_once(runs, tmp_path, browser):
    for number in range(5):
        for run in runs.iterdir():
            shutil.copytree(run, tmp_path / "many" / f"{len(run.name)}-{run.name}-{number}")
    long = tmp_path / "many" / "long"
    shutil.copytree(runs / "one", long)
    (long / "result.json").unlink()
    with open(long / "metrics.jsonl", "w") as stream:
        for n in range(1, 1_000_001):
            stream.write(f'{{"iteration": {n}, "exploitability": {1 / n}, "nash_conv": {2 / n}, "values": [0.05, -0.05]}}\n')
    assert (long / "metrics.jsonl").stat().st_size > 90e6
    tracemalloc.start()
    lines = thinned_lines(long / "metrics.jsonl", formats.METRIC)  # what else is read is allocated by its limit, not by its size
    assert tracemalloc.get_traced_memory()[1] < 50e6 and 300 < len(lines) <= 401 and lines[-1]["iteration"] == 1_000_000
    tracemalloc.stop()
    page = tmp_path / "many.html"
    page.write_text(report(runs_at([tmp_path / "many"])))
    assert page.stat().st_size < 8e6
    browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    browser.get(page.as_uri())
    taken = {entry["name"]: entry["value"] for entry in browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]}
    assert taken["ThreadTime"] < 2.0  # of the page's own thread until its load event, whatever else the machine does


def test_of_a_comparison_the_best_policy_of_every_game_is_shown(tmp_path):
    pytest.importorskip("plotly")
    with writing(tmp_path / "compared"):
        for name, algo, n in (("a", "cfr", 5), ("b", "cfr+", 200)):
            solve(SolveConfig("kuhn_2p", algo, n), RunDirectory.create(tmp_path / "compared" / "runs" / name))
    html = report(runs_at([tmp_path / "compared"]))
    shown = json.loads(re.search(r'id="data-policies"[^>]*>(.*?)</script>', html, re.DOTALL)[1])
    assert [policy["name"] for policy in shown["policies"]] == ["b"]
