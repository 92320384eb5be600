# Written by `python tools/docs.py --text`.
from degrade.core.op import Op
from degrade.core.registry import Registry
from degrade.ops.albumentation import Albumentation
from degrade.ops.anisotropic_blur import AnisotropicBlur
from degrade.ops.at_scale import AtScale
from degrade.ops.banding import Banding
from degrade.ops.base_fog import BaseFog
from degrade.ops.bit_depth import BitDepth
from degrade.ops.black_and_white import BlackAndWhite
from degrade.ops.black_frames import BlackFrames
from degrade.ops.blotch import Blotch
from degrade.ops.breathing import Breathing
from degrade.ops.burn import Burn
from degrade.ops.chroma_bleed import ChromaBleed
from degrade.ops.chroma_shift import ChromaShift
from degrade.ops.combing import Combing
from degrade.ops.crackle import Crackle
from degrade.ops.cue_mark import CueMark
from degrade.ops.decomposition import Decomposition
from degrade.ops.dirt import Dirt
from degrade.ops.dropout import Dropout
from degrade.ops.dust import Dust
from degrade.ops.emulsion_scratch import EmulsionScratch
from degrade.ops.exposure_jitter import ExposureJitter
from degrade.ops.fading import Fading
from degrade.ops.flicker import Flicker
from degrade.ops.frame_border import FrameBorder
from degrade.ops.frame_faults import FrameFaults
from degrade.ops.gate_dirt import GateDirt
from degrade.ops.gaussian_blur import GaussianBlur
from degrade.ops.grain import Grain
from degrade.ops.hair import Hair
from degrade.ops.halation import Halation
from degrade.ops.hand_cranked import HandCranked
from degrade.ops.head_switching import HeadSwitching
from degrade.ops.jpeg import Jpeg
from degrade.ops.jump import Jump
from degrade.ops.lens_dirt import LensDirt
from degrade.ops.lens_softness import LensSoftness
from degrade.ops.light_leak import LightLeak
from degrade.ops.line_jitter import LineJitter
from degrade.ops.mottled_grain import MottledGrain
from degrade.ops.mould import Mould
from degrade.ops.moving_line import MovingLine
from degrade.ops.noise import Noise
from degrade.ops.one_of import OneOf
from degrade.ops.periodic_flicker import PeriodicFlicker
from degrade.ops.pipeline import Pipeline
from degrade.ops.pulldown import Pulldown
from degrade.ops.ringing import Ringing
from degrade.ops.roll import Roll
from degrade.ops.scratch import Scratch
from degrade.ops.short_scratch import ShortScratch
from degrade.ops.shot_noise import ShotNoise
from degrade.ops.shuffle import Shuffle
from degrade.ops.slip import Slip
from degrade.ops.soft_dust import SoftDust
from degrade.ops.spatial_flicker import SpatialFlicker
from degrade.ops.splice import Splice
from degrade.ops.stain import Stain
from degrade.ops.tape_noise import TapeNoise
from degrade.ops.texture import Texture
from degrade.ops.tinting import Tinting
from degrade.ops.tone_curve import ToneCurve
from degrade.ops.toning import Toning
from degrade.ops.video_codec import VideoCodec
from degrade.ops.vignette import Vignette
from degrade.ops.weave import Weave
from degrade.ops.webp import Webp

__all__ = [
    "Albumentation",
    "AnisotropicBlur",
    "AtScale",
    "Banding",
    "BaseFog",
    "BitDepth",
    "BlackAndWhite",
    "BlackFrames",
    "Blotch",
    "Breathing",
    "Burn",
    "ChromaBleed",
    "ChromaShift",
    "Combing",
    "Crackle",
    "CueMark",
    "Decomposition",
    "Dirt",
    "Dropout",
    "Dust",
    "EmulsionScratch",
    "ExposureJitter",
    "Fading",
    "Flicker",
    "FrameBorder",
    "FrameFaults",
    "GateDirt",
    "GaussianBlur",
    "Grain",
    "Hair",
    "Halation",
    "HandCranked",
    "HeadSwitching",
    "Jpeg",
    "Jump",
    "LensDirt",
    "LensSoftness",
    "LightLeak",
    "LineJitter",
    "MottledGrain",
    "Mould",
    "MovingLine",
    "Noise",
    "OneOf",
    "PeriodicFlicker",
    "Pipeline",
    "Pulldown",
    "Ringing",
    "Roll",
    "Scratch",
    "ShortScratch",
    "ShotNoise",
    "Shuffle",
    "Slip",
    "SoftDust",
    "SpatialFlicker",
    "Splice",
    "Stain",
    "TapeNoise",
    "Texture",
    "Tinting",
    "ToneCurve",
    "Toning",
    "VideoCodec",
    "Vignette",
    "Weave",
    "Webp",
    "registry",
]

registry: Registry[Op]
