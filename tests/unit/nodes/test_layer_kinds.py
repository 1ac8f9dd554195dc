"""The kind of layers that a model's name tells."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hedgerow_nodes.estimators.devices.layer_kinds import ANY, KINDS, layer_kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("resnet50.a1_in1k", "dense convolution"),
        ("resnet50t", "dense convolution"),
        ("cs3darknet_x", "dense convolution"),
        ("hgnet_small", "dense convolution"),
        ("tf_efficientnet_b0", "depthwise convolution"),
        ("convnextv2_tiny", "depthwise convolution"),
        ("ese_vovnet19b_dw", "depthwise convolution"),
        ("regnety_032", "grouped convolution"),
        ("resnext50_32x4d", "grouped convolution"),
        ("vit_small_patch16_224.augreg_in1k", "attention"),
        ("coat_lite_mini", "attention"),
        ("google-t5/t5-small", "attention"),
        ("mobilevit_xxs", "hybrid"),
        ("maxvit_tiny_tf_224", "hybrid"),
        ("nobody/heard-of-it", ANY),
        ("", ANY),
    ],
)
def test_names(name: str, kind: str) -> None:
    assert layer_kind(name) == kind


def test_the_family_helps_where_the_id_tells_nothing() -> None:
    assert layer_kind("org/model-7", "BERT") == "attention"


@given(st.text(max_size=60))
def test_any_text_has_a_kind(name: str) -> None:
    assert layer_kind(name) in {*KINDS, ANY}
