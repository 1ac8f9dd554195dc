"""When a model that finds faces only may be chosen: the rule about words, and the choice that follows from it."""

from __future__ import annotations

import pytest

from hedgerow_idl import AppRequirements, Calibration, HWConstraints, MLModelMetadata, TaskScore, UserInput
from hedgerow_nodes.estimators.models.choice import Choice, choose
from hedgerow_nodes.estimators.models.special_forms import special_form
from hedgerow_nodes.estimators.models.whole_catalogue import load
from hedgerow_nodes.estimators.models.wish import gather

DETECTION = "object-detection"
HOST = Calibration(id="abc", host="hedge", threads=1, compute_flops_per_s=1e11, bandwidth_bytes_per_s=2e10)


@pytest.mark.parametrize(
    "text",
    [
        "Find all faces in photos of the crowd",
        "Blur every face before a picture is stored",
        "face detection on a phone",
        "Is there a human face in the frame?",
        "facial recognition at the gate needs boxes first",
        "Surfaces and interfaces are left out; faces are wanted",
    ],
)
def test_faces_as_things_are_asked_for(text: str) -> None:
    assert special_form(DETECTION, text) == "faces"


@pytest.mark.parametrize(
    "text",
    [
        "Count bicycles in photos of a street",
        "We face many problems with pallets in the hall",
        "Boxes which face the wall are to be found",
        "The shop faces a shortage; count the bottles on its shelves",
        "Find scratches on surfaces and typefaces",
        "Do the workers wear face masks? Find the masks",
        "",
    ],
)
def test_other_words_ask_for_no_faces(text: str) -> None:
    assert special_form(DETECTION, text) == ""


def test_in_another_task_a_face_is_what_a_picture_shows() -> None:
    assert special_form("image-classification", "Is the face happy or sad?") == ""


def chosen(text: str, **fields: object) -> Choice:
    user = UserInput(text=text, **fields)
    metadata = MLModelMetadata(tasks=[TaskScore(id=DETECTION, score=0.9)])
    wish = gather(user, metadata, AppRequirements(), HWConstraints(), load())
    return choose(load(), wish, HOST)


def name(choice: Choice) -> str:
    assert choice.chosen is not None
    return choice.chosen.model.id


def test_faces_are_found_by_the_detector_of_faces() -> None:
    choice = chosen("Find the faces in a photo")
    assert name(choice) == "blazeface-256"
    others = [one for one in choice.candidates if one is not choice.chosen and not one.breaches]
    assert others
    assert all("whether it finds these is not known" in " ".join(one.remarks) for one in others)


def test_without_faces_in_the_words_it_is_out_with_the_reason() -> None:
    choice = chosen("Count the bicycles in a photo")
    assert name(choice) == "nanodet-g-416"
    out = next(one for one in choice.candidates if one.model.id == "blazeface-256")
    assert out.rejected == "it finds faces only, and the problem's words do not ask for these"


def test_an_output_asks_for_faces_as_well() -> None:
    assert name(chosen("Boxes for our photos", outputs=["faces"])) == "blazeface-256"


def test_an_excluded_detector_of_faces_leaves_the_others() -> None:
    choice = chosen("Find the faces in a photo", excluded_models=["blazeface-256"])
    assert name(choice) == "nanodet-g-416"
    assert choice.chosen is not None
    assert "the words ask for faces" in " ".join(choice.chosen.remarks)
