"""The bundled model with fewer steps, to try a bench."""

from __future__ import annotations

from dataclasses import replace

from pipeline.generators.auffusion.generator import AuffusionGenerator, load_auffusion


def load_with_steps(model: str, steps: int) -> AuffusionGenerator:
    """The networks of a model whose card asks for so many steps; 0 for its own."""
    bundle = load_auffusion(model, device="cpu")
    if not steps:
        return bundle
    settings = bundle.card.settings.changed({"steps": str(steps)})
    return AuffusionGenerator(replace(bundle.card, settings=settings), bundle.device)
