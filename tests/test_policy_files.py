"""Policy files from anywhere: what is read, what is warned of, and what is refused in one line that names it."""

import io
import json
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from games.errors import GameplanError
from solvers.exploitability import Evaluator, uniform_policy
from workbench.solving.policies import encode_policy, load_policy

CASES = Path(__file__).parent / "cases" / "policy"
HEAD = "player,infoset,action,probability\n"


@pytest.fixture
def kuhn(game):
    return game("kuhn_2p")


def npy(array) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.asarray(array))
    return stream.getvalue()


def zipped(members, compression=zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def test_semicolons_tabs_and_byte_order_marks_are_read(kuhn, tmp_path):
    policy, missing = load_policy(kuhn, CASES / "kuhn-nash-semicolons.csv")
    text = (CASES / "kuhn-nash-semicolons.csv").read_text()
    for name, changed in (("comma", text.replace(";", ",")), ("tab", text.replace(";", "\t")), ("bom", "\ufeff" + text)):
        (tmp_path / f"{name}.CSV").write_text(changed.replace("\n", "\r\n"), encoding="utf-8")
        again, left = load_policy(kuhn, tmp_path / f"{name}.CSV")
        assert np.array_equal(policy, again) and left == missing
    exact = Evaluator(kuhn)(policy)
    assert missing or exact.exploitability < 1e-12
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + encode_policy(kuhn, policy, ".json"))
    assert np.array_equal(load_policy(kuhn, tmp_path / "bom.json")[0], policy)


def test_infosets_that_there_are_not_are_warned_of_by_name_and_number(kuhn, tmp_path):
    said: list[str] = []
    load_policy(kuhn, CASES / "kuhn-unknown-infoset.json", said.append)
    content = json.loads((CASES / "kuhn-unknown-infoset.json").read_text())
    known = {name for names in kuhn.infoset_names for name in names}
    strange = [name for name in content if name not in known]
    assert strange and len(said) == 1 and f"{len(strange)} infosets" in said[0] and repr(strange[0]) in said[0]
    with pytest.warns(UserWarning, match="does not have"):  # nobody listens: Python's own warnings
        load_policy(kuhn, CASES / "kuhn-unknown-infoset.json")
    (tmp_path / "p.csv").write_text(HEAD + "0,0,0,1\n1,0,0,1\n0,nowhere,0,1\n")  # the infoset "0" is player 0's
    said.clear()
    load_policy(kuhn, tmp_path / "p.csv", said.append)
    assert "2 infosets" in said[0]


def test_a_player_that_there_is_not_costs_no_memory(kuhn):
    begin = time.perf_counter()
    with pytest.raises(GameplanError, match=r"player-1111111111.csv, line 2: player = '1111111111'; .* from 0 to 1"):
        load_policy(kuhn, CASES / "player-1111111111.csv")
    assert time.perf_counter() - begin < 1.0


BAD_CSV = [
    ("", "line 1: the header is ''"),
    ("player,infoset,action\n0,0,0\n", "the header is"),
    (HEAD, "no rows"),
    (HEAD + "0,0,0\n", "line 2: 3 fields; there must be 4"),
    (HEAD + "0,0,0,0.5\n0,0,0,0.5\n", "line 3: action 0 of infoset '0' appears twice"),
    (HEAD + "-1,0,0,1\n", "line 2: player = '-1'"),
    (HEAD + "two,0,0,1\n", "line 2: player = 'two'"),
    (HEAD + "0,0,0.5,1\n", "line 2: action = '0.5'"),
    (HEAD + "0,0,٣,1\n", "line 2: action = "),
    (HEAD + "0,0,0,nan\n", "line 2: probability = 'nan'; it must be a number from 0 to 1"),
    (HEAD + "0,0,0,1e999\n", "line 2: probability"),
    (HEAD + "0,0,0,-0.25\n", "line 2: probability"),
    (HEAD.replace(",", ";") + "0;0;0;0,8\n", "probability = '0,8'; .* with a decimal point"),
    (HEAD + "0,0,7,1\n", "infoset '0': action 7 is not legal; legal are"),
    (HEAD + "0,0,0,0.5\n", "infoset '0': probabilities sum to 0.5"),
    (HEAD + '0,"0,0,1\n', "line"),
]


