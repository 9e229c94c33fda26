"""Failed checks in shared helpers are told in full."""

import pytest

pytest.register_assert_rewrite("tests.platforms.calls")
