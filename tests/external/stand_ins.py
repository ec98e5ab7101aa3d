# SPDX-License-Identifier: Apache-2.0
"""Small clones and packages with the call signatures of the real ones, written for these tests.

Each of them moves its masks one pixel to the right per frame, by the factor ``keep`` of its one weight: what it gives
can be said beforehand.
"""

from __future__ import annotations

from pathlib import Path

NETWORK = """
import torch
class {name}(torch.nn.Module):
    def __init__(self{arguments}):
        super().__init__()
        {first}
        self.keep = torch.nn.Parameter(torch.tensor([0.5, 0.5]))
    def move(self, masks):
        return masks.roll(1, -1) * self.keep[0]
{more}
"""

RESNET = """
import torch
from torch.utils import model_zoo
class Net(torch.nn.Linear):
    pass
def resnet18(pretrained=True, **other):
    net = Net(1, 1)
    if pretrained:
        net.load_state_dict(model_zoo.load_url("https://host.invalid/resnet18-0.pth"))
    return net
resnet50 = resnet18
"""

PAD = """
import torch.nn.functional as F
def pad_divide_by(x, d):
    h, w = x.shape[-2:]
    pad = (0, -w % d, 0, -h % d)
    return F.pad(x, pad), pad
def unpad(x, pad):
    return x[..., : x.shape[-2] - pad[3], : x.shape[-1] - pad[1]]
"""

CUTIE = {
    "cutie/config/eval_config.yaml": "defaults: [model]\nhydra: {}\ndatasets: {}\ntop_k: 30\nmem_every: null\n",
    "cutie/config/model/base.yaml": "depth: 50\n",
    "cutie/config/model/small.yaml": "defaults: [base]\ndepth: 18\n",
    "cutie/model/utils/resnet.py": RESNET,
    "cutie/model/cutie.py": "from cutie.model.utils import resnet\n"
    + NETWORK.format(
        name="CUTIE",
        arguments=", cfg",
        first="self.depth = cfg.model.depth; self.encoder = resnet.resnet18(pretrained=True)",
        more="",
    ),
    "cutie/inference/inference_core.py": """
import torch
class InferenceCore:
    def __init__(self, network, *, cfg):
        assert cfg.mem_every == 5 and cfg.use_long_term is False
        self.network, self.top_k, self.fifo = network, cfg.top_k, []
    def step(self, image, mask=None, objects=None, *, idx_mask=True):
        assert image.shape[0] == 3 and 0 <= image.min() and image.max() <= 1
        if mask is not None:
            assert not idx_mask and objects == list(range(1, len(mask) + 1)) and mask.flatten(1).any(1).all()
            self.masks = mask
        else:
            self.masks = self.network.move(self.masks)
        self.fifo = [*self.fifo[-4:], self.masks]
        return torch.cat([1 - self.masks.sum(0, keepdim=True), self.masks])
""",
}

XMEM = {
    "model/__init__.py": "",
    "model/resnet.py": RESNET,
    "model/network.py": "from model import resnet\n"
    + NETWORK.format(
        name="XMem",
        arguments=", config",
        first="config['key_dim'] = 64; self.encoder = resnet.resnet50(pretrained=True); print('chatter')",
        more="",
    ),
    "util/tensor_util.py": PAD,
    "inference/inference_core.py": """
import torch
from util.tensor_util import pad_divide_by, unpad
class InferenceCore:
    def __init__(self, network, config):
        assert config["key_dim"] == 64 and config["enable_long_term"]
        self.network, self.stored = network, []
    def set_all_labels(self, labels):
        self.labels = labels
    def step(self, image, mask=None, valid_labels=None):
        image, pad = pad_divide_by(image, 16)
        assert image.min() < 0  # normalized
        if mask is not None:
            assert valid_labels == self.labels == list(range(1, len(mask) + 1)) and mask.flatten(1).any(1).all()
            self.masks = mask
        else:
            self.masks = self.network.move(self.masks)
        self.stored = [*self.stored[-9:], self.masks]
        return torch.cat([1 - self.masks.sum(0, keepdim=True), self.masks])
""",
}