@pytest.mark.parametrize(("text", "told"), BAD_CSV)
def test_csv_that_is_no_policy_is_one_line(text, told, kuhn, tmp_path):
    (tmp_path / "p.csv").write_text(text, encoding="utf-8")
    with pytest.raises(GameplanError, match=told) as caught:
        load_policy(kuhn, tmp_path / "p.csv")
    assert "\n" not in str(caught.value)


BAD_JSON = [
    ("[]", "no object"),
    ("{", "line 1: not JSON"),
    ('{"0": ' * 5000 + "1" + "}" * 5000, "nested too deeply"),
    ('{"0": {"0": NaN}}', "NaN is no number"),
    ('{"0": {"0": 1}, "0": {"1": 1}}', "key '0' appears twice"),
    ('{"0": {"0": 1' + "0" * 400 + "}}", "too many digits"),
    ('{"0": {"0": ' + "9" * 9999 + "}}", "too many digits"),
    ('{"0": {"0": "1.0"}}', "probability = '1.0'"),
    ('{"0": {"0": true}}', "probability = true"),
    ('{"0": [[0.5, 1.0]]}', "action = 0.5"),
    ('{"0": [[0, 0.5], [0, 0.5]]}', "action 0 appears twice"),
    ('{"0": [[0, 1.0, 2]]}', "not a table"),
    ('{"0": 5}', "5 is not a table"),
    ('{"players": [{}, {}, {}]}', "policies of 3 players"),
    ('{"players": [5, {}]}', r"players\[0\] = 5"),
    ('{"x": {}}', "mentions no infoset"),
]


@pytest.mark.parametrize(("text", "told"), BAD_JSON)
def test_json_that_is_no_policy_is_one_line(text, told, kuhn, tmp_path):
    (tmp_path / "p.json").write_text(text)
    with pytest.raises(GameplanError, match=told) as caught:
        load_policy(kuhn, tmp_path / "p.json")
    assert "\n" not in str(caught.value)


def test_npz_is_read_in_any_compression_and_refused_when_it_is_none(kuhn, tmp_path):
    policy = uniform_policy(kuhn)
    path = tmp_path / "p.npz"
    good = [("policy.npy", npy(policy)), ("game.npy", npy(np.array(kuhn.name)))]
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        path.write_bytes(zipped(good, compression))
        assert np.array_equal(load_policy(kuhn, path)[0], policy)
    deflate64 = bytearray(zipped(good))
    for place in (8, deflate64.index(b"PK\x01\x02") + 10):
        deflate64[place : place + 2] = struct.pack("<H", 9)
    header = npy(policy)[:128]
    bad = {
        "no member": zipped(good[1:]),
        "objects": zipped([("policy.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 54) + b"{'descr':'|O','fortran_order':False,'shape':(12,),} \n".ljust(54))]),
        "a bomb": zipped([("policy.npy", bytes(100 << 20)), good[1]]),
        "a shape that needs a terabyte": zipped([("policy.npy", header.replace(b"(12,)", b"(10**11,)"[:5]).replace(b"'shape': (12,), }", b"'shape':(9**13,)}")), good[1]]),
        "a shape beyond its content": zipped([("policy.npy", header), good[1]]),
        "texts": zipped([("policy.npy", npy(np.array(["a"] * len(policy)))), good[1]]),
        "another shape": zipped([("policy.npy", npy(policy[:-1])), good[1]]),
        "nan": zipped([("policy.npy", npy(policy * np.nan)), good[1]]),
        "deflate64": bytes(deflate64),
        "twice": zipped([*good, good[0]]),
        "cut off": zipped(good)[:-30],
        "no zip": b"player,infoset",
        "empty": b"",
    }  # fmt: skip
    for what, content in bad.items():
        path.write_bytes(content)
        with pytest.raises(GameplanError) as caught:
            load_policy(kuhn, path)
        assert str(path) in str(caught.value) and "\n" not in str(caught.value), what
    said: list[str] = []
    path.write_bytes(zipped([good[0], ("game.npy", npy(np.array("another\x1b game")))]))
    load_policy(kuhn, path, said.append)
    assert "written for another\\x1b game" in said[0]
