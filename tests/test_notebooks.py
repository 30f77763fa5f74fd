"""The notebooks of the documentation run, show figures and progress, and send no control codes; an interrupt ends a cell in order."""

import time
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")
pytest.importorskip("ipykernel")

NOTEBOOKS = sorted((Path(__file__).parent.parent / "docs" / "notebooks").glob("*.ipynb"))


def test_notebooks_are_kept_without_outputs():
    assert len(NOTEBOOKS) == 2
    for path in NOTEBOOKS:
        cells = nbformat.read(path, as_version=4).cells
        assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells), path


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [output["data"] for output in outputs if "data" in output]
    assert sum("image/png" in data for data in shown) >= 2
    assert sum("<progress" in data.get("text/html", "") for data in shown) >= 2
    assert sum("<table" in data.get("text/html", "") for data in shown) >= 3
    assert not any(output["output_type"] in ("error", "stream") and output.get("name") != "stdout" for output in outputs)
    texts = [output.get("text", "") + str(output.get("data", {}).get("text/plain", "")) for output in outputs]
    assert not any("\x1b" in text for text in texts)
    assert not list(tmp_path.iterdir())  # all of it in memory


@pytest.mark.slow
def test_the_interrupt_of_a_notebook_leaves_a_result():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(kernel_name="python3")
    try:
        client.execute_interactive("import workbench as gp", timeout=60, output_hook=lambda message: None)
        client.execute('result = gp.solve("leduc_2p", "cfr+", n=10**8)')
        while not _tells_of_iterations(client.get_iopub_msg(timeout=60)):
            pass
        time.sleep(0.5)
        manager.interrupt_kernel()
        told = []
        code = "print(result.status, result.iterations > 0, result.policy.exploitability == result.exploitability)"
        client.execute_interactive(code, timeout=60, output_hook=told.append)
        assert "interrupted True True" in "".join(m["content"].get("text", "") for m in told if m["msg_type"] == "stream")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def _tells_of_iterations(message):
    return "exploitability" in message["content"].get("data", {}).get("text/plain", "")
