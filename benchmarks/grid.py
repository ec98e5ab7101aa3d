# SPDX-License-Identifier: Apache-2.0
"""What `tables.py` measures, and the tables that it makes of it: the layouts of the three papers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from torch import Tensor

from monai_i2v.adaptation import TestTimeTrainer
from monai_i2v.networks import OneShotMemoryNet, OneShotNet

__all__ = ["BUNDLES", "IMAGE", "RUNS", "TABLES", "TRAINED", "TRAINED_TRACKERS", "Run", "Table", "TrainerWithoutMemory"]

BUNDLES = Path(__file__).parents[1] / "bundles"
# Weights of published systems, as ``NAME.pt``, and clones of their repositories, by those who have them.
SYSTEMS = Path(__file__).parents[1] / "runs" / "external"
# What `few_shot_training.py` and `vos_training.py` make: methods whose weights are not shipped.
TRAINED = Path(__file__).parents[1] / "runs" / "few_shot"
TRAINED_TRACKERS = Path(__file__).parents[1] / "runs" / "vos"

IMAGE = "one_shot_image_segmentation"
TRAINING = "test_time_training_video_segmentation"
RELEARNING = "consistency_relearning_video_segmentation"
MEMORY = "temporal_contrastive_memory_video_segmentation"

REAL = ("cine", "larynx")
CONTROLLED = (*REAL, "control-still", "control-flicker", "control-fast")
# An untrained head needs larger steps, and more of them, than one that is adapted. Chosen on the tuning half of the
# development clips so that prediction alignment alone comes near the image network.
FROM_A_RANDOM_HEAD: dict[str, Any] = {
    "optimizer": {"_target_": "torch.optim.Adam", "_mode_": "callable", "lr": 1e-3},
    "schedule": {"_target_": "monai_i2v.adaptation.Schedule", "passes": 1, "min_steps": 60},
    "guard": None,
    "seed": "@seed",
}


@dataclass(frozen=True)
class Run:
    """A method with its settings.

    Args:
        name: of its file and in the tables.
        bundle: the bundle that it comes from.
        method: ``"copy"``, ``"image"``, or a preset of the bundle.
        changes: values for the keys of the bundle's ``inference.json``.
        random: whether the seed matters; if not, one is enough.
        scope: adapted to each video, to all of a family together, or along each video.
        families: the only families that are measured, for a method that takes very long; empty for all but controls.
        overlays: further files of the bundle's ``configs``, over ``inference.json``.
    """

    name: str
    bundle: str
    method: str
    changes: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    random: bool = False
    scope: Literal["video", "dataset", "sliding", "stream"] = "video"
    families: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()

    @property
    def is_trained(self) -> bool:
        """Whether its weights are there: shipped, or trained here."""
        return Path(self.changes.get("checkpoint", __file__)).exists()


@dataclass(frozen=True)
class Table:
    """A table of a paper.

    Args:
        title: what it says.
        head: names of the first columns.
        rows: the first cells of each row, and the run that fills the others.
        measures: the numbers of each cell.
        figure: draw the first measure as bars, too.
        baseline: name of the run that the others are compared with.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], Run], ...]
    measures: tuple[str, ...] = ("dice", "iou")
    figure: bool = False
    baseline: str = "image"


class TrainerWithoutMemory(TestTimeTrainer):
    """Test-time training of the same network when its read-out is nothing."""

    def make_student(self, network: OneShotNet) -> OneShotMemoryNet:
        torch.manual_seed(self.seed)  # for the head
        student = _NetWithoutMemory(network, **self.memory).eval().requires_grad_(False)
        return student.to(next(network.parameters()).device)


class _NetWithoutMemory(OneShotMemoryNet):
    def decode(self, embedded: Tensor, readout: Tensor) -> Tensor:
        return super().decode(embedded, 0 * readout)


COPY = Run("copy", IMAGE, "copy")
IMAGE_NET = Run("image", IMAGE, "image")
MEMORY_ONLY = Run("ttt_memory_only", TRAINING, "memory_only")
TCMN = Run("tcmn_memory_only", MEMORY, "memory_only")
TCMN_ANCHORED = Run("tcmn_anchored", MEMORY, "anchored", random=True)


def _component(memory: bool, feature: bool, prediction: bool) -> Run:
    """A row of the ablation of components, from a random head."""
    if not (memory or feature or prediction):
        return IMAGE_NET
    names = [name for name, used in (("memory", memory), ("feature", feature), ("prediction", prediction)) if used]
    terms = [("FeatureAlignment", feature), ("PredictionAlignment", prediction)]
    adaptation = {
        "_target_": "monai_i2v.adaptation.TestTimeTrainer" if memory else "grid.TrainerWithoutMemory",
        "memory": {"head_init": "random", "key": "matching"},
        "terms": [{"_target_": f"monai_i2v.adaptation.{name}"} for name, used in terms if used],
        **FROM_A_RANDOM_HEAD,
    }
    name = "components_" + "_".join(names)
    return Run(name, TRAINING, "paper_video", {"adaptation": adaptation}, random=True, families=("cine",))


