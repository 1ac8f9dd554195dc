"""Build estimators/data/text_models.json: sizes of transformers that write text, counted on torch's meta device."""

from __future__ import annotations

import inspect
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import torch
import transformers
from transformers.pytorch_utils import Conv1D

from hedgerow_nodes.estimators.models import text_costs
from hedgerow_nodes.estimators.models.text_costs import TextModel, TextModels

HERE = Path(__file__).resolve().parent
TARGET = HERE.parent / "nodes/hedgerow_nodes/estimators" / text_costs.FILE

# A configuration is refused where its size differs by more from what its name or its document states.
TOLERANCE = 0.06


class Refused(Exception):
    """A model that is not entered; the message says why."""


def main() -> int:
    """Build every model, write what agrees with its stated size and say what does not."""
    listed = tomllib.loads((HERE / "text_models.toml").read_text(encoding="utf-8"))
    published = tomllib.loads((HERE / "published_models.toml").read_text(encoding="utf-8"))
    models: dict[str, TextModel] = {}
    for facts in (*from_published(published), *from_families(listed), *from_defaults(listed)):
        if facts["id"] in models:
            continue
        try:
            models[facts["id"]] = counted(**facts)
        except (Refused, AttributeError, ImportError, TypeError, ValueError, RuntimeError) as error:
            print(f"{facts['id']}: left out, {type(error).__name__}: {error}".split("\n")[0], file=sys.stderr)
    software = {"torch": torch.__version__.partition("+")[0], "transformers": transformers.__version__}
    found = TextModels(format=1, software=software, models=tuple(models[name] for name in sorted(models)))
    TARGET.write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1) + b"\n")
    print(f"{len(models)} text models, {TARGET.stat().st_size} bytes: {TARGET.name}")
    return 0


