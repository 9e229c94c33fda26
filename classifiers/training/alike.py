"""The same bytes from every processor: what training computes must not depend on where it runs.

Libraries choose their loops by what the processor offers, and numbers added up in another order differ in the last
digit, of which fitting makes more. So models are made with the loops of x86-64-v3 (AVX2), which newer processors have,
too, and a network without what the runtime adds up in an order of its own.
"""

from __future__ import annotations

import os
import platform
import sys
from typing import Any, Final

import numpy as np
import onnx
from onnx import helper, numpy_helper
from threadpoolctl import threadpool_info

LOOPS: Final = {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR"}
"""What OpenBLAS and numpy read when they are loaded: which loops to take, and which to leave."""


def anew() -> None:
    """Starts this program again with `LOOPS`, unless it runs with them. Elsewhere than on x86-64 it goes on as it is:
    what is made there is alike only to what is made on its like.
    """
    if platform.machine() in ("x86_64", "AMD64") and not LOOPS.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], os.environ | LOOPS)  # noqa: S606


def loops() -> str:
    """The loops that are taken, to be shown."""
    blas = sorted({str(library["architecture"]) for library in threadpool_info() if library["user_api"] == "blas"})
    built: Any = np.show_config(mode="dicts")
    return f"OpenBLAS {', '.join(blas)}; numpy {', '.join(built['SIMD Extensions'].get('found', []))}"


def written_out(network: bytes) -> bytes:
    """An ONNX network with its softmax in single steps, which gives the same up to rounding: the runtime adds up the
    one in the order of the processor's registers, the others element by element or always alike.
    """
    model = onnx.load_from_string(network)
    steps = []
    for node in model.graph.node:
        if node.op_type != "Softmax":
            steps.append(node)
            continue
        axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)
        [given], [wanted] = node.input, node.output
        most, less, power, total, axes = [f"{wanted}/{part}" for part in ("most", "less", "power", "total", "axes")]
        model.graph.initializer.append(numpy_helper.from_array(np.array([axis], np.int64), axes))
        steps += [
            helper.make_node("ReduceMax", [given], [most], axes=[axis]),
            helper.make_node("Sub", [given, most], [less]),
            helper.make_node("Exp", [less], [power]),
            helper.make_node("ReduceSum", [power, axes], [total]),
            helper.make_node("Div", [power, total], [wanted]),
        ]
    del model.graph.node[:]
    model.graph.node.extend(steps)
    return bytes(model.SerializeToString())