def _similarity(measure: str) -> Run:
    changes = {"adaptation::memory::measure": measure, "adaptation::memory::blend": 0.5}
    return Run(f"similarity_{measure}", TRAINING, "memory_only", changes)


def _term(name: str, **settings: Any) -> Run:
    """Test-time training with a further term beside the paper's, the first frame's and mask cycles."""
    terms = [
        {"_target_": "monai_i2v.adaptation.PredictionAlignment"},
        {"_target_": "monai_i2v.adaptation.FeatureAlignment"},
        {"_target_": "monai_i2v.adaptation.FirstFrame", "weight": 0.3},
        {"_target_": "monai_i2v.adaptation.MaskCycle", "weight": 0.3},
        *([{**settings, "displacement": f"$monai_i2v.adaptation.{settings['displacement']}"}] if settings else []),
    ]
    adaptation = {
        "_target_": "monai_i2v.adaptation.TestTimeTrainer",
        "memory": {"key": "matching", "blend": 0.1},
        "terms": terms,
        "optimizer": {"_target_": "torch.optim.Adam", "_mode_": "callable", "lr": 3e-4},
        "schedule": {"_target_": "monai_i2v.adaptation.Schedule", "passes": 1, "min_steps": 16, "window": 2},
        "seed": "@seed",
    }
    return Run(f"terms_{name}", TRAINING, "anchored", {"adaptation": adaptation}, random=True, families=CONTROLLED)


def _losses(temporal: bool, feature: bool, prediction: bool) -> Run:
    """A row of the ablation of RAB's losses, without the guard that would take a collapse back."""
    used = {"temporal": temporal, "feature": feature, "prediction": prediction}
    weights = {name: 0.0 for name, kept in used.items() if not kept}
    changes = {
        "adaptation::weights": {"_target_": "monai_i2v.adaptation.ConsistencyWeights", **weights},
        "adaptation::guard": None,
    }
    name = "relearning_" + "_".join(name for name, kept in used.items() if kept)
    return Run(name, RELEARNING, "relearning", changes, random=True, families=REAL)


def _few_shot(method: str) -> Run:
    """A method of others, with the weights that were trained for it."""
    network = {"_target_": "monai_i2v.networks.few_shot.light_network", "method": method}
    changes = {"network_def": network, "checkpoint": str(TRAINED / method / "model.pt")}
    return Run(f"few_shot_{method}", IMAGE, "image", changes)


def _external(method: str, repository: str | None) -> Run:
    """A published system at its own size, with what a person has put into the folder `SYSTEMS`."""
    changes = {
        "method": method,
        "repository": None if repository is None else str(SYSTEMS / repository),
        "checkpoint": str(SYSTEMS / f"{method}.pt"),
        "size": None,
    }
    return Run(f"external_{method}", MEMORY, "image", changes, overlays=("external.json",))


# Names and clones of published systems.
EXTERNAL = {
    "sam2.1_tiny": None,
    "medsam2": None,
    "cutie_small": "Cutie",
    "cutie_base": "Cutie",
    "xmem": "XMem",
    "stcn": "STCN",
    "aott": "aot-benchmark",
    "deaott": "aot-benchmark",
}

# In the order of the paper's table; the image network is trained once more with what they have.
FEW_SHOT = {
    "one_shot": "image network, trained alike",
    "panet": "PANet",
    "hsnet": "HSNet",
    "dcama": "DCAMA",
    "vat": "VAT (lite)",
    "ssp": "SSP",
    "afa": "AFA",
    "sccan": "SCCAN",
    "dcp": "DCP",
    "patnet": "PATNet",
    "restnet": "RestNet",
    "dra": "DRA",
}


def _tracker(method: str) -> Run:
    """A light form of a tracker, with the weights that were trained for it."""
    network = {"_target_": "monai_i2v.networks.vos.light_network", "method": method}
    changes = {"network_def": network, "checkpoint": str(TRAINED_TRACKERS / method / "model.pt")}
    return Run(f"vos_{method}", MEMORY, "memory_only", changes)


# In the order of TCMN's table.
TRACKERS = {
    "afb_urr": "AFB-URR",
    "stcn": "STCN",
    "aot": "AOT",
    "joint": "JOINT",
    "deaot": "DeAOT",
    "rpcm": "RPCM",
    "rde": "RDE",
    "xmem": "XMem",
    "cutie": "Cutie",
    "tcmn": "TCMN, trained alike",
}

REGULARIZATION = "monai_i2v.adaptation.TemporalConsistencyRegularization"
SUPERVISION = "monai_i2v.adaptation.TemporalPseudoSupervision"
UNTRAINED = Run("terms_memory_only", TRAINING, "memory_only", families=CONTROLLED)
TENT_FAST = {"adaptation": {"_target_": "monai_i2v.adaptation.Tent", "learning_rate": 1e-3}}
MARKS = {True: "x", False: ""}