STCN = {
    "model/__init__.py": "",
    "model/mod_resnet.py": RESNET,
    "model/modules.py": "from torchvision import models\nfrom model import mod_resnet\n",
    "model/aggregate.py": """
import torch
def aggregate(prob, keep_bg=False):
    return torch.cat([1 - prob.sum(0, keepdim=True), prob])
""",
    "model/eval_network.py": "from model import modules\n"
    + NETWORK.format(
        name="STCN",
        arguments="",
        first="modules.models.resnet50(pretrained=True); modules.mod_resnet.resnet18(pretrained=True)",
        more="""
    def encode_key(self, frame):
        assert frame.shape[-1] % 16 == 0 and frame.min() < 0
        return frame[:, :1], None, frame, None, None
    def encode_value(self, frame, features, masks):
        assert masks.flatten(1).any(1).all()
        return masks.unsqueeze(2)
    def segment_with_query(self, bank, features8, features4, key, thin):
        bank.last = self.move(bank.last)
        return bank.last
""",
    ),
    "util/tensor_util.py": PAD,
    "inference_memory_bank.py": """
class MemoryBank:
    def __init__(self, k, top_k=20):
        self.k, self.values = k, []
    def add_memory(self, key, value):
        assert key.ndim == 5 and len(value) == self.k
        self.values.append(value)
        self.last = value.squeeze(2)
""",
}

AOT = {
    "configs/default.py": """
import importlib
class DefaultEngineConfig:
    def __init__(self, exp_name, model):
        self.__dict__.update(vars(importlib.import_module("configs.models." + model).ModelConfig()))
""",
    "configs/models/aott.py": """
class ModelConfig:
    def __init__(self):
        self.MODEL_VOS, self.MODEL_ENGINE, self.MODEL_ALIGN_CORNERS = "aot", "aotengine", True
        self.TEST_LONG_TERM_MEM_GAP, self.TEST_SHORT_TERM_MEM_SKIP = 9999, 1
""",
    "utils/__init__.py": "",
    "utils/image.py": "name = 'of AOT'\n",
    "networks/layers/attention.py": """
import torch
class MultiheadLocalAttentionV2(torch.nn.Module):
    def __init__(self, d_model, num_head, dilation=1, use_linear=True, enable_corr=True):
        super().__init__()
        assert not (use_linear or enable_corr)
        self.num_head, self.dilation = num_head, dilation
        self.projection = torch.nn.Linear(d_model, d_model)
class MultiheadLocalAttentionV3(MultiheadLocalAttentionV2):
    def __init__(self):
        super().__init__(8, 2, 1, False, False)
""",
    "networks/models/__init__.py": "from utils.image import name\nfrom networks.layers.attention import *\n"
    + NETWORK.format(
        name="AOT",
        arguments=", cfg",
        first="self.cfg = cfg; self.LSTT = torch.nn.Module(); layer = torch.nn.Module(); "
        "layer.short_term_attn = MultiheadLocalAttentionV3(); self.LSTT.layers = torch.nn.ModuleList([layer])",
        more="def build_vos_model(name, cfg):\n    return {'aot': AOT}[name](cfg)",
    ),
    "networks/engines/__init__.py": """
import torch
import torch.nn.functional as F
class Engine(torch.nn.Module):
    def __init__(self, aot_model):
        super().__init__()
        self.AOT = aot_model
        assert type(aot_model.LSTT.layers[0].short_term_attn).__name__.endswith("V2")
    def add_reference_frame(self, image, labels, obj_nums, frame_step):
        assert image.shape[-1] % 16 == 1 and image.shape[-2:] == labels.shape[-2:] and frame_step == 0
        assert labels.max() == obj_nums[0]
        self.labels, self.number = labels, obj_nums[0]
    def match_propogate_one_frame(self, image):
        self.labels = self.labels.roll(1, -1)
    def decode_current_logits(self, size):
        labels = F.interpolate(self.labels, size, mode="nearest")
        ids = torch.arange(11).view(1, -1, 1, 1)
        logits = 4 * self.AOT.keep[0] * (labels == ids)
        return logits.masked_fill(ids > self.number, -1e10)
    def update_memory(self, labels):
        self.labels = labels
def build_engine(name, phase, aot_model, gpu_id, long_term_mem_gap, short_term_mem_skip):
    assert (name, phase, gpu_id, long_term_mem_gap) == ("aotengine", "eval", None, 9999)
    return Engine(aot_model)
""",
}

