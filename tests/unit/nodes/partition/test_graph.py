"""What a model tells of itself, and what is said of one that cannot be cut."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from onnx import TensorProto, helper
from onnx_graphs import SHAPE, WEIGHTS, chain, info, models, save, written

from hedgerow_nodes.partition import Model, ModelError, Part, ProviderUnusable, extract, interface, load
from hedgerow_nodes.partition.plan import ranges
from hedgerow_nodes.partition.runtime import runtime
from hedgerow_nodes.partition.shapes import measured
from hedgerow_nodes.partition.tensors import made_up

SHIPPED = ("digits-mlp", "blazeface-256", "efficientnet-lite0", "nanodet-g-416", "minilm-l6-v2")


def through(model: Model, cuts: list[int], folder: Path, feed: dict[str, Any] | None = None) -> dict[str, Any]:
    tensors = made_up(model.inputs) if feed is None else feed
    for first, last in ranges(cuts, len(model.layers)):
        tensors = Part(extract(model, first, last, folder), optimisation="exact").run(tensors)
    return tensors


def crossing(model: Model) -> list[str]:
    return sorted({name for names in model.live for name in names})


@pytest.mark.parametrize("name", SHIPPED)
def test_shapes_are_those_that_onnx_runtime_makes(name: str) -> None:
    model = load(WEIGHTS / f"{name}.onnx")
    names = crossing(model)
    assert measured(model.proto, model.inputs, names) == {one: model.tensors[one] for one in names}


@pytest.mark.parametrize("name", SHIPPED)
def test_bytes_are_those_of_the_arrays_that_cross(name: str, tmp_path: Path) -> None:
    model = load(WEIGHTS / f"{name}.onnx")
    boundary = len(model.layers) // 2
    crossed = Part(extract(model, 0, boundary, tmp_path)).run(made_up(model.inputs))
    assert model.cut_bytes[boundary - 1] == sum(array.nbytes for array in crossed.values())
    assert model.input_bytes == sum(array.nbytes for array in made_up(model.inputs).values())


def test_casts_of_weights_are_no_layers() -> None:
    model = load(WEIGHTS / "efficientnet-lite0.onnx")
    assert len(model.proto.graph.node) == 187
    assert len(model.layers) == 94
    assert model.digest == hashlib.sha256((WEIGHTS / "efficientnet-lite0.onnx").read_bytes()).hexdigest()


def test_weights_in_another_file_are_part_of_the_digest(tmp_path: Path) -> None:
    path = WEIGHTS / "blazeface-256.float16.onnx"
    model = load(path)
    assert model.digest != hashlib.sha256(path.read_bytes()).hexdigest()
    alone = tmp_path / path.name
    alone.write_bytes(path.read_bytes())
    with pytest.raises(ModelError, match=r"keeps weights in blazeface-256.onnx, which cannot be read beside it"):
        load(alone)


@settings(max_examples=40, deadline=None)
@given(drawn=models())
def test_layers_can_run_in_their_order_and_live_tensors_are_what_is_needed(
    drawn: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = load(save(drawn, tmp_path_factory.mktemp("m")))
    outputs = {one.name for one in model.outputs}
    for boundary in range(len(model.layers) + 1):
        made = {one.name for one in model.inputs} | {name for one in model.layers[:boundary] for name in one.outputs}
        used = {name for one in model.layers[boundary:] for name in one.inputs} | outputs
        live = set(model.live[boundary])
        assert live == made & used or (boundary == 0 and live == made)
        assert {name for one in model.layers[boundary : boundary + 1] for name in one.inputs} <= made


def test_nodes_out_of_order_are_put_in_order(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["a"], ["y"]), helper.make_node("Neg", ["x"], ["a"])]
    assert [one.op for one in load(written(tmp_path, nodes, [info("x")], [info("y")])).layers] == ["Neg", "Relu"]


def test_what_reaches_no_output_is_left_out(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Neg", ["x"], ["nowhere"])]
    assert [one.op for one in load(written(tmp_path, nodes, [info("x")], [info("y")])).layers] == ["Relu"]


def test_several_inputs_of_fixed_shape_are_cut(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Add", ["a", "x2"], ["y"])]
    model = load(written(tmp_path, nodes, [info("x"), info("x2")], [info("y")]))
    assert model.live == (("x", "x2"), ("x2", "a"), ("y",))
    feed = made_up(model.inputs)
    wanted = np.maximum(feed["x"], 0) + feed["x2"]
    assert np.array_equal(through(model, [1], tmp_path)["y"], wanted)


def test_outputs_that_are_inputs_or_constants_arrive(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("Neg", ["a"], ["y"]),
        helper.make_node("Neg", ["w"], ["c"]),
    ]
    outputs = [info("y"), info("x"), info("c", [2]), info("a")]
    model = load(written(tmp_path, nodes, [info("x")], outputs, {"w": np.array([1, 2], dtype=np.float32)}))
    found = through(model, [1], tmp_path)
    assert list(found) == ["y", "x", "c", "a"]
    assert found["c"].tolist() == [-1, -2]
    assert np.array_equal(found["x"], made_up(model.inputs)["x"])


def test_subgraphs_take_what_they_use_from_outside(tmp_path: Path) -> None:
    branches = {
        name: helper.make_graph([helper.make_node(op, ["a"], [f"{name}.out"])], name, [], [info(f"{name}.out")], [])
        for name, op in (("then_branch", "Neg"), ("else_branch", "Relu"))
    }
    nodes = [
        helper.make_node("Relu", ["x"], ["a"]),
        helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0),
        helper.make_node("Cast", ["m"], ["c"], to=TensorProto.BOOL),
        helper.make_node("If", ["c"], ["y"], **branches),
    ]
    model = load(written(tmp_path, nodes, [info("x")], [info("y")]))
    assert model.live[3] == ("a", "c")
    feed = made_up(model.inputs)
    assert np.array_equal(through(model, [1, 3], tmp_path)["y"], -np.maximum(feed["x"], 0))


def test_functions_of_the_model_go_with_its_parts(tmp_path: Path) -> None:
    inner = helper.make_function(
        "own", "Twice", ["i"], ["o"], [helper.make_node("Add", ["i", "i"], ["o"])], [helper.make_opsetid("", 17)]
    )
    nodes = [
        helper.make_node("Twice", ["x"], ["a"], domain="own"),
        helper.make_node("Twice", ["a"], ["y"], domain="own"),
    ]
    model = load(written(tmp_path, nodes, [info("x")], [info("y")], functions=(inner,), domains=("own",)))
    assert np.array_equal(through(model, [1], tmp_path)["y"], 4 * made_up(model.inputs)["x"])


def test_random_numbers_are_drawn_in_one_part(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("RandomNormal", [], ["r"], shape=SHAPE),
        helper.make_node("Add", ["x", "r"], ["a"]),
        helper.make_node("Sub", ["a", "r"], ["y"]),
    ]
    model = load(written(tmp_path, nodes, [info("x")], [info("y")]))
    assert "r" in model.live[2]
    found = through(model, [2], tmp_path)["y"]
    assert np.allclose(found, made_up(model.inputs)["x"], atol=1e-5)


def open_model(folder: Path) -> Path:
    return written(
        folder, [helper.make_node("Relu", ["x"], ["y"])], [info("x", ["batch", 3])], [info("y", ["batch", 3])]
    )


def test_open_sizes_are_named_and_can_be_given(tmp_path: Path) -> None:
    path = open_model(tmp_path)
    with pytest.raises(
        ModelError, match=r"'x' of shape \[batch, 3\] leaves 'batch' open.*shapes, as in \{\"x\": \[1, 3\]\}"
    ):
        load(path)
    model = load(path, {"x": [5, 3]})
    assert model.cut_bytes == (5 * 3 * 4,)
    assert model.key != load(path, {"x": [2, 3]}).key
    assert through(model, [], tmp_path)["y"].shape == (5, 3)


@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        ({"z": [1, 3]}, r"names 'z'; the model's inputs are x"),
        ({"x": [1, 4]}, r"gives 'x' the sizes \[1, 4\]; the model states \['batch', 3\]"),
        ({"x": [1]}, r"the model states"),
        ({"x": [0, 3]}, r"the model states"),
    ],
)
def test_given_sizes_have_to_fit(tmp_path: Path, shapes: dict[str, list[int]], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        load(open_model(tmp_path), shapes)


def test_shapes_that_depend_on_values_are_measured(tmp_path: Path) -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["a"]), helper.make_node("Cast", ["a"], ["y"], to=TensorProto.FLOAT)]
    model = load(written(tmp_path, nodes, [info("x", [2, 3])], [info("y", [2, "n"])]))
    assert model.tensors["a"].shape == (2, 6)
    assert model.tensors["a"].dtype == "int64"


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b"\x00" * 100, b"PK\x03\x04rest"])
def test_other_files_are_no_models(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="no ONNX model"):
        load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing.onnx' cannot be read"):
        load(tmp_path / "nothing.onnx")


def test_an_unknown_operator_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Frobnicate", ["a"], ["y"], name="odd")]
    with pytest.raises(ModelError, match=r"layer 'odd' is of operator 'Frobnicate', which opset 17 does not have"):
        load(written(tmp_path, nodes, [info("x")], [info("y")]))


def test_an_unknown_operator_of_another_domain_is_told_by_onnx_runtime(tmp_path: Path) -> None:
    node = helper.make_node("Odd", ["x"], ["y"], domain="strange")
    model = load(written(tmp_path, [node], [info("x")], [info("y")], domains=("strange",)))
    with pytest.raises(ModelError, match="Odd"):
        Part(extract(model, 0, -1, tmp_path))


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([("Relu", ["b"], ["a"]), ("Add", ["a", "x"], ["b"]), ("Relu", ["b"], ["y"])], "a cycle at node"),
        ([("Relu", ["gone"], ["y"])], "takes 'gone', which nothing in the model gives"),
        ([("Relu", ["w"], ["y"])], "no layer of the model depends on its input"),
        ([("SequenceConstruct", ["x"], ["s"]), ("SequenceAt", ["s", "i"], ["y"])], "'s'.*only .*can be sent"),
    ],
)
def test_graphs_that_cannot_be_cut_are_told(tmp_path: Path, nodes: list[Any], words: str) -> None:
    made = [helper.make_node(op, inputs, outputs) for op, inputs, outputs in nodes]
    weights = {"w": np.zeros(SHAPE, dtype=np.float32), "i": np.array(0, dtype=np.int64)}
    with pytest.raises(ModelError, match=words):
        load(written(tmp_path, made, [info("x")], [info("y")], weights))


def test_types_that_numpy_lacks_are_refused(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["a"], to=TensorProto.BFLOAT16),
        helper.make_node("Cast", ["a"], ["y"], to=TensorProto.FLOAT),
    ]
    with pytest.raises(ModelError, match="'a' is of type bfloat16; known: float32"):
        load(written(tmp_path, nodes, [info("x")], [info("y")]))


@pytest.mark.parametrize(("first", "last"), [(0, 0), (2, 2), (3, 2), (-1, 2), (0, 5), (4, -1)])
def test_ranges_without_layers_are_refused(tmp_path: Path, first: int, last: int) -> None:
    model = load(chain(tmp_path))
    with pytest.raises(ModelError, match="no part of a model of 4 layers; a part is half-open"):
        extract(model, first, last, tmp_path)
    with pytest.raises(ModelError):
        interface(model, first, last)


def test_parts_are_written_once(tmp_path: Path) -> None:
    model = load(chain(tmp_path))
    path = extract(model, 1, -1, tmp_path)
    written_at = path.stat().st_mtime_ns
    assert extract(model, 1, 4, tmp_path) == path
    assert path.stat().st_mtime_ns == written_at
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file")
    with pytest.raises(ModelError, match="cannot be written"):
        extract(load(chain(tmp_path)), 0, -1, blocked)


def test_a_part_that_is_too_large_for_one_file_keeps_its_weights_beside_it(tmp_path: Path) -> None:
    from hedgerow_nodes.partition.extract import _write, build

    model = load(WEIGHTS / "digits-mlp.onnx")
    passing = tmp_path / "passing"
    passing.mkdir()
    target = tmp_path / "part.onnx"
    _write(build(model, 0, 3), passing, target, most_bytes=1000)
    assert target.with_name("part.onnx.weights").is_file()
    found = Part(target).run(made_up(model.inputs))
    wanted = Part(extract(model, 0, -1, tmp_path)).run(made_up(model.inputs))
    assert np.array_equal(found["logits"], wanted["logits"])


def test_a_part_says_what_it_lacks(tmp_path: Path) -> None:
    part = Part(extract(load(chain(tmp_path)), 1, 3, tmp_path))
    part.warm()
    with pytest.raises(ModelError, match=r"layers \[1, 3\) lack t1; given: x"):
        part.run({"x": np.zeros(SHAPE, np.float32)})
    with pytest.raises(ModelError, match=r"'t1' is float32 \[2\]; layers \[1, 3\) take float32 \[1, 4, 6, 6\]"):
        part.run({"t1": np.zeros(2, np.float32)})
    with pytest.raises(ModelError, match="is float64"):
        part.run({"t1": np.zeros(SHAPE)})


def test_providers_have_to_be_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime(), "get_available_providers", lambda: ["CPUExecutionProvider"])
    path = extract(load(chain(tmp_path)), 0, -1, tmp_path)
    with pytest.raises(ModelError, match=r"'CUDAExecutionProvider' is not on this machine; there are: .*CPUExecution"):
        Part(path, providers=["CUDAExecutionProvider"])
    with pytest.raises(ModelError, match="no execution provider"):
        Part(path, providers=[])


class OnTheProcessor:
    """As ONNX Runtime answers where a GPU, its driver or a library of CUDA is missing: it says so in its log alone."""

    def __init__(self, *given: object, providers: list[str], enable_fallback: int, **options: object) -> None:
        self.given = given

    def get_providers(self) -> list[str]:
        return ["CPUExecutionProvider"]


def test_a_provider_that_cannot_be_used_is_told_and_not_replaced_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(runtime(), "get_available_providers", lambda: providers)
    monkeypatch.setattr(runtime(), "InferenceSession", OnTheProcessor)
    path = extract(load(chain(tmp_path)), 0, -1, tmp_path)
    with pytest.raises(ProviderUnusable, match=r"'CUDAExecutionProvider' cannot be used on this machine: .* with CPU"):
        Part(path, providers=providers)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("is_broken", [True, False])
def test_a_provider_that_fails_is_told_from_a_model_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_broken: bool
) -> None:
    library = runtime()
    opened = library.InferenceSession

    def without_device(content: object, *, providers: list[str], **options: Any) -> Any:
        if providers[0] != "CPUExecutionProvider":
            raise RuntimeError(
                "cuda_call.cc:154 CudaCall() CUDA failure 100: no CUDA-capable device is detected ; line=355"
            )
        return opened(content, providers=providers, **options)

    providers = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(library, "get_available_providers", lambda: providers)
    monkeypatch.setattr(library, "InferenceSession", without_device)
    path = extract(load(chain(tmp_path)), 0, -1, tmp_path)
    if is_broken:
        path.write_bytes(b"no model")
    with pytest.raises(ModelError, match=r"onnx: CUDA failure 100: no CUDA-capable device is detected(;|$)") as told:
        Part(path, providers=providers)
    assert isinstance(told.value, ProviderUnusable) != is_broken


def test_only_parts_are_run(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="is no part of a model"):
        Part(chain(tmp_path))
    with pytest.raises(ModelError, match="extract it first"):
        Part(tmp_path / "none.onnx")
    assert onnx.load(extract(load(chain(tmp_path)), 0, -1, tmp_path)).producer_name == "hedgerow"
