"""Look through a folder of images: how many, in which classes, and whether masks or boxes lie beside them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from hedgerow_nodes.estimators.datasets.bounds import Bounds
from hedgerow_nodes.estimators.datasets.profile import DatasetProfile, DatasetUnreadable, Format, Target
from hedgerow_nodes.estimators.datasets.sniffing import is_image
from hedgerow_nodes.estimators.datasets.values import IMAGE_ENDINGS

SPLITS = frozenset({"train", "training", "val", "valid", "validation", "test", "testing", "dev"})
# Not "mask": "mask" and "no mask" are two classes of faces.
MASKS = frozenset({"masks", "segmentation", "segmentations", "annotations", "labels", "groundtruth", "gt"})
PICTURES = frozenset({"image", "images", "img", "imgs", "jpegimages", "pictures", "photos"})
BOX_ENDINGS = (".txt", ".xml")
HEAD_BYTES = 64
CLASSES_SHOWN = 20


def profile_images(folder: Path, bounds: Bounds) -> DatasetProfile:
    """Describe a folder of images; links are not followed.

    Raises:
        DatasetUnreadable: there are no images in it.
    """
    files, whole = _files(folder, bounds)
    images = [path for path in files if path.suffix.casefold() in IMAGE_ENDINGS]
    if not images:
        raise DatasetUnreadable(
            f"the folder {folder.name} holds no images among {len(files)} files; "
            f"give a folder of {', '.join(IMAGE_ENDINGS)}"
        )
    remarks = _checked(folder, images, bounds)
    if not whole:
        remarks.append(f"Only {len(files)} files at most {bounds.folder_depth} folders deep were looked at.")
    outlined = [path for path in images if _names_above(folder, path) & MASKS]
    annotated = {path.stem for path in files if path.suffix.casefold() in BOX_ENDINGS}
    pictures = [path for path in images if path not in set(outlined)]
    classes = Counter(name for path in pictures if (name := _class_of(folder, path)))
    target: Target | None = None
    balance: tuple[tuple[str, int], ...] = ()
    tasks: tuple[str, ...] = ("image-classification", "object-detection", "image-segmentation")
    if outlined and pictures:
        tasks = ("image-segmentation", "mask-generation")
        remarks.append(f"{len(outlined)} of the images lie in a folder of masks.")
    elif sum(path.stem in annotated for path in pictures) * 2 > len(pictures):
        tasks = ("object-detection", "keypoint-detection")
        remarks.append("Most images have an annotation file of the same name.")
    elif len(classes) > 1:
        target = Target("sub-folder", "each sub-folder is taken for a class")
        balance = tuple(sorted(classes.items(), key=lambda pair: (-pair[1], pair[0]))[:CLASSES_SHOWN])
        tasks = ("image-classification",)
        alone = len(pictures) - sum(classes.values())
        if alone:
            remarks.append(f"{alone} images lie in no sub-folder and so have no class.")
    return DatasetProfile(
        name=folder.name,
        format=Format.IMAGES,
        modality="cv",
        rows=len(pictures) if whole else None,
        rows_read=len(pictures),
        rows_about=None,
        columns=(),
        target=target,
        balance=balance,
        tasks=tasks,
        remarks=tuple(remarks),
    )


def _files(folder: Path, bounds: Bounds) -> tuple[list[Path], bool]:
    """The files of a folder, in order, and whether these are all."""
    found: list[Path] = []
    whole = True
    for entry, deeper in _walk(folder, bounds.folder_depth):
        if deeper:
            whole = False
        elif len(found) >= bounds.folder_entries:
            return found, False
        else:
            found.append(Path(entry.path))
    return found, whole


def _walk(folder: Path, depth: int) -> Iterator[tuple[os.DirEntry[str], bool]]:
    """Regular files, and (True) the folders that lie too deep."""
    with os.scandir(folder) as entries:
        ordered = sorted(entries, key=lambda entry: entry.name)
    for entry in ordered:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth > 1:
                yield from _walk(Path(entry.path), depth - 1)
            else:
                yield entry, True
        elif entry.is_file(follow_symlinks=False):
            yield entry, False


def _checked(folder: Path, images: list[Path], bounds: Bounds) -> list[str]:
    """Open some of the images, evenly spread, and say which are none.

    Raises:
        DatasetUnreadable: none of them is an image.
    """
    step = max(1, len(images) // bounds.sampled_images)
    sample = images[::step][: bounds.sampled_images]
    wrong = [path for path in sample if not _opens_as_image(path)]
    if len(wrong) == len(sample):
        raise DatasetUnreadable(
            f"no file of the {len(sample)} looked at in the folder {folder.name} is an image, whatever its name says; "
            f"the first is {wrong[0].name}"
        )
    if wrong:
        return [
            f"{len(wrong)} of {len(sample)} files looked at are no images, whatever their names say: {wrong[0].name}."
        ]
    return []


def _opens_as_image(path: Path) -> bool:
    with path.open("rb") as file:
        return is_image(file.read(HEAD_BYTES))


def _names_above(folder: Path, path: Path) -> set[str]:
    return {part.casefold() for part in path.relative_to(folder).parts[:-1]}


def _class_of(folder: Path, path: Path) -> str:
    """The first folder on the way that names neither a split nor pictures in general; empty if there is none."""
    parts = path.relative_to(folder).parts[:-1]
    return next((part for part in parts if part.casefold() not in SPLITS | PICTURES), "")
