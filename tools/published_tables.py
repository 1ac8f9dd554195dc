"""The explicit tables by which published metadata is read: task words, metrics and kinds of networks."""

from __future__ import annotations

import re

# What a package calls a task -> (id in data/tasks.json, special form). An empty form is the plain task; a form is said
# where the taxonomy has no task of its own, and such models are never mixed with plain ones unasked.
TASKS: dict[str, tuple[str, str]] = {
    "Image Classification": ("image-classification", ""),
    "Classification": ("image-classification", ""),
    "Multi-Label Classification": ("image-classification", "multi-label"),
    "Self-Supervised Image Classification": ("image-feature-extraction", ""),
    "Image Retrieval": ("image-feature-extraction", "retrieval of like images"),
    "Image-To-Text Retrieval": ("image-feature-extraction", "retrieval between image and text"),
    "Text-To-Image Retrieval": ("image-feature-extraction", "retrieval between image and text"),
    "Image Caption": ("image-to-text", "caption"),
    "Visual Question Answering": ("visual-question-answering", ""),
    "NLVR": ("visual-question-answering", "two images"),
    "Visual Grounding": ("zero-shot-object-detection", "visual grounding"),
    "Object Detection": ("object-detection", ""),
    "Semi-Supervised Object Detection": ("object-detection", ""),
    "Instance Segmentation": ("image-segmentation", "instances"),
    "Panoptic Segmentation": ("image-segmentation", "panoptic"),
    "Semantic Segmentation": ("image-segmentation", ""),
    "Region Proposal": ("object-detection", "region proposals"),
    "Oriented Object Detection": ("object-detection", "oriented boxes"),
    "Text Detection": ("object-detection", "text"),
    "3D Object Detection": ("object-detection", "in three dimensions"),
    "3D Semantic Segmentation": ("image-segmentation", "point clouds"),
    "Video Object Detection": ("object-detection", "video"),
    "Multiple Object Tracking": ("object-detection", "tracking of several objects"),
    "Multi-object Tracking": ("object-detection", "tracking of several objects"),
    "Single Object Tracking": ("object-detection", "tracking of one object"),
    "Video Instance Segmentation": ("image-segmentation", "instances in video"),
    "Depth Estimation": ("depth-estimation", ""),
    "Optical flow estimation": ("other", "optical flow"),
    "Text Recognition": ("image-to-text", "cropped words"),
    "Key Information Extraction": ("document-question-answering", "key information"),
    "Human Pose Estimation": ("keypoint-detection", ""),
    "Body 2D Keypoint": ("keypoint-detection", ""),
    "Wholebody 2D Keypoint": ("keypoint-detection", "whole body"),
    "Face 2D Keypoint": ("keypoint-detection", "face"),
    "Hand 2D Keypoint": ("keypoint-detection", "hand"),
    "Animal 2D Keypoint": ("keypoint-detection", "animal"),
    "Fashion 2D Keypoint": ("keypoint-detection", "clothes"),
    "Body 3D Keypoint": ("keypoint-detection", "in three dimensions"),
    "Hand 3D Keypoint": ("keypoint-detection", "hand in three dimensions"),
    "Action Recognition": ("video-classification", ""),
    "Skeleton-based Action Recognition": ("video-classification", "from skeletons"),
    "Action Detection": ("video-classification", "places and times of actions"),
    "Temporal Action Localization": ("video-classification", "times of actions"),
    "Video Retrieval": ("text-retrieval", "videos"),
    "Video Grounding": ("video-text-to-text", "grounding"),
    "Video Question-Answering": ("video-text-to-text", ""),
    "Multiple-Choice Question-Answering": ("video-text-to-text", "multiple choice"),
    "Image Super-Resolution": ("image-to-image", "super-resolution"),
    "Denoising": ("image-to-image", "denoising"),
    "Image denoising": ("image-to-image", "denoising"),
    "JPEG compression artifact reduction": ("image-to-image", "removing JPEG artefacts"),
    "Inpainting": ("image-to-image", "inpainting"),
    "Deblurring": ("image-to-image", "deblurring"),
    "Deraining": ("image-to-image", "removing rain"),
    "Image Restoration": ("image-to-image", "restoration"),
    "Colorization": ("image-to-image", "colouring"),
    "Image2Image": ("image-to-image", "translation between domains"),
    "Matting": ("image-segmentation", "matting"),
    "DragGAN": ("image-to-image", "dragging of points"),
    "Video Super-Resolution": ("video-to-video", "super-resolution"),
    "Video Interpolation": ("video-to-video", "interpolation"),
    "controlnet_animation": ("video-to-video", "guided style"),
    "Unconditional GANs": ("unconditional-image-generation", ""),
    "Internal Learning": ("unconditional-image-generation", "from one image"),
    "Conditional GANs": ("unconditional-image-generation", "by class"),
    "Image Generation": ("unconditional-image-generation", "diffusion"),
    "3D-aware Generation": ("unconditional-image-generation", "aware of three dimensions"),
    "Text2Image": ("text-to-image", ""),
    "Diffusers Pipeline": ("text-to-image", ""),
    "Text2Video": ("text-to-video", ""),
}

