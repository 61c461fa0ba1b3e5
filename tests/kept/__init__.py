"""What an update keeps of a workbook that people worked in."""

import pytest

pytest.register_assert_rewrite("tests.kept.office", "tests.kept.unchanged")
