"""Auffusion: a Stable-Diffusion-class UNet over mel pictures, steered by text and by two adapters."""