# A published metric -> (name it is compared under, factor that makes it a fraction, or 1 where it is kept as it is).
METRICS: dict[str, tuple[str, float]] = {
    "Top 1 Accuracy": ("top-1 accuracy", 0.01),
    "acc@1": ("top-1 accuracy", 0.01),
    "Top 5 Accuracy": ("top-5 accuracy", 0.01),
    "acc@5": ("top-5 accuracy", 0.01),
    "mean Top 1 Accuracy": ("mean class accuracy", 0.01),
    "Top 1 Accuracy (efficient)": ("top-1 accuracy (efficient testing)", 0.01),
    "Top 5 Accuracy (efficient)": ("top-5 accuracy (efficient testing)", 0.01),
    "box AP": ("box AP", 0.01),
    "Box AP": ("box AP", 0.01),
    "box_map": ("box AP", 0.01),
    "mask AP": ("mask AP", 0.01),
    "Mask AP": ("mask AP", 0.01),
    "mask_map": ("mask AP", 0.01),
    "box AP@0.5": ("box AP@0.5", 0.01),
    "kp_map": ("keypoint AP", 0.01),
    "PQ": ("PQ", 0.01),
    "mIoU": ("mIoU", 0.01),
    "mIOU": ("mIoU", 0.01),
    "miou": ("mIoU", 0.01),
    "mIoU(ms+flip)": ("mIoU (several scales, flipped)", 0.01),
    "pixel_acc": ("pixel accuracy", 0.01),
    "epe": ("EPE", 1.0),
}

# Columns of a results table that say how a model was trained or run, not how good it is.
NOT_QUALITY = frozenset(
    {
        "$\\\\sigma$",
        "$\\sigma$",
        "Iter",
        "Total Iters",
        "Total Iters\\*",
        "Total Iters\\\\*",
        "disc_step",
        "dist_step",
        "n_disc",
        "Num Scales",
        "Scales",
        "Steps",
        "CGS",
        "GPU Info",
        "Size / Num images per prompt",
    }
)

# Words in a metric's name for which less is better; for a name in neither table no order is known.
_LESS = ("epe", "fl-all", "fl_all", "fid", "niqe", "brisque", "nme", "mpjpe", "mrrpe", "rmse", "mae$", "mse", "sad",
         "grad", "conn", "l1 error", "mdr", "mnr", "wer", "perplexity", "eq-r", "pi (y)")  # fmt: skip
_MORE = ("acc", "ap", "ar", "iou", "miou", "map", "maph", "f-map", "idf1", "dice", "mdice",
         "psnr", "ssim", "recall", "precision", "pq", "auc", "pck", "f1", "mota",
         "hota", "mean", "nds", "success", "is", "bleu", "cider", "hmean", "score", "eao", "ao", "sr0", "nrqm",
         "head", "knee", "hip", "wri", "elb", "sho", "ank", "total", "cf1", "of1", "robustness", "eq-t")  # fmt: skip

DATASETS: dict[str, str] = {
    "ImageNet-1K": "ImageNet-1k",
    "ImageNet1k": "ImageNet-1k",
    "ImageNet": "ImageNet-1k",
    "COCO-val2017": "COCO",
    "COCO val2017": "COCO",
    "COCO2017": "COCO",
    "CIFAR10": "CIFAR-10",
    "CIFAR100": "CIFAR-100",
    "Composition-1K": "Composition-1k",
    "VIMEO90K": "Vimeo-90K",
}

# Words that begin a part of the name or family -> kind of network; the first row that fits. $ ends a whole part.
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "transformer",
        ("vit", "deit", "swin", "beit", "eva", "xcit", "t2t", "tnt$", "twins", "segformer", "setr", "segmenter",
         "mask2", "maskformer", "dino", "detr", "mvit", "uniformer", "timesformer", "transformer", "pvt", "mobilevit",
         "levit",
         "hrformer", "poolformer", "davit", "cait", "maxvit", "clip", "blip", "mae$", "simmim", "maskfeat", "mixmim",
         "restormer", "tokenpose", "edpose", "glip", "grounding", "videomae", "flava", "ofa$", "llava", "otter",
         "minigpt", "flamingo", "san$", "vpd", "ast$", "satrn", "abinet", "parseq", "dab", "dpt",
         "conformer", "revvt", "bert", "tinyvit", "nrtr", "robustscanner"),
    ),
    (
        "depthwise cnn",
        ("mobilenet", "mobileone", "efficientnet", "shufflenet", "mnasnet", "convnext", "ghost", "lraspp", "lite",
         "fastscnn", "scnn", "replknet", "hornet", "van$", "edgenext", "rtmdet", "rtmpose", "rtmo", "nanodet",
         "picodet", "ssdlite", "litehrnet", "cgnet", "x3d", "csn", "efficientformer", "inceptionnext", "riformer",
         "mixnet"),
    ),
)  # fmt: skip


def kind_of(name: str, family: str) -> str:
    """What sort of network the name says it is; a convolutional one with dense kernels where no word tells."""
    parts = [part + "$" for part in re.findall(r"[a-z][a-z0-9]*", f"{family} {name}".lower())]
    return next((kind for kind, words in _KINDS if any(part.startswith(words) for part in parts)), "dense cnn")


def better(metric: str) -> str:
    """Whether more or less of a metric is better; empty where the table does not know."""
    text = metric.lower()
    if any(_has(word, text) for word in _LESS):
        return "lower"
    return "higher" if any(_has(word, text) for word in _MORE) else ""


def metric_of(name: str) -> tuple[str, float]:
    """The name under which a metric is compared, and the factor of its values."""
    return METRICS.get(name, (name, 1.0))


def dataset_of(name: str) -> str:
    """The name under which a data set is compared: links and headings of the table taken off."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", name).strip()
    return DATASETS.get(plain, plain)


def _has(word: str, text: str) -> bool:
    return re.search(rf"(?<![a-z]){re.escape(word)}", text) is not None
