"""Handlers that the tests of the host run."""

import json
import os
import signal

from hedgerow_nodes.serve import Context, Image, Record, Value, handler, parameters, sink, source


@parameters
class CountParameters:
    items: int = -1
    pause_s: float = 0.0
    fail_at: int = -1


@source("count", outputs={"record": Record}, parameters=CountParameters)
class Count:
    """Numbers, as many as wanted; below 0 without an end."""

    def __init__(self, parameters: CountParameters, context: Context) -> None:
        self.parameters, self.context = parameters, context

    def items(self):
        while self.parameters.items < 0 or self.context.sequence < self.parameters.items:
            if self.parameters.pause_s and not self.context.sleep(self.parameters.pause_s):
                return
            if self.context.sequence == self.parameters.fail_at:
                raise OSError("camera unplugged")
            yield Record({"n": self.context.sequence, "pid": os.getpid()})


@source("pictures", outputs={"image": Image}, parameters=CountParameters)
class Pictures:
    """Pictures of 640 x 480, filled with their number."""

    def __init__(self, parameters, context):
        self.parameters, self.context = parameters, context

    def items(self):
        import numpy as np

        for number in range(self.parameters.items):
            yield Image(np.full((480, 640, 3), number % 251, np.uint8))


@sink("brightness", inputs={"image": Image})
class Brightness:
    def __init__(self, parameters, context):
        self.context = context

    def process(self, image):
        corner, other = int(image.array[0, 0, 0]), int(image.array[-1, -1, -1])
        self.context.log.info(json.dumps({"seq": self.context.sequence, "corner": corner, "other": other}))


@parameters
class StepParameters:
    add: int = 1
    drop_every: int = 0
    fail_every: int = 0
    pause_s: float = 0.0
    die_at: int = -1
    freeze_at: int = -1


@handler("step", inputs={"record": Record}, outputs={"record": Record}, parameters=StepParameters)
class Step:
    """Adds a number; may leave out, fail at, or die at some."""

    def __init__(self, parameters, context):
        self.parameters, self.context = parameters, context

    def process(self, record):
        given, n = self.parameters, record.fields["n"]
        if given.pause_s:
            self.context.sleep(given.pause_s)
        if n == given.die_at:
            mark = self.context.folder / "died"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        if n == given.freeze_at:
            os.kill(os.getpid(), signal.SIGSTOP)
        if given.drop_every and n % given.drop_every == 0:
            return None
        if given.fail_every and n % given.fail_every == 0:
            raise ValueError(f"{n} is not to my taste")
        return Record({"n": n + given.add, "by": self.context.name, "epoch": self.context.epoch})


@handler("pair", inputs={"left": Record, "right": Record}, outputs={"record": Record})
class Pair:
    def __init__(self, parameters, context):
        pass

    def process(self, left, right):
        return Record({"left": left.fields["n"], "right": right.fields["n"]})


@sink("tell", inputs={"value": Value})
class Tell:
    """Says what it gets, over its log."""

    def __init__(self, parameters, context):
        self.context = context

    def process(self, record):
        self.context.log.info(
            json.dumps({"seq": self.context.sequence, "epoch": self.context.epoch, **record.fields}, default=str)
        )


@handler("broken", inputs={"record": Record}, outputs={"record": Record})
class Broken:
    def __init__(self, parameters, context):
        raise FileNotFoundError("no model at /nowhere.onnx")

    def process(self, record):
        return record


@handler("ask", inputs={"record": Record}, outputs={"question": Record, "record": Record})
class Ask:
    """Calls another handler and passes on what it replied; casts an echo later."""

    def __init__(self, parameters, context):
        self.context = context

    def process(self, record):
        replied = self.context.call("question", record, timeout_s=5.0)
        self.context.cast("record", Record({"late": record.fields["n"]}), delay_s=0.05)
        return {"record": Record({"n": record.fields["n"], "replied": replied.fields["n"]})}


@handler("network", inputs={"record": Record}, outputs={"record": Record})
class Network:
    """A network of one addition, run by ONNX Runtime in the forked process, and a picture that OpenCV makes smaller."""

    def __init__(self, parameters, context):
        import onnx
        import onnxruntime

        helper = onnx.helper
        sides = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [4]) for name in ("x", "y")]
        graph = helper.make_graph([helper.make_node("Add", ["x", "x"], ["y"])], "double", sides[:1], sides[1:])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), options)

    def process(self, record):
        import cv2
        import numpy as np

        doubled = self.session.run(None, {"x": np.full(4, record.fields["n"], np.float32)})[0]
        small = cv2.resize(np.full((480, 640, 3), 7, np.uint8), (32, 24))
        return Record({"n": float(doubled[0]), "mean": float(small.mean())})