def from_published(published: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The generating models of the catalogue that are about text alone."""
    for facts in published["model"]:
        if "generate" in facts and set(facts["tasks"]) <= {"text-generation", "summarization", "translation"}:
            keys = ("id", "family", "tasks", "configuration", "model", "values")
            yield {**{key: facts[key] for key in keys}, "source": facts["published"], "stated": None}


def from_families(listed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The families of tools/text_models.toml."""
    for family in listed["family"]:
        for model in family["models"]:
            keys = ("family", "tasks", "configuration", "model")
            yield {**{key: family[key] for key in keys}, "source": family["published"], **model}


def from_defaults(listed: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Classes whose default values are those of a checkpoint that their own source names."""
    for group in listed["defaults"]:
        for name in group["classes"]:
            configuration = getattr(transformers, name).config_class
            text = inspect.getsource(configuration)
            file = Path(inspect.getfile(configuration))
            whole = file.read_text(encoding="utf-8")
            named = re.search(
                r'checkpoint="([^"]+)"', whole.partition(f"class {configuration.__name__}")[0][-2000:] + text
            )
            if named is None:
                continue
            yield {
                "id": named[1],
                "family": configuration.__name__.removesuffix("Config"),
                "tasks": group["tasks"],
                "configuration": configuration.__name__,
                "model": name,
                "values": {},
                "source": f"default values of {configuration.__name__}, transformers {transformers.__version__}, "
                f"{file.parent.name}/{file.name}, which names {named[1]} as their checkpoint",
                "stated": listed["sizes"].get(named[1], {}).get("stated") or stated_in(named[1]),
                "must_agree": True,
            }


def stated_in(name: str) -> float | None:
    """The size that a name states, such as 7b or 418M; None where it states none."""
    found = re.search(r"(?<![\d.\w])(\d+(?:\.\d+)?)\s*([bBmM])(?![\w])", name.replace("-", " ").replace("_", " "))
    return float(found[1]) * (1e9 if found[2] in "bB" else 1e6) if found else None


def counted(
    *,
    id: str,
    family: str,
    tasks: list[str],
    configuration: str,
    model: str,
    values: dict[str, Any],
    source: str,
    stated: float | None,
    must_agree: bool = False,
) -> TextModel:
    """Build it without weights and count its matrices.

    Raises:
        Refused: the size is not the stated one, or a part is not known here.
    """
    made = getattr(transformers, configuration)(**values)
    with torch.device("meta"):
        network = getattr(transformers, model)(made)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    if stated is None and must_agree:
        raise Refused("no size is stated, so it cannot be told whether the values are the checkpoint's")
    if stated is not None and abs(parameters / stated - 1) > TOLERANCE:
        raise Refused(f"counts {parameters / 1e9:.3g} billion parameters, {stated / 1e9:.3g} are stated")
    output = network.get_output_embeddings().weight.numel()
    inner = matrices(network)
    decoder = {name: size for name, size in inner.items() if ".encoder." not in f".{name}."}
    body = sum(size for name, size in decoder.items() if not is_output(name))
    cross = sum(size for name, size in decoder.items() if re.search(CROSS, name))
    encoder = sum(size for name, size in inner.items() if name not in decoder)
    encoded = bool(made.is_encoder_decoder)
    if encoded and not cross:
        raise Refused("the decoder's attention to the encoder was not found")
    heads, kv_heads, width = attention(made, encoded)
    return TextModel(
        id=id,
        family=family,
        tasks=tuple(tasks),
        layers=first(made, "decoder_layers", "num_decoder_layers", "num_hidden_layers", "n_layer", "num_layers"),
        encoder_layers=first(made, "encoder_layers", "num_encoder_layers", "num_layers") if encoded else 0,
        hidden=first(made, "d_model", "hidden_size", "n_embd"),
        heads=heads,
        kv_heads=kv_heads,
        head_width=width,
        vocabulary=made.vocab_size if isinstance(made.vocab_size, int) else made.tgt_vocab_size,
        parameters=parameters,
        decoder_matrices=body - cross + output,
        prompt_matrices=encoder + cross if encoded else body,
        output_matrix=output,
        source=source,
        checked=f"size agrees within {TOLERANCE:.0%} with {stated / 1e6:.0f} million stated" if stated else "",
    )


# The projections of the encoder's output to keys and values, which are made once for all generated tokens.
CROSS = r"(encoder_attn|EncDecAttention|cross_attn)\.(k|v|k_proj|v_proj|key_proj|value_proj)$"


HEADS = (
    "decoder_attention_heads",
    "num_decoder_attention_heads",
    "num_attention_heads",
    "n_head",
    "num_heads",
    "n_heads",
)


def matrices(network: Any) -> dict[str, int]:
    """The numbers of each matrix that tokens are multiplied with, by the name of its layer."""
    kinds = (torch.nn.Linear, Conv1D)
    return {name: module.weight.numel() for name, module in network.named_modules() if isinstance(module, kinds)}


def is_output(name: str) -> bool:
    """Whether a layer is the output layer, under the names that transformers has for it."""
    return name.rpartition(".")[2] in ("lm_head", "embed_out", "output_projection")


def attention(made: Any, encoded: bool) -> tuple[int, int, int]:
    """Heads, heads of keys and values, and the width of one."""
    heads = first(made, *HEADS)
    hidden = first(made, "d_model", "hidden_size", "n_embd")
    width = getattr(made, "d_kv", None) or getattr(made, "head_dim", None) or hidden // heads
    grouped = getattr(made, "num_key_value_heads", None)
    if getattr(made, "multi_query", False) and not getattr(made, "new_decoder_architecture", False):
        grouped = 1
    return heads, heads if encoded or grouped is None else grouped, width


def first(made: Any, *names: str) -> int:
    """The first of these values that the configuration has.

    Raises:
        Refused: it has none of them.
    """
    for name in names:
        value = getattr(made, name, None)
        if isinstance(value, int):
            return value
    raise Refused(f"the configuration has none of {', '.join(names)}")


if __name__ == "__main__":
    raise SystemExit(main())
