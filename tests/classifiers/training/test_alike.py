"""Models come out alike wherever they are made: the loops that are taken, and a network without sums of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, load_from_string

from classifiers.training.alike import LOOPS, written_out


def test_models_are_made_with_the_same_loops_whatever_the_processor_offers(tmp_path: Path) -> None:
    asked = {**os.environ, "OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": ""}
    command = [sys.executable, "-m", "classifiers.training", "make", str(tmp_path), "--into", str(tmp_path)]
    made = subprocess.run(command, env=asked, capture_output=True, text=True, timeout=120)
    assert made.stdout.splitlines()[:1] == ["loops: OpenBLAS Haswell; numpy X86_V3"]
    assert "not a set of labelled rows" in made.stderr


def test_every_loop_that_newer_processors_offer_is_left() -> None:
    built: Any = np.show_config(mode="dicts")
    offered = {loop for kind in ("found", "not found") for loop in built["SIMD Extensions"].get(kind, [])}
    assert set(LOOPS["NPY_DISABLE_CPU_FEATURES"].split()) == offered - {"X86_V3"}


def network(axis: dict[str, Any]) -> bytes:
    """Two softmaxes in a row."""
    nodes = [
        helper.make_node("Softmax", ["given"], ["between"], **axis),
        helper.make_node("Softmax", ["between"], ["found"], **axis),
    ]
    given, found = (helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 3, 37)) for name in ("given", "found"))
    graph = helper.make_graph(nodes, "softmaxes", [given], [found])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def run(network: bytes, given: Any) -> Any:
    """What a network makes of it."""
    return onnxruntime.InferenceSession(network, providers=["CPUExecutionProvider"]).run(None, {"given": given})[0]


@pytest.mark.parametrize("axis", [{}, {"axis": -1}, {"axis": 1}])
def test_a_softmax_in_steps_gives_the_same(axis: dict[str, Any]) -> None:
    given = np.random.default_rng(1).normal(0, 30, (2, 3, 37)).astype(np.float32)
    before = network(axis)
    after = written_out(before)
    assert "Softmax" not in {node.op_type for node in load_from_string(after).graph.node}
    np.testing.assert_allclose(run(after, given), run(before, given), rtol=1e-5, atol=1e-7)
