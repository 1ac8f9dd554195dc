"""Of which kind of layers a model mostly is, by its name: what decides how near to a device's peak it comes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

ANY = "any"

# In this order: the first kind with a word in the name wins, so "mobilevit" is a hybrid and no transformer. A word
# matches where letters and digits begin; one that ends with "$" must also end there. `attention` holds token mixers
# and language models too, since all of them are mostly large matrix products.
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "hybrid": (
            "maxvit maxxvit coatnet coatnext caformer efficientformer efficientvit mobilevit edgenext fastvit tiny_vit "
            "botnet sebotnet eca_bot halonet sehalonet eca_halo lamhalo lambda bat_resnext nextvit mambaout "
            "levit visformer haloregnet fastvlm sam2 swiftformer"
        ),
        "grouped convolution": (
            "regnet resnext seresnext cspresnext legacy_seresnext gcresnext skresnext ecaresnext res2next resnest dpn "
            "gernet nf_regnet"
        ),
        "depthwise convolution": (
            "mobilenet efficientnet efficientdet tinynet mnasnet semnasnet mixnet ghostnet repghostnet fbnet lcnet "
            "rexnet rexnetr spnasnet hardcorenas convnext mobileone repvit inception_next poolformer convformer "
            "xception convmixer starnet shvit nasnet pnasnet hgnetv nanodet shufflenet blazeface focalnet dw$ "
            "centernet"
        ),
        "attention": (
            "vit deit beit eva flexivit cait xcit crossvit swin tnt twins pit$ volo hiera hieradet davit mvit coat$ "
            "samvit vitamin naflex gcvit nest$ convit sequencer aimv pvt vitpose vilt dino dinov yolos segformer dpt "
            "depth videomae timesformer clip owl sam$ glpn bert distilbert roberta albert electra deberta minilm mpnet "
            "layoutlm tapas gpt distilgpt llama tinyllama smollm qwen mistral phi$ gemma pythia opt$ bloom falcon bart "
            "distilbart mbart t5 flan pegasus marian opus m2m whisper wav hubert speecht trocr ast$ patchtst "
            "patchtsmixer decision mixer resmlp gmlp gmixer mlp transformer"
        ),
        "dense convolution": (
            "resnet seresnet ecaresnet gcresnet skresnet tresnet res2net wide nfnet nf_resnet nf_seresnet vgg "
            "repvgg dla densenet densenetblur rdnet hrnet darknet darknetaa sedarknet cspdarknet cspresnet cs3 vovnet "
            "hgnet selecsls inception senet unet yolo detr superpoint ssd retinanet rcnn encodec"
        ),
    }
)

KINDS: tuple[str, ...] = tuple(_WORDS)


def _pattern(words: str) -> re.Pattern[str]:
    ends = [re.escape(word.removesuffix("$")) + ("(?![a-z])" if word.endswith("$") else "") for word in words.split()]
    return re.compile(rf"(?<![a-z0-9])(?:{'|'.join(ends)})")


_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = tuple((kind, _pattern(words)) for kind, words in _WORDS.items())


def layer_kind(*names: str) -> str:
    """The kind of a model by its names, the most telling first (id, then family); `any` where none is known.

    What follows a dot is the training recipe in timm's names ("vit_small_patch16_224.augreg_in1k") and is left out.
    """
    for name in names:
        text = re.sub(r"\.[a-z].*$", "", name.rpartition("/")[2].casefold())
        for kind, pattern in _PATTERNS:
            if pattern.search(text):
                return kind
    return ANY
