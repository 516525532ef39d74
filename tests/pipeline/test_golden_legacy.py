"""The reference's ways, exactly."""

import numpy as np
import pytest

from pipeline.legacy import legacy_time_row, wrapping_int16
from tests.support.golden import golden_case

DURATIONS = ["0.4", "1.0", "2.5", "3.003", "5.0", "9.97", "10.0", "10.24", "12.0"]


@pytest.mark.parametrize("duration", DURATIONS)
def test_the_row_of_a_shot_is_the_references(duration: str) -> None:
    case = golden_case("time_condition")
    row = legacy_time_row(case["probs"], float(duration))
    np.testing.assert_array_equal(row, case[f"seen_{duration}"])
    if len(case[f"row_{duration}"]) == 1024:
        np.testing.assert_array_equal(row, case[f"row_{duration}"])
    assert int(float(duration) * 102.4) == int(case[f"active_columns_{duration}"])


def test_samples_wrap_as_the_references_do() -> None:
    case = golden_case("pcm_wrap")
    np.testing.assert_array_equal(wrapping_int16(case["waveform"]), case["reference_int16"])
    spoken = golden_case("vocoder_w100")
    np.testing.assert_array_equal(wrapping_int16(spoken["waveform"]), spoken["pcm_int16"])
