# SPDX-License-Identifier: Apache-2.0
import pytest

from monai_i2v.errors import UsageError
from monai_i2v.report import named_chambers


def test_one_several_or_none() -> None:
    assert named_chambers(7, [1, 7]) == (7,)
    assert named_chambers([7, 1], [1, 7]) == named_chambers((7, 1), [1, 7]) == (7, 1)
    assert named_chambers(None, [1, 7]) == ()


@pytest.mark.parametrize(
    ("chamber", "shown"), [(2, "2"), ([1, 2], "2"), (0, "0"), ("LV", "'LV'"), (1.0, "1.0"), (True, "True")]
)
def test_what_is_no_label_is_told_with_the_labels(chamber: object, shown: str) -> None:
    with pytest.raises(UsageError, match=f"chamber is {shown}, which is no label of the mask; expected one of 1, 7"):
        named_chambers(chamber, [1, 7])