TABLES: dict[str, Table] = {
    "methods": Table(
        "Methods (Table 1 of the test-time training paper)",
        ("method",),
        (
            (("copy the first mask",), COPY),
            *(((title,), _few_shot(method)) for method, title in FEW_SHOT.items()),
            (("image network",), IMAGE_NET),
            (("RBN",), Run("rbn", IMAGE, "rbn")),
            (("Tent, learning rate 1e-4",), Run("tent", IMAGE, "tent")),
            (("Tent, learning rate 1e-3",), Run("tent_fast", IMAGE, "tent", TENT_FAST)),
            (("InTEnt",), Run("intent", IMAGE, "intent")),
            (("TTT, `memory_only`",), MEMORY_ONLY),
            (("TTT, `paper_video`",), Run("ttt_paper_video", TRAINING, "paper_video", random=True)),
            (
                ("TTT, `paper`, all videos together",),
                Run("ttt_paper", TRAINING, "paper", scope="dataset", families=("cine",)),
            ),
            (("TTT, `anchored`",), Run("ttt_anchored", TRAINING, "anchored", random=True)),
            (("RAB, `relearning`",), Run("relearning", RELEARNING, "relearning", random=True)),
            (("TCMN, `memory_only`",), TCMN),
            (("TCMN, `anchored`",), TCMN_ANCHORED),
        ),
    ),
    "components": Table(
        "Components of test-time training from a random head (Table 2 of the test-time training paper)",
        ("memory", "feature alignment", "prediction alignment"),
        tuple(
            ((MARKS[memory], MARKS[feature], MARKS[prediction]), _component(memory, feature, prediction))
            for prediction in (False, True)
            for feature in (False, True)
            for memory in (False, True)
        ),
    ),
    "similarity": Table(
        "Similarity of keys (Figure 3 of the test-time training paper)",
        ("measure",),
        tuple(((measure,), _similarity(measure)) for measure in ("l2", "dot", "cosine")),
        figure=True,
    ),
    "memory_network": Table(
        "The memory network (tables of the TCMN paper)",
        ("method",),
        (
            (("copy the first mask",), COPY),
            (("image network",), IMAGE_NET),
            (("TCMN, `memory_only`",), TCMN),
            (("TCMN, `anchored`",), TCMN_ANCHORED),
        ),
        measures=("j", "f", "dice"),
    ),
    "video": Table(
        "Trackers in light form, trained alike (tables of the TCMN paper)",
        ("method",),
        (
            (("copy the first mask",), COPY),
            *(((title,), _tracker(method)) for method, title in TRACKERS.items()),
            (("TCMN as shipped, `memory_only`",), TCMN),
        ),
        measures=("j", "f", "dice"),
        baseline="vos_tcmn",
    ),
    "systems": Table(
        "Published systems with their own weights (`runs/external`), each at its own size",
        ("method",),
        (
            (("TCMN, `memory_only`",), TCMN),
            (("copy the first mask",), COPY),
            *(((method,), _external(method, repository)) for method, repository in EXTERNAL.items()),
        ),
        measures=("j", "f", "dice"),
        baseline=TCMN.name,
    ),
    "losses": Table(
        "Losses of relearning (ablation of the RAB paper)",
        ("temporal", "feature", "prediction"),
        (
            (("", "", ""), IMAGE_NET),
            (("", "x", "x"), _losses(False, True, True)),
            (("x", "", "x"), _losses(True, False, True)),
            (("x", "x", ""), _losses(True, True, False)),
            (("x", "x", "x"), _losses(True, True, True)),
        ),
    ),
    "terms": Table(
        "Further terms of test-time training, on every video",
        ("terms",),
        (
            (("none (`memory_only`)",), UNTRAINED),
            (("the paper's, first frame, mask cycles",), _term("anchored")),
            (("and ITCR, affinity",), _term("itcr", _target_=REGULARIZATION, displacement="affinity")),
            (("and ITCR, registration",), _term("itcr_demons", _target_=REGULARIZATION, displacement="registration")),
            (("and TPS, affinity",), _term("tps", _target_=SUPERVISION, displacement="affinity")),
        ),
        baseline=UNTRAINED.name,
    ),
    "scopes": Table(
        "When test-time training learns (`anchored`)",
        ("scope",),
        (
            (("not at all (`memory_only`)",), MEMORY_ONLY),
            (("video",), Run("ttt_anchored", TRAINING, "anchored", random=True)),
            (("sliding",), Run("scope_sliding", TRAINING, "anchored", random=True, scope="sliding", families=REAL)),
            (("stream",), Run("scope_stream", TRAINING, "anchored", random=True, scope="stream", families=REAL)),
        ),
        baseline=MEMORY_ONLY.name,
    ),
}

RUNS: dict[str, Run] = {run.name: run for table in TABLES.values() for _, run in table.rows}