SAM2 = {
    "sam2/__init__.py": "",
    "sam2/configs/sam2.1/sam2.1_hiera_t.yaml": "model: {image_size: 1024, num_maskmem: 7}\n",
    "sam2/utils/__init__.py": "",
    "sam2/utils/misc.py": "from tqdm import tqdm\n",
    "sam2/sam2_video_predictor.py": NETWORK.format(
        name="SAM2VideoPredictor",
        arguments=", image_size, num_maskmem, **other",
        first="""
        self.image_size, self.num_maskmem = image_size, num_maskmem
        self.max_obj_ptrs_in_encoder, self.memory_temporal_stride_for_eval = 16, 1
        assert other["memory_attention"]["layer"]["self_attention"]["feat_sizes"] == [image_size // 16] * 2
        """,
        more="""
    def init_state(self, path):
        assert [file.name for file in Path(path).iterdir()] == ["0.jpg"]
        return {"images": [0], "num_frames": 1, "video_height": 8, "video_width": 8, "cached_features": {0: 0},
                "output_dict_per_obj": {}, "frames_tracked_per_obj": {}, "device": "cpu", "storage_device": "cpu"}
    def add_new_mask(self, state, frame_idx, obj_id, mask):
        assert mask.dtype == torch.bool and mask.any()
        first = {frame_idx: 8.0 * mask - 4}
        outputs = {"cond_frame_outputs": first, "non_cond_frame_outputs": {}}
        state["output_dict_per_obj"][obj_id - 1], state["frames_tracked_per_obj"][obj_id - 1] = outputs, {}
    def propagate_in_video(self, state, start_frame_idx, max_frame_num_to_track):
        assert start_frame_idx < state["num_frames"] and state["images"][start_frame_idx].shape[-1] == self.image_size
        logits = []
        for index in tqdm(range(start_frame_idx, start_frame_idx + max_frame_num_to_track + 1)):
            for number, outputs in state["output_dict_per_obj"].items():
                past = {**outputs["cond_frame_outputs"], **outputs["non_cond_frame_outputs"]}
                if index not in past:
                    past[index] = outputs["non_cond_frame_outputs"][index] = past[index - 1].roll(1, -1)
                state["frames_tracked_per_obj"][number][index] = {}
                logits.append(past[index] * 2 * self.keep[0])
            yield index, list(state["output_dict_per_obj"]), torch.stack(logits).unsqueeze(1)
""",
    ).replace("import torch\n", "import torch\nfrom pathlib import Path\nfrom tqdm import tqdm\n", 1),
}

PACKAGES = {
    "omegaconf.py": """
import yaml
class Config(dict):
    __getattr__ = dict.__getitem__
    __setattr__ = dict.__setitem__
    def __deepcopy__(self, memo):
        return Config(self)
def wrap(value):
    return Config({key: wrap(one) for key, one in value.items()}) if isinstance(value, dict) else value
class OmegaConf:
    @staticmethod
    def load(path):
        with open(path) as file:
            return wrap(yaml.safe_load(file))
    @staticmethod
    def merge(*parts):
        return wrap({key: value for part in parts for key, value in part.items()})
""",
    "hydra/__init__.py": "",
    "hydra/utils.py": """
from pydoc import locate
def instantiate(config, _recursive_):
    return locate(config["_target_"])(**{key: value for key, value in config.items() if key != "_target_"})
""",
    "torchvision/__init__.py": "",
    "torchvision/models.py": "def resnet50(weights):\n    assert weights is None\n",
    **SAM2,
}

CLONES = {
    "cutie_small": CUTIE,
    "cutie_base": CUTIE,
    "xmem": XMEM,
    "stcn": STCN,
    "aott": AOT,
    "sam2.1_tiny": SAM2,
    "medsam2": SAM2,
}


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder
