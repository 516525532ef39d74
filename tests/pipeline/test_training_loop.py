"""The training loop: loss falls, a resumed run ends where an undisturbed one does, two processes agree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pipeline.training.loop import Progress, TrainingLoop
from pipeline.training.vocabulary import learn_merges, write_open_clip_bpe, write_transformers_tokenizer
from tests.support.waiting import PATIENCE_S


def _train(folder: Path, steps: int, stop_at: int | None = None) -> nn.Linear:
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    loop = TrainingLoop("toy", folder, [model], steps=steps, learning_rate=1e-2, seed=3, ema_decay=0.9)

    def loss(progress: Progress) -> Tensor:
        if progress.step == stop_at:
            raise KeyboardInterrupt
        x = torch.randn(16, 4)
        return ((model(x) - x.sum(1, keepdim=True)) ** 2).mean()

    loop.run(loss)
    return model


@pytest.mark.steady
def test_a_resumed_run_equals_an_undisturbed_one(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    undisturbed = _train(tmp_path / "a", 450)
    with pytest.raises(KeyboardInterrupt):
        _train(tmp_path / "b", 450, stop_at=333)
    resumed = _train(tmp_path / "b", 450)
    assert torch.equal(undisturbed.weight, resumed.weight)
    torch.testing.assert_close(resumed.weight, torch.ones(1, 4), atol=0.2, rtol=0)


@pytest.mark.steady
def test_two_processes_that_meet_in_a_relative_folder_end_with_equal_weights(tmp_path: Path) -> None:
    (tmp_path / "work #1 50%").mkdir()
    code = """
import sys, torch
from pathlib import Path
from pipeline.training.loop import TrainingLoop, join_team
rank = int(sys.argv[1]); folder = Path("work #1 50%")
team = join_team(folder / "meeting", rank, 2)
torch.manual_seed(0); model = torch.nn.Linear(4, 1)
loop = TrainingLoop("pair", folder, [model], steps=20, learning_rate=1e-2, seed=3, team=team)
loop.run(lambda progress: model(torch.randn(8, 4)).square().mean())
torch.save(model.state_dict(), folder / f"{rank}.pt")
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(rank)], cwd=tmp_path, env=environment) for rank in range(2)
    ]
    assert [run.wait(timeout=PATIENCE_S) for run in runs] == [0, 0]
    first, second = (torch.load(tmp_path / "work #1 50%" / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert torch.equal(first["weight"], second["weight"])


def test_both_text_towers_number_tokens_alike(tmp_path: Path) -> None:
    from open_clip.tokenizer import SimpleTokenizer
    from transformers import CLIPTokenizer

    size = write_open_clip_bpe(tmp_path / "bpe.txt.gz")
    write_transformers_tokenizer(tmp_path)
    ours = SimpleTokenizer(bpe_path=str(tmp_path / "bpe.txt.gz"), context_length=16)
    theirs = CLIPTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert ours.vocab_size == size == len(theirs)
    for phrase in ("car passing by", "a dog, barking!", "Fußschritte"):
        row = ours([phrase])[0].tolist()
        assert row[: row.index(size - 1) + 1] == theirs(phrase).input_ids


def test_frequent_pairs_are_merged_first() -> None:
    merges = learn_merges(limit=5)
    assert len(merges) == 5
    assert ("i", "n") in merges
