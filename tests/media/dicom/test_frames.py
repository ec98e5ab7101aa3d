# SPDX-License-Identifier: Apache-2.0
"""Frames of one DICOM file: each with its own rescale, window and time, in the right order and number."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.encaps import encapsulate, itemize_fragment
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit

from monai_i2v.errors import UsageError
from monai_i2v.media.dicom.cine import open_dicom_file
from monai_i2v.media.open_video import open_video

STEPS = np.repeat(np.arange(6, dtype=np.uint16), 24).reshape(6, 4, 6) * 10  # frame i has the value 10 i
GRAY = STEPS.astype(np.uint8)


def dataset(**elements) -> Dataset:
    result = Dataset()
    for keyword, value in elements.items():
        setattr(result, keyword, value)
    return result


def change(path, **elements):
    file = pydicom.dcmread(path)
    for keyword, value in elements.items():
        setattr(file.file_meta if keyword == "TransferSyntaxUID" else file, keyword, value)
    file.save_as(path)
    return path


def content(**elements) -> Dataset:
    return dataset(FrameContentSequence=[dataset(**elements)])


def values_of(video):
    return [round(float(video.read(index).mean()), 3) for index in range(len(video))]


def test_each_frame_has_its_own_rescale_and_window(tmp_path, write_dicom):
    groups = [
        dataset(
            PixelValueTransformationSequence=[dataset(RescaleSlope=number + 1, RescaleIntercept=-number)],
            FrameVOILUTSequence=[dataset(WindowCenter=50.5 * (number + 1), WindowWidth=100 * (number + 1) + 1)],
        )
        for number in range(6)
    ]
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", STEPS, PerFrameFunctionalGroupsSequence=groups))
    assert values_of(cine) == [10 * i * (i + 1) - i for i in range(6)]
    assert cine[3][0, 0, 0] == pytest.approx((117 - (202 - 0.5 - 200)) / 400)
    assert cine.window == (0, 100)


def test_shared_groups_count_for_all_frames(tmp_path, write_dicom):
    shared = dataset(PixelValueTransformationSequence=[dataset(RescaleSlope=2, RescaleIntercept=1)])
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", STEPS, SharedFunctionalGroupsSequence=[shared]))
    assert values_of(cine) == [1, 21, 41, 61, 81, 101]


def test_spacing_that_differs_between_frames_is_left_out(tmp_path, write_dicom, caplog):
    groups = [dataset(PixelMeasuresSequence=[dataset(PixelSpacing=[0.5 + n // 5, 0.5])]) for n in range(6)]
    assert (
        open_dicom_file(write_dicom(tmp_path / "a.dcm", GRAY, PerFrameFunctionalGroupsSequence=groups)).info.spacing
        is None
    )
    assert "differ in the size of their pixels" in caplog.text
    groups = groups[:5] + groups[:1]
    info = open_dicom_file(write_dicom(tmp_path / "a.dcm", GRAY, PerFrameFunctionalGroupsSequence=groups)).info
    assert info.spacing == (0.5, 0.5)


SHUFFLED = [4, 1, 6, 2, 5, 3]
SORTED = [10, 30, 50, 0, 40, 20]


@pytest.mark.parametrize(
    "group",
    [
        lambda n: content(TemporalPositionIndex=n),
        lambda n: content(DimensionIndexValues=[1, n]),
        lambda n: content(FrameAcquisitionDateTime=f"20260101120000.{n}00000"),
        lambda n: dataset(CardiacSynchronizationSequence=[dataset(NominalCardiacTriggerDelayTime=100.0 * n)]),
    ],
)
def test_frames_of_one_file_are_in_the_order_of_their_times(tmp_path, write_dicom, group):
    groups = [group(number) for number in SHUFFLED]
    cine = open_video(write_dicom(tmp_path / "a.dcm", GRAY, PerFrameFunctionalGroupsSequence=groups))
    assert values_of(cine) == SORTED
    assert [source.number for source in cine.info.sources] == [2, 4, 6, 1, 5, 3]


def test_times_of_frames_come_with_their_order(tmp_path, write_dicom):
    groups = [content(TemporalPositionIndex=n, FrameAcquisitionDateTime=f"2026010112000{n}.5") for n in SHUFFLED]
    for group, number in zip(groups, SHUFFLED, strict=True):
        group.CardiacSynchronizationSequence = [dataset(NominalCardiacTriggerDelayTime=float(10 * number**2))]
    info = open_video(write_dicom(tmp_path / "a.dcm", GRAY, PerFrameFunctionalGroupsSequence=groups)).info
    assert info.frame_times == pytest.approx([0, 0.03, 0.08, 0.15, 0.24, 0.35])


def test_an_index_that_contradicts_the_clock_is_logged(tmp_path, write_dicom, caplog):
    groups = [content(TemporalPositionIndex=n, FrameAcquisitionDateTime=f"2026010112000{7 - n}") for n in SHUFFLED]
    cine = open_video(write_dicom(tmp_path / "a.dcm", GRAY, PerFrameFunctionalGroupsSequence=groups))
    assert values_of(cine) == SORTED
    assert "by TemporalPositionIndex contradicts FrameAcquisitionDateTime" in caplog.text
    assert cine.info.frame_times == ()


@pytest.mark.parametrize(
    "place",
    [
        lambda n: dataset(PlanePositionSequence=[dataset(ImagePositionPatient=[0, 0, 8 * (n % 3)])]),
        lambda n: content(StackID="1", InStackPositionNumber=1 + n % 3),
        lambda n: dataset(
            PlaneOrientationSequence=[dataset(ImageOrientationPatient=[1, 0, 0, 0, n % 3, 1])],
            PlanePositionSequence=[dataset(ImagePositionPatient=[0, 0, 0])],
        ),
    ],
)
def test_several_slices_over_time_in_one_file(tmp_path, write_dicom, place):
    path = write_dicom(tmp_path / "a.dcm", GRAY, PerFrameFunctionalGroupsSequence=[place(n) for n in range(6)])
    with pytest.raises(UsageError, match=r"a\.dcm holds 3 slices over time; expected one slice; export one slice"):
        open_video(path)


def test_two_detectors_are_two_views(tmp_path, write_dicom):
    with pytest.raises(UsageError, match="holds 2 slices over time"):
        open_video(write_dicom(tmp_path / "a.dcm", GRAY, DetectorVector=[1, 1, 1, 2, 2, 2]))


def test_two_pictures_of_each_moment(tmp_path, write_dicom):
    groups = [content(TemporalPositionIndex=1 + n // 2) for n in range(6)]
    with pytest.raises(UsageError, match=r"holds 2 pictures of each moment \(such as magnitude and phase\)"):
        open_video(write_dicom(tmp_path / "a.dcm", GRAY, PerFrameFunctionalGroupsSequence=groups))


@pytest.mark.parametrize(
    ("vector", "times", "warning"),
    [
        ([0, 40, 40, 2000, 40, 40], (0, 0.04, 0.08, 2.08, 2.12, 2.16), False),
        ([40, 40, 2000, 40, 40], (0, 0.04, 0.08, 2.08, 2.12, 2.16), False),  # without the 0
        ([0, 40, 40, 40, 40, 40], (), False),
        ([0, 40, 2000, 40], (), True),
        ([0, 40, 40, 2000, 40, 40, 40, 40], (), True),
        ([0, 40, 40, -5, 40, 40], (), False),
    ],
)
def test_frame_time_vector(tmp_path, write_dicom, caplog, vector, times, warning):
    info = open_video(write_dicom(tmp_path / "a.dcm", GRAY, FrameTimeVector=vector)).info
    assert info.frame_times == pytest.approx(times)
    assert (f"{len(vector)} frame times for 6 frames" in caplog.text) == warning


def without_header(path):
    """Without preamble, "DICM" and file meta group."""
    file = pydicom.dcmread(path)
    file.preamble, file.file_meta = None, FileMetaDataset()
    pydicom.dcmwrite(path, file, enforce_file_format=False, implicit_vr=False, little_endian=True)
    assert path.read_bytes()[128:132] != b"DICM"
    return path


@pytest.mark.parametrize("name", ["a.dcm", "IM0001"])
def test_a_file_without_header_is_read(tmp_path, write_dicom, name):
    cine = open_video(without_header(write_dicom(tmp_path / name, GRAY, FrameTime=40)))
    assert (values_of(cine), cine.info.kind, cine.info.frame_time) == ([0, 10, 20, 30, 40, 50], "dicom", 0.04)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_a_file_without_preamble_but_with_its_meta_group_is_read(tmp_path, write_dicom, syntax):
    path = change(write_dicom(tmp_path / "a.dcm", STEPS), TransferSyntaxUID=syntax)
    path.write_bytes(path.read_bytes()[132:])
    assert values_of(open_video(path)) == [0, 10, 20, 30, 40, 50]


def test_a_folder_of_files_without_header_is_a_series(tmp_path, write_dicom):
    for number in range(3):
        without_header(write_dicom(tmp_path / f"{number}", GRAY[number : number + 1], InstanceNumber=3 - number))
    assert values_of(open_video(tmp_path)) == [20, 10, 0]


def jpegs(quality=95):
    for frame in GRAY:
        file = io.BytesIO()
        Image.fromarray(np.kron(frame, np.ones((8, 8), np.uint8))).save(file, "JPEG", quality=quality)
        yield file.getvalue() + b"\0" * (len(file.getvalue()) % 2)


def write_jpegs(path, write_dicom, pixels, **elements):
    write_dicom(path, np.kron(GRAY, np.ones((1, 8, 8), np.uint8)), **elements)
    file = pydicom.dcmread(path)
    file.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    file.PixelData = pixels
    file.save_as(path)
    return path


def in_fragments(table, pieces=2):
    """Encapsulated frames of several fragments each, behind any offset table."""
    items = b""
    for frame in jpegs():
        size = -(-len(frame) // pieces // 2) * 2
        items += b"".join(itemize_fragment(frame[begin : begin + size]) for begin in range(0, len(frame), size))
    entries = np.asarray(table, "<u4").tobytes()
    return b"\xfe\xff\x00\xe0" + len(entries).to_bytes(4, "little") + entries + items + b"\xfe\xff\xdd\xe0\0\0\0\0"


@pytest.mark.parametrize("pieces", [1, 2, 3])
@pytest.mark.parametrize("table", [[], [0, 2, 4, 6, 8, 10], [0, 0, 0, 0, 0, 0], [0, 10**9], [4, 8, 12]], ids=str)
def test_fragments_with_any_table_are_read(tmp_path, write_dicom, pieces, table):
    path = write_jpegs(tmp_path / "a.dcm", write_dicom, in_fragments(table, pieces))
    assert values_of(open_video(path)) == pytest.approx([0, 10, 20, 30, 40, 50], abs=1)


def test_compressed_frames_without_header_are_told(tmp_path, write_dicom):
    path = without_header(write_jpegs(tmp_path / "a.dcm", write_dicom, encapsulate(list(jpegs()))))
    with pytest.raises(UsageError, match=r"a\.dcm lacks the header .* how its frames are compressed; .* export it"):
        open_video(path)


@pytest.mark.parametrize("said", [3, 5, 8])
@pytest.mark.parametrize("compressed", [False, True])
def test_all_frames_that_are_there_are_read_and_a_wrong_number_is_logged(
    tmp_path, write_dicom, caplog, said, compressed
):
    pixels = encapsulate(list(jpegs()), has_bot=said == 5)
    if compressed:
        path = write_jpegs(tmp_path / "a.dcm", write_dicom, pixels, NumberOfFrames=said)
    else:
        path = write_dicom(tmp_path / "a.dcm", GRAY, NumberOfFrames=said)
    assert values_of(open_video(path)) == pytest.approx([0, 10, 20, 30, 40, 50], abs=1)
    assert f"says that it holds {said} frames, but has 6" in caplog.text


def test_a_file_that_is_cut_off_is_told(tmp_path, write_dicom):
    path = write_dicom(tmp_path / "a.dcm", GRAY)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(UsageError, match=r"frame 5 of .* cannot be decoded; it is damaged, cut off"):
        open_video(path)


@pytest.mark.parametrize("photometric", ["YBR_FULL_422", "YBR_FULL"])
def test_uncompressed_colors_by_their_number_of_bytes(tmp_path, write_dicom, photometric):
    colors = np.full((2, 4, 6, 3), 128, np.uint8)
    colors[..., 0] = 90
    path = write_dicom(tmp_path / "a.dcm", colors, PhotometricInterpretation=photometric)
    assert open_video(path).read(1)[2, 3].tolist() == [90, 90, 90]
    halved = np.full((2, 4, 3, 4), 128, np.uint8)  # Y Y B R of two pixels
    halved[..., :2] = 90
    path = change(path, PixelData=halved.tobytes(), PhotometricInterpretation="YBR_FULL_422")
    assert open_video(path).read(1)[2, 3].tolist() == [90, 90, 90]


def test_planes_of_color_one_after_the_other(tmp_path, write_dicom):
    colors = np.arange(2 * 4 * 6 * 3, dtype=np.uint8).reshape(2, 4, 6, 3)
    path = write_dicom(tmp_path / "a.dcm", colors, PlanarConfiguration=1)
    path = change(path, PixelData=np.ascontiguousarray(colors.transpose(0, 3, 1, 2)).tobytes())
    assert np.array_equal(open_video(path).read(1), colors[1])


@pytest.mark.parametrize("kind", [np.uint16, np.int16])
def test_bits_above_those_stored_do_not_count(tmp_path, write_dicom, kind):
    stored = (np.arange(48).reshape(2, 4, 6) - 24 * (kind == np.int16)).astype(kind)
    garbage = (stored & 0x0FFF) | 0x7000
    path = write_dicom(tmp_path / "a.dcm", garbage.astype(kind), BitsStored=12, HighBit=11)
    assert np.array_equal(open_video(path).read(1)[..., 0], stored[1])


def test_padding_does_not_count_for_the_window(tmp_path, write_dicom):
    frames = np.tile(np.arange(1000, dtype=np.int16), (2, 4, 1))
    frames[:, :2] = -1100
    elements = {"PixelPaddingValue": -1100, "RescaleSlope": 2, "RescaleIntercept": 100}
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", frames, **elements))
    assert cine.window == pytest.approx((110, 2088), abs=2)
    limited = {**elements, "PixelPaddingRangeLimit": -1000}
    frames[:, 0] = -1050
    assert open_dicom_file(write_dicom(tmp_path / "a.dcm", frames, **limited)).window == cine.window


def test_a_window_in_which_nothing_is_seen_is_left_out(tmp_path, write_dicom, caplog):
    path = write_dicom(
        tmp_path / "a.dcm",
        STEPS * 10 + np.arange(24, dtype=np.uint16).reshape(4, 6),
        WindowCenter=60000,
        WindowWidth=100,
    )
    assert open_dicom_file(path)[5].mean() > 0.9
    assert "window in which nothing is seen" in caplog.text


@pytest.mark.parametrize(
    ("function", "shade"),
    [("LINEAR", (30 - (40 - 0.5 - 19.5)) / 39), ("LINEAR_EXACT", 0.25), ("SIGMOID", 1 / (1 + np.exp(1)))],
)
def test_kinds_of_windows(tmp_path, write_dicom, function, shade):
    elements = {"WindowCenter": 40, "WindowWidth": 40, "VOILUTFunction": function}
    for photometric, expected in (("MONOCHROME2", shade), ("MONOCHROME1", 1 - shade)):
        path = write_dicom(tmp_path / "a.dcm", STEPS, PhotometricInterpretation=photometric, **elements)
        assert open_dicom_file(path)[3][0, 0, 0].item() == pytest.approx(expected, abs=1e-6)


def test_a_window_of_width_1_is_none(tmp_path, write_dicom):
    assert open_dicom_file(write_dicom(tmp_path / "a.dcm", STEPS, WindowCenter=0, WindowWidth=1)).window == (0, 50)


def table(first, entries, bits=16):
    return dataset(LUTDescriptor=[len(entries), first, bits], LUTData=list(entries))


def test_tables_for_the_modality_and_for_showing(tmp_path, write_dicom):
    modality = table(0, [*range(0, 500, 10), 1000])  # 10 is 100, 20 is 200 ...
    modality["LUTDescriptor"].VR = "US"
    shown = table(100, [0, *[255] * 200, 1023], bits=10)
    shown["LUTDescriptor"].VR = "US"
    for item in (modality, shown):
        item["LUTData"].VR = "US"
    path = write_dicom(tmp_path / "a.dcm", STEPS, ModalityLUTSequence=[modality], VOILUTSequence=[shown])
    cine = open_dicom_file(path)
    assert values_of(cine) == [0, 100, 200, 300, 400, 1000]
    assert [round(float(cine[index].mean()) * 1023) for index in (0, 1, 2, 5)] == [0, 0, 255, 1023]


def palette(entries, bits, first=0, count=None):
    elements = {}
    for color, values in zip(("Red", "Green", "Blue"), entries, strict=True):
        name = f"{color}PaletteColorLookupTable"
        elements[f"{name}Descriptor"] = [len(values) if count is None else count, first, bits]
        elements[f"{name}Data"] = values.tobytes()
    return {"PhotometricInterpretation": "PALETTE COLOR", **elements}


RAMP = np.arange(256)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(
    "entries", [RAMP.astype(np.uint8), RAMP.astype("<u2"), (RAMP * 257).astype("<u2"), (RAMP << 8).astype("<u2")]
)
def test_palettes_are_read_by_their_entries(tmp_path, write_dicom, bits, entries):
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", GRAY, **palette([entries, entries // 2, entries], bits)))
    assert cine.read(4)[0, 0].tolist() == [40, 20, 40]


def test_palettes_of_signed_pixels_and_of_fewer_entries_than_they_say(tmp_path, write_dicom):
    frames = (STEPS.astype(np.int16) - 20)[:5]  # -20 to 20
    entries = np.arange(11, dtype=np.uint8)
    path = write_dicom(tmp_path / "a.dcm", frames, **palette([entries] * 3, 8, first=-5))
    assert [int(open_dicom_file(path).read(index)[0, 0, 0]) for index in range(5)] == [0, 0, 5, 10, 10]
    path = write_dicom(tmp_path / "b.dcm", STEPS, **palette([RAMP.astype("<u2")] * 3, 16, count=0))
    assert open_dicom_file(path).read(5)[0, 0].tolist() == [50, 50, 50]


@pytest.mark.parametrize(("bits", "kind"), [(8, "u1"), (16, "<u2"), (16, "u1"), (8, "<u2")])
def test_segmented_palettes(tmp_path, write_dicom, bits, kind):
    # 0, 1, ... 10, then twice: 5 steps to 60 and 5 back
    size = np.dtype(kind).itemsize
    words = [0, 1, 0, 1, 10, 10, 1, 5, 60, 1, 5, 10]
    words += [2, 2, 6 * size, 0, *([0, 0] if size == 1 else [])]
    elements = palette([np.array(words, kind)] * 3, bits, count=31)
    segmented = {("Segmented" + key if key.endswith("Data") else key): value for key, value in elements.items()}
    cine = open_dicom_file(write_dicom(tmp_path / "a.dcm", GRAY, **segmented))
    assert [int(cine.read(index)[0, 0, 0]) for index in range(4)] == [0, 10, 10, 10]
