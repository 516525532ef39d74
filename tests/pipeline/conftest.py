"""The reference's small model files, installed and loaded as a user's."""

import pytest

from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion
from pipeline.runtime import pin_threads
from pipeline.weights.install import fetch
from pipeline.weights.sources import PlainFolder
from tests.support.golden import golden_path


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """A thread to a test process, as a thread to a take: more of them wait for each other, and computing time goes."""
    pin_threads()


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> AuffusionGenerator:
    """What `foley models fetch foleycrafter-reference --from` and `load_auffusion` make of shared/golden/tiny."""
    place, models = PlainFolder(golden_path("tiny")), tmp_path_factory.mktemp("models")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("FOLEY_MODELS", str(models))
        environment.delenv("FOLEY_REFUSE_NON_COMMERCIAL", raising=False)
        fetch("foleycrafter-reference", place, models, accept_licence=True, tell=lambda text: None)
        return load_auffusion("foleycrafter-reference", device="cpu")
