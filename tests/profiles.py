"""Settings of the property tests: the same inputs in each run, or others by `make fuzz`."""

from __future__ import annotations

import importlib
import pkgutil

from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers

import chalicelib

EXAMPLES = 100
FACTORS = {"answers": 2, "fuzz": 10}  # times as many random inputs, by the profile

# Data for a health check are chance, and "too slow" is the clock: neither decides a verdict.
COMMON = settings(
    deadline=None, database=None, print_blob=True, suppress_health_check=list(HealthCheck)
)


def register() -> None:
    """Register all profiles. `--hypothesis-profile fuzz` chooses another one than the first."""
    settings.register_profile("repeatable", COMMON, derandomize=True, max_examples=EXAMPLES)
    for name, factor in FACTORS.items():
        settings.register_profile(name, COMMON, derandomize=False, max_examples=EXAMPLES * factor)
    settings.load_profile("repeatable")


def examples(number: int, repeated: int = 0) -> settings:
    """Return settings with `number` examples, and with more of them where inputs are random.

    `repeated` is the number where inputs are the same in each run, if many cases share a property.
    """
    most = settings().max_examples
    number = repeated or number if most == EXAMPLES else number * most // EXAMPLES
    return settings(max_examples=number)


def freeze_constants() -> None:
    """Draw constants of the code from every module, whatever the tests before have imported.

    Hypothesis mixes constants of the loaded modules into its inputs. The order of tests, and the
    worker that runs them, would otherwise change the inputs.
    """
    for module in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        importlib.import_module(module.name)
    constants = providers._get_local_constants()
    providers._get_local_constants = lambda: constants  # type: ignore[assignment]
